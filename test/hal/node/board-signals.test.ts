// A power failure as Linux tells it: a real SIGPWR, to this process and to one of its own.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, test } from "vitest";
import { systemBoardSignals } from "../../../hal/node/board-signals.ts";
import { boardSignalsContract } from "../../contracts/board-signals.ts";
import { sleep } from "../../support/real-time.ts";

const MODULE = fileURLToPath(new URL("../../../dist/hal/node/board-signals.js", import.meta.url));
const isLinux = process.platform === "linux";
const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

if (isLinux) {
  boardSignalsContract("a Linux board", () => {
    // Without a handler of the test's own, a signal that the board no longer takes would end the test.
    const survive = () => {};
    process.on("SIGPWR", survive);
    const signals = systemBoardSignals();
    const failSupply = async () => {
      process.kill(process.pid, "SIGPWR");
      await sleep(30);
    };
    return {
      signals,
      failSupply,
      close() {
        signals.close();
        process.off("SIGPWR", survive);
      },
    };
  });
}

/** A process that takes its board's signals, runs a line of its own, says so, and waits for its end. */
async function meterProcess(line: string): Promise<ChildProcess> {
  const script = `import { systemBoardSignals } from ${JSON.stringify(MODULE)};
    const signals = systemBoardSignals();
    ${line}
    setInterval(() => {}, 1000);
    process.stdout.write("ready\\n");`;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", script]);
  children.push(child);
  await once(child.stdout, "data");
  return child;
}

describe.runIf(isLinux)("SIGPWR", () => {
  test("lets a meter write what it has to in its last gasp, and end as it likes", async () => {
    const child = await meterProcess(
      'signals.listen({ powerFail: () => { process.stdout.write("saved\\n"); process.exit(7); } });',
    );
    const saved = once(child.stdout as NodeJS.ReadableStream, "data");
    const ended = once(child, "exit");
    child.kill("SIGPWR");
    expect(String(await saved)).toBe("saved\n");
    expect(await ended).toEqual([7, null]);
  });

  test("ends a process as before once the board's signals are given up", async () => {
    const child = await meterProcess("signals.listen({ powerFail: () => {} }); signals.close();");
    const ended = once(child, "exit");
    child.kill("SIGPWR");
    expect(await ended).toEqual([null, "SIGPWR"]);
  });
});

test("a computer knows nothing of a housing or of the mains", () => {
  const signals = systemBoardSignals();
  expect([signals.cover(), signals.terminalCover(), signals.magnet(), signals.line()]).toEqual(
    Array(4).fill("unknown"),
  );
});
