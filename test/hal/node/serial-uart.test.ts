import { chmodSync, readlinkSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { makePty } from "../../../hal/node/pty.ts";
import { openSerialUart } from "../../../hal/node/serial-uart.ts";
import { INSTALLED_HELPERS, PTY_SETTINGS, temporaryFolder } from "../../support/pty-pair.ts";
import { until } from "../../support/real-time.ts";

const toDo: (() => void)[] = [];

afterEach(() => {
  for (const clean of toDo.splice(0).reverse()) clean();
});

function folder(): string {
  const { path, remove } = temporaryFolder();
  toDo.push(remove);
  return path;
}

async function served(path: string) {
  const uart = await makePty(path, PTY_SETTINGS);
  toDo.push(() => uart.close());
  return uart;
}

async function opened(path: string) {
  const uart = await openSerialUart(path, PTY_SETTINGS);
  toDo.push(() => uart.close());
  return uart;
}

describe("a serial line that cannot be opened says what, where and what to do", () => {
  test("where there is no such file", async () => {
    const path = join(folder(), "ttyUSB7");
    await expect(openSerialUart(path, PTY_SETTINGS)).rejects.toThrow(
      `Cannot open the serial line ${path}: there is no such file; ` +
        "plug the adapter in or start the program that makes the line, and check the path.",
    );
  });

  test("where the file is no serial line", async () => {
    const path = join(folder(), "notes.txt");
    writeFileSync(path, "mine");
    await expect(openSerialUart(path, PTY_SETTINGS)).rejects.toThrow(
      /^Cannot open the serial line \S+: .+; check that it is a serial line and can do 115200 baud, 8 data bits/,
    );
  });

  test.skipIf(process.getuid?.() === 0)("where the user may not (skipped as root, who may)", async () => {
    const path = join(folder(), "ttyS9");
    writeFileSync(path, "");
    chmodSync(path, 0);
    await expect(openSerialUart(path, PTY_SETTINGS)).rejects.toThrow("usermod -aG dialout");
  });

  test.skipIf(INSTALLED_HELPERS.length === 0)("where another program has it", async () => {
    const path = join(folder(), "line");
    await served(path);
    await opened(path);
    await expect(openSerialUart(path, PTY_SETTINGS)).rejects.toThrow(
      `Cannot open the serial line ${path}: another program has it; stop that one`,
    );
  });
});

describe.skipIf(INSTALLED_HELPERS.length === 0)("an open serial line", () => {
  test("follows its name to another device, as an adapter does that comes back renumbered", async () => {
    const within = folder();
    const [first, second] = [join(within, "first"), join(within, "second")];
    await served(first);
    const other = await served(second);
    const byId = join(within, "by-id");
    symlinkSync(readlinkSync(first), byId);
    const uart = await opened(byId);
    const states: string[] = [];
    const heard: number[] = [];
    uart.listen({ bytes: (bytes) => heard.push(...bytes), state: (state) => states.push(state) });
    symlinkSync(readlinkSync(second), `${byId}.new`);
    renameSync(`${byId}.new`, byId);
    await until(() => states.length === 2);
    expect(states).toEqual(["down", "open"]);
    other.write(Uint8Array.of(42));
    await until(() => heard.length > 0);
    expect(heard).toEqual([42]);
  });

  test("waits a moment for a program that is just letting go of it", async () => {
    const path = join(folder(), "line");
    await served(path);
    const leaving = await opened(path);
    setTimeout(() => leaving.close(), 50);
    expect((await opened(path)).state).toBe("open");
  });

  test("can be opened again as soon as it is closed", async () => {
    const path = join(folder(), "line");
    await served(path);
    for (let i = 0; i < 10; i++) (await openSerialUart(path, PTY_SETTINGS)).close();
  });
});
