import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ManualPower } from "../../../../host-tools/hil/power/manual.ts";
import { openPowerDriver } from "../../../../host-tools/hil/power/open.ts";
import type { PowerDriver, PowerSettings } from "../../../../host-tools/hil/power.ts";
import { emptyFolder, run } from "../../../support/command.ts";

let folder: ReturnType<typeof emptyFolder>;
let driver: PowerDriver | undefined;
const PATH = process.env["PATH"];

beforeEach(() => {
  folder = emptyFolder();
});
afterEach(async () => {
  process.env["PATH"] = PATH;
  await driver?.close();
  driver = undefined;
  folder.remove();
});

async function open(settings: PowerSettings): Promise<PowerDriver> {
  driver = await openPowerDriver(settings, { meter: "M1", folder: folder.path });
  return driver;
}

/** A program of that name before all others, which is what `script` does. */
function fakeProgram(name: string, script: string): void {
  const bin = join(folder.path, "bin");
  mkdirSync(bin, { recursive: true });
  writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`);
  chmodSync(join(bin, name), 0o755);
  process.env["PATH"] = `${bin}:${PATH}`;
}

function text(name: string): string {
  return readFileSync(join(folder.path, name), "utf8");
}

describe("the driver uhubctl", () => {
  const settings: PowerSettings = { driver: "uhubctl", hub: "1-1", port: 2, offSeconds: 0 };
  /** As uhubctl 2.5 prints it. */
  const switched = (after: string): string => `echo "$@" >> asked
echo 'Current status for hub 1-1 [2109:2811 VIA Labs, Inc. USB2.0 Hub, USB 2.10, 4 ports, ppps]'
echo '  Port 2: 0103 power enable connect [0403:6001 FTDI FT232R USB UART A50285BI]'
echo 'Sent power off request'
echo 'New status for hub 1-1 [2109:2811 VIA Labs, Inc. USB2.0 Hub, USB 2.10, 4 ports, ppps]'
echo '  Port 2: ${after}'`;

  test("asks uhubctl for one port of one hub", async () => {
    fakeProgram("uhubctl", switched("0000 off"));
    await (await open(settings)).off();
    expect(text("asked")).toBe("-l 1-1 -p 2 -a off\n");
  });

  test("a hub that says its port is still on has not cut anything, whatever the exit code", async () => {
    fakeProgram("uhubctl", switched("0103 power enable connect [0403:6001 FTDI FT232R USB UART A50285BI]"));
    await expect((await open(settings)).off()).rejects.toMatchObject({
      name: "InfrastructureFault",
      message: expect.stringMatching(
        /^M1's supply, port 2 of hub 1-1, could not be switched off: the hub says that it is on still/,
      ),
    });
    await (await open(settings)).on();
  });

  test("a hub that is not there, no uhubctl, and one that tells nothing are faults with what to do", async () => {
    fakeProgram("uhubctl", "echo 'No compatible devices detected at location 1-1!'; exit 1");
    await expect((await open(settings)).off()).rejects.toThrow(
      /uhubctl ended with 1 and said "No compatible devices/,
    );
    fakeProgram("uhubctl", "true");
    await expect((await open(settings)).off()).rejects.toThrow(/tells no state of it and said nothing/);
    process.env["PATH"] = folder.path;
    await expect((await open(settings)).off()).rejects.toThrow(
      /there is no program uhubctl here: install it/,
    );
  });
});

describe("the driver command", () => {
  test("runs the lab's commands by the shell, in the bench file's folder, and keeps what they say", async () => {
    const power = await open({
      driver: "command",
      off: "echo 'now off' | tee state",
      on: "echo on > state",
      offSeconds: 0,
    });
    await power.off();
    expect(text("state")).toBe("now off\n");
    expect(power.console?.()).toBe("now off\n");
    await power.on();
    expect(text("state")).toBe("on\n");
  });

  test("a command that fails is a fault with what it said, on one line", async () => {
    const power = await open({
      driver: "command",
      off: "echo outlet; echo 'not reached' >&2; exit 7",
      on: "true",
      offSeconds: 0,
    });
    await expect(power.off()).rejects.toMatchObject({
      name: "InfrastructureFault",
      message: `M1's supply could not be switched off: sh ended with 7 and said "outlet not reached".`,
    });
  });
});

describe("the driver manual", () => {
  test("asks on the terminal, takes Enter as done and q as given up", async () => {
    const script = (answer: string): string => `
      import { ManualPower } from ${JSON.stringify(join(process.cwd(), "host-tools/hil/power/manual.ts"))};
      import { writeFileSync } from "node:fs";
      await new ManualPower("M1").${answer}().then(() => writeFileSync("done", "yes"), (error) => writeFileSync("done", error.message));`;
    for (const [keys, told] of [
      ["\n", "yes"],
      ["q\n", "M1's supply was not switched off: who was asked gave up."],
    ] as const) {
      writeFileSync(join(folder.path, "ask.mts"), script("off"));
      const pty = `import os, pty, sys
pid, fd = pty.fork()
if pid == 0:
    os.chdir(${JSON.stringify(folder.path)})
    os.execvp(${JSON.stringify(process.execPath)}, ["node", "--import", ${JSON.stringify(import.meta.resolve("tsx"))}, "ask.mts"])
asked = b""
while b"press Enter" not in asked:
    asked += os.read(fd, 1024)
os.write(fd, ${JSON.stringify(keys)}.encode())
os.waitpid(pid, 0)
sys.stdout.write(asked.decode())`;
      const { stdout } = await run("python3", ["-c", pty]);
      expect(stdout).toContain("Switch M1 OFF and press Enter");
      expect(text("done")).toBe(told);
    }
  });

  test("without a terminal it is a fault that says so", async () => {
    const power = new ManualPower("M1", join(folder.path, "no-terminal"));
    await expect(power.on()).rejects.toThrow(/could not be switched on: nobody can be asked/);
  });
});

describe("the driver process", () => {
  const start = (script: string): PowerSettings => ({
    driver: "process",
    start: ["sh", "-c", script],
    offSeconds: 0,
  });

  test("starts a program in the bench file's folder, waits for its first line, and keeps what it prints", async () => {
    const power = await open(start("sleep 0.1; pwd; echo later >&2; sleep 60"));
    await power.on();
    expect(power.console?.()).toContain(folder.path);
    await expect.poll(() => power.console?.()).toMatch(/\nlater\n/);
  });

  test("off is SIGKILL for it and all that it started, and on starts another", async () => {
    const power = await open(
      start("trap 'echo asked > asked' TERM; sleep 60 & echo $! > child; echo $$ > own; echo ready; wait"),
    );
    await power.on();
    const processes = [Number(text("own")), Number(text("child"))];
    expect(processes.every(isAlive)).toBe(true);
    await power.off();
    await expect.poll(() => processes.some(isAlive)).toBe(false);
    expect(existsSync(join(folder.path, "asked"))).toBe(false);
    await power.off();
    await power.on();
    expect(Number(text("own"))).not.toBe(processes[0]);
  });

  test("ends with whoever started it, however that ends", async () => {
    const script = `
      import { openPowerDriver } from ${JSON.stringify(join(process.cwd(), "host-tools/hil/power/open.ts"))};
      const power = await openPowerDriver(${JSON.stringify(start("echo $$ > own; echo ready; sleep 60"))}, { meter: "M1", folder: ${JSON.stringify(folder.path)} });
      await power.on();
      process.kill(process.pid, "SIGKILL");`;
    writeFileSync(join(folder.path, "crash.mts"), script);
    await run(process.execPath, ["--import", "tsx", join(folder.path, "crash.mts")]);
    const own = Number(text("own"));
    await expect.poll(() => isAlive(own)).toBe(false);
  });

  test("a program that ends, or is not there, before it was ready is a fault with what it said", async () => {
    await expect((await open(start("echo 'port taken' >&2; exit 2"))).on()).rejects.toThrow(
      'M1 could not be started: sh ended with 2 and said "port taken".',
    );
    const missing: PowerSettings = { driver: "process", start: ["no-such-program"], offSeconds: 0 };
    await expect((await open(missing)).on()).rejects.toThrow(/there is no program no-such-program here/);
  });
});

/** Gone, or a zombie that nobody has waited for yet. */
function isAlive(id: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${id}/stat`, "utf8"));
  } catch {
    return false;
  }
}
