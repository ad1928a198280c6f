import { defineConfig } from "vitest/config";
import WaitingFirst from "./test/support/waiting-first.ts";

const conditions = ["meterbench-source"];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ["test/**/*.test.ts"],
    // Packing and installing has its own script, `npm run test:package`, and so has bad input, `npm run fuzz`: of that
    // only what was found once is replayed here. `npm run test:commands` has the commands that are not asked for most,
    // a process for each, what builds images and cuts updates, and samples of what has a long run of its own: `npm test`
    // would take half as long again with them. CI runs all.
    exclude: [
      ...(process.env["METERBENCH_COMMANDS"] === undefined
        ? [
            "test/{blindness,latency,load,power-cuts}/**",
            "test/firmware/board/{loader,meter-on-board}.test.ts",
            "test/firmware/update/{faults,power-loss}.test.ts",
            "test/host-tools/cli/{air,bus,capture,dap,dap-processes,dap-strangers,faceplate-pty,flash,flash-meter,groups,hil,ic,image,resources,secrets,signed,via}.test.ts",
            "test/host-tools/flash/{console,sftp,ssh}.test.ts",
            "test/host-tools/hil/{attached-rig,power/power}.test.ts",
            "test/host-tools/image/build.test.ts",
          ]
        : []),
      ...(process.env["METERBENCH_PACKAGE"] === undefined ? ["test/package/**"] : []),
      ...(process.env["METERBENCH_FUZZ_INPUTS"] === undefined ? ["test/fuzz/!(corpus).test.ts"] : []),
    ],
    globalSetup: ["test/support/build.ts"],
    testTimeout: 30_000,
    // Two more than the two cores that the tests are made for: process tests wait more than they compute.
    maxWorkers: 4,
    // A file finds the modules as the one before left them, compiled and warm: half of the time.
    isolate: false,
    sequence: { sequencer: WaitingFirst },
    reporters: ["default", "./test/support/count-reporter.ts"],
  },
});
