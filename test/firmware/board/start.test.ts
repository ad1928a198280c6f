// The script that finds a board's Node, with programs in the place of Node that say of themselves what they like.
import { chmodSync, copyFileSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { emptyFolder, type Finished, run } from "../../support/command.ts";

const START = join(import.meta.dirname, "../../../firmware/board/start");

describe("the start script of a board", () => {
  let folder: ReturnType<typeof emptyFolder>;
  let home: string;
  beforeEach(() => {
    folder = emptyFolder();
    home = join(folder.path, "opt/meterbench");
    mkdirSync(join(home, "node/bin"), { recursive: true });
    copyFileSync(START, join(home, "start"));
  });
  afterEach(() => folder.remove());

  /** A Node that only says its version, and with what it was started. */
  function ship(version: string): void {
    const path = join(home, "node/bin/node");
    writeFileSync(
      path,
      `#!/bin/sh\n[ "$1" = --version ] && echo ${version} && exit\necho "$@"; env | grep -E "^NODE_(OPTIONS|V8)"\ntrue\n`,
    );
    chmodSync(path, 0o755);
  }
  /** What each Node is started with. */
  const loader = (): string => `--max-semi-space-size=1 ${join(home, "boot.mjs")}`;
  /** Where the system has a Node of its own, it is another one than a board's: the script asks for those by their paths. */
  const start = (...args: string[]): Promise<Finished> => run("/bin/sh", [join(home, "start"), ...args]);

  test.each(["v20.19.0", "v20.19.6", "v22.1.0", "v100.0.0"])(
    "takes the Node that was shipped where it is %s",
    async (version) => {
      ship(version);
      expect(await start()).toMatchObject({
        code: 0,
        stdout: `${loader()} run --root ${folder.path}\n`,
      });
    },
  );

  test("asks the loader what it is told to ask", async () => {
    ship("v20.19.0");
    const { stdout } = await start("slots", "--json");
    expect(stdout).toBe(`${loader()} slots --json --root ${folder.path}\n`);
  });

  test("finds the loader beside itself, by whatever link it is called", async () => {
    ship("v20.19.0");
    const link = join(folder.path, "meter");
    symlinkSync(join(home, "start"), link);
    expect((await run("/bin/sh", [link, "slots"])).stdout).toBe(`${loader()} slots --root ${folder.path}\n`);
  });

  test("hands nothing of Node's settings on", async () => {
    ship("v20.19.0");
    process.env["NODE_OPTIONS"] = "--inspect=0";
    process.env["NODE_V8_COVERAGE"] = folder.path;
    try {
      expect((await start()).stdout).toBe(`${loader()} run --root ${folder.path}\n`);
    } finally {
      delete process.env["NODE_OPTIONS"];
      delete process.env["NODE_V8_COVERAGE"];
    }
  });

  test.each(["v20.18.9", "v18.20.4", "v8.0.0", "nonsense", ""])(
    "does not take one that says %j",
    async (version) => {
      ship(version);
      const { code, stderr, stdout } = await start();
      // The system's own takes its place where it is new enough, and finds no loader here.
      expect(stdout).not.toContain("run --root");
      if (code === 69)
        expect(stderr).toMatch(
          /^No Node here is of 20\.19 or newer, and there is .+ put a newer one at .+\/node\.\n$/,
        );
    },
  );
});
