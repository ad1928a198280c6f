// The package as a stranger gets it: packed, installed into an empty folder, and run from there.
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { emptyFolder, run, start, stopAll } from "../support/command.ts";
import { freePort } from "../support/free-port.ts";
import { install, pack } from "./pack.ts";

let folder: ReturnType<typeof emptyFolder>;
let installed: string;

/** The installed command. */
function command(args: readonly string[], cwd = installed) {
  return run(
    process.execPath,
    [join(installed, "node_modules/meterbench/host-tools/cli/launch.js"), ...args],
    { cwd },
  );
}

beforeAll(() => {
  folder = emptyFolder();
  installed = join(folder.path, "empty");
  mkdirSync(installed);
  writeFileSync(join(installed, "package.json"), '{ "name": "empty", "private": true, "type": "module" }');
  install([pack(folder.path)], installed);
}, 120_000);
afterEach(stopAll);
afterAll(() => folder.remove());

describe("the installed package", () => {
  test("plays the demonstration", async () => {
    const demo = await command(["demo", "--json"]);
    expect(demo).toMatchObject({ code: 0, stderr: "" });
    const day = JSON.parse(demo.stdout);
    expect(day.registerWattHours).toBe(day.sumOfIntervalsWattHours);
  });

  test("holds no source and no tests, and its licence and notices", () => {
    const files = readdirSync(join(installed, "node_modules/meterbench"), { recursive: true }).map(String);
    expect(files.filter((name) => /(?<!\.d)\.ts$/.test(name) || name.startsWith("test"))).toEqual([]);
    expect(files).toEqual(expect.arrayContaining(["LICENSE", "README.md", "host-tools/loads/NOTICE.md"]));
  });

  test("hands on the licence of each package that is inside of its command", () => {
    const path = "node_modules/meterbench/dist/host-tools/cli/THIRD-PARTY-NOTICES.md";
    const notices = readFileSync(join(installed, path), "utf8");
    for (const name of [
      "@noble/ciphers",
      "@noble/curves",
      "@noble/hashes",
      "cbor-x",
      "commander",
      "valibot",
    ]) {
      const notice = notices.split("\n## ").find((part) => part.replace("## ", "").startsWith(`${name} `));
      expect(notice).toMatch(/MIT License/i);
      expect(notice).toMatch(/Copyright \(c\)/);
    }
  });

  test("is a library: its exports load, with types", async () => {
    const script = `
      import { VirtualClock, nobleEngine } from "meterbench/hal";
      import { systemClock } from "meterbench/hal/node";
      import { newIdentity, MeterRuntime } from "meterbench/firmware";
      import { HeadEnd, Registry } from "meterbench/head-end";
      console.log([VirtualClock, newIdentity, MeterRuntime, HeadEnd, Registry].map((one) => typeof one).join(" "), nobleEngine.name, systemClock.monotonicMs() > 0);`;
    writeFileSync(join(installed, "library.js"), script);
    const { stdout } = await run(process.execPath, ["library.js"], { cwd: installed });
    expect(stdout.trim()).toBe("function function function function function noble true");
    const types = readdirSync(join(installed, "node_modules/meterbench/dist"), { recursive: true }).map(
      String,
    );
    expect(types).toEqual(
      expect.arrayContaining(["hal/index.d.ts", "firmware/index.d.ts", "host-tools/head-end/index.d.ts"]),
    );
  });

  test("reads a meter from a program as README.md shows it", async () => {
    const [, example] = /```js\n([\s\S]*?)```/.exec(readFileSync("README.md", "utf8")) ?? [];
    writeFileSync(join(installed, "example.js"), example ?? "no example");
    const main = join(installed, "node_modules/meterbench/dist/host-tools/cli/main.js");
    const serve = ["serve", "--id", "M1", "--at", "pty:./meter1", "--load", "watts:1200", "--json"];
    await start(process.execPath, [main, ...serve], { cwd: installed });
    const finished = await run(process.execPath, ["example.js"], { cwd: installed });
    expect(finished).toMatchObject({ code: 0, stderr: "" });
    expect(finished.stdout).toMatch(/^M1 .*1-0:1\.8\.0\*255/s);
  });

  test("says that tests of meters need vitest, where that is not there", async () => {
    const finished = await command(["hil", "run"]);
    expect(finished).toMatchObject({ code: 2, stdout: "" });
    expect(finished.stderr).toBe(
      "Tests are run by vitest, which is not here: npm install --save-dev vitest@4\n",
    );
  });

  test("shows by the nameplate's digest that a file of its command was changed", async () => {
    const folderOfCommand = "node_modules/meterbench/dist/host-tools/cli";
    const digest = async (): Promise<unknown> => {
      const at = `udp:127.0.0.1:${await freePort()}`;
      const serve = [join(installed, folderOfCommand, "main.js"), "serve", "--at", at, "--json"];
      const meter = await start(process.execPath, serve, { cwd: installed });
      const { stdout } = await command(["info", at, "--json"]);
      await meter.stop();
      return JSON.parse(stdout).firmwareDigest;
    };
    const before = await digest();
    expect(before).toMatch(/^[0-9a-f]{16}$/);
    const [chunk = ""] = readdirSync(join(installed, folderOfCommand)).filter((name) =>
      name.startsWith("chunk-"),
    );
    const path = join(installed, folderOfCommand, chunk);
    const text = readFileSync(path, "utf8");
    writeFileSync(path, `${text}\n// changed`);
    expect(await digest()).not.toBe(before);
    writeFileSync(path, text);
    expect(await digest()).toBe(before);
  });

  test("makes images of the programs that it was packed with, and hands on the licences of what is inside", async () => {
    const built = await command(["image", "build", "--target", "linux-arm64", "--out", "a.mbi", "--json"]);
    expect(built).toMatchObject({ code: 0, stderr: "" });
    const program = readFileSync(join(installed, "node_modules/meterbench/dist/board/main.mjs"));
    const digest = createHash("sha256").update(program).digest("hex");
    const { files, firmwareDigest } = JSON.parse(built.stdout);
    expect(files).toContainEqual({ path: "app/main.mjs", bytes: program.length, digest });
    expect(digest.startsWith(firmwareDigest)).toBe(true);
    expect(await command(["image", "verify", "a.mbi"])).toMatchObject({ code: 0, stderr: "" });
    const notices = readFileSync(
      join(installed, "node_modules/meterbench/dist/board/THIRD-PARTY-NOTICES.md"),
      "utf8",
    );
    for (const name of ["serialport", "cbor-x"]) expect(notices).toContain(`## ${name} `);
  });

  test("makes a board of an empty folder, with the loader and the service that it was packed with", async () => {
    const target = process.arch === "arm64" ? "linux-arm64" : "linux-x64";
    const settings = [
      "at udp:127.0.0.1:5683",
      "chip bl0942@serial:./chip",
      "serial-number 4711",
      "profile development",
    ];
    mkdirSync(join(installed, "board"));
    writeFileSync(join(installed, "meter.conf"), `${settings.join("\n")}\n`);
    for (const role of ["meter", "head-end"])
      await command(["keys", "new", role, "--id", `B-${role}`, "--out", `${role}.board.json`]);
    await command(["image", "build", "--target", target, "--out", "board.image"]);
    for (const [name, key] of [
      ["head-end.credential.json", "head-end.board.json"],
      ["author.credential.json", ".meterbench/author.key.json"],
    ] as const)
      writeFileSync(join(installed, name), (await command(["keys", "credential", key])).stdout);
    const parties = ["--board-keys", "meter.board.json", "--trust", "head-end.credential.json"];
    const rest = ["--author", "author.credential.json", "--conf", "meter.conf"];
    const flashed = await command(["flash", "board.image", "--to", "dir:board", ...parties, ...rest]);
    expect(flashed).toMatchObject({
      code: 0,
      stderr: "",
      stdout: expect.stringMatching(/in slot a of dir:board/),
    });
    const asked = await run("sh", [join(installed, "board/opt/meterbench/start"), "slots", "--json"]);
    expect(JSON.parse(asked.stdout)).toMatchObject({ current: "a", slots: { a: { state: "confirmed" } } });
    expect(readdirSync(join(installed, "board/etc/systemd/system"))).toContain("meterbench.service");
    const files = readdirSync(join(installed, "board"), { recursive: true, withFileTypes: true });
    const sizes = files
      .filter((one) => one.isFile())
      .map((one) => statSync(join(one.parentPath, one.name)).size);
    // All that a board has but its system and Node.
    expect(sizes.reduce((sum, bytes) => sum + bytes, 0)).toBeLessThan(1.5e6);
  });

  test("runs the firmware as on a board, with a chip on a PTY, and is read and profiled by the installed head-end", async () => {
    for (const [role, id] of [
      ["meter", "B1"],
      ["head-end", "H"],
    ] as const) {
      await command(["keys", "new", role, "--id", id, "--out", `${id}.key.json`]);
      const { stdout } = await command(["keys", "credential", `${id}.key.json`]);
      writeFileSync(join(installed, `${id}.credential.json`), stdout);
    }
    await command(["enrol", "B1.credential.json"]);
    const launcher = join(installed, "node_modules/meterbench/host-tools/cli/launch.js");
    const chip = ["ic", "emulate", "bl0942", "--at", "pty:./chip", "--load", "watts:1200", "--json"];
    await start(process.execPath, [launcher, ...chip], { cwd: installed });
    const at = `udp:127.0.0.1:${await freePort()}`;
    const main = join(installed, "node_modules/meterbench/dist/firmware/main.js");
    const keys = ["--keys", "B1.key.json", "--trust", "H.credential.json", "--serial-number", "4711"];
    const board = await start(
      process.execPath,
      [main, "--at", at, "--chip", "bl0942@serial:./chip", ...keys],
      { cwd: installed },
    );
    expect(board.ready).toEqual({ ready: true, id: "B1", address: at });
    const read = await command(["read", at, "1.7.0", "--keys", "H.key.json", "--meter", "B1", "--json"]);
    expect(read).toMatchObject({ code: 0 });
    const reading = JSON.parse(read.stdout);
    expect(reading).toMatchObject({ meter: "B1", status: [], registers: [{ value: 1200, unit: "W" }] });
    const span = ["--from", "2026-01-01T00:00:00Z", "--to", "2026-01-01T01:00:00Z"];
    const profile = await command(["profile", at, ...span, "--keys", "H.key.json", "--json"]);
    expect(JSON.parse(profile.stdout).intervals).toHaveLength(4);
    const info = await command(["info", at, "--keys", "H.key.json", "--json"]);
    expect(JSON.parse(info.stdout)).toMatchObject({ serialNumber: "4711", chip: "bl0942" });
    expect(await board.stop()).toBe(0);
    // A start that fails after the chip was opened ends too, so that whoever watches the board sees it.
    for (const more of [
      ["--at", "udp:192.0.2.1:5683"],
      ["--at", at, "--state", "H.key.json"],
    ]) {
      const failing = await run(
        process.execPath,
        [main, ...more, "--chip", "bl0942@serial:./chip", ...keys],
        {
          cwd: installed,
        },
      );
      expect(failing).toMatchObject({ code: 2, stdout: "" });
      expect(failing.stderr).toMatch(/^Cannot [^\n]*\.\n$/);
    }
  });

  test("the board's program says in one sentence what it needs, and refuses development keys", async () => {
    const main = join(installed, "node_modules/meterbench/dist/firmware/main.js");
    const bare = await run(process.execPath, [main], { cwd: installed });
    expect(bare.code).toBe(2);
    expect(bare.stderr.trim().split("\n")).toHaveLength(1);
    await command(["read", "udp:127.0.0.1:1", "--timeout", "0.1"]);
    const keys = ["--keys", ".meterbench/head-end.key.json", "--trust", "H.credential.json"];
    const development = await run(
      process.execPath,
      [main, "--at", "udp:127.0.0.1:0", "--chip", "bl0942@serial:./none", ...keys, "--serial-number", "1"],
      { cwd: installed },
    );
    expect(development.code).toBe(2);
  });
});

test("an old Node is told in one sentence which one is needed", async () => {
  const fake = `
    Object.defineProperty(process.versions, "node", { value: "18.20.8" });
    Object.defineProperty(process, "version", { value: "v18.20.8" });
    await import(${JSON.stringify(join(process.cwd(), "host-tools/cli/launch.js"))});`;
  const { code, stderr } = await run(process.execPath, ["--input-type=module", "-e", fake]);
  expect(code).toBe(2);
  expect(stderr).toBe(
    "meterbench needs Node 20.19 or newer and this is v18.20.8: install a newer Node and run the command again.\n",
  );
});
