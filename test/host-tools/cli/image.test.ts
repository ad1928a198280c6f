// Images as a release engineer makes and checks them, and one that runs from its slot.
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import {
  AUTHOR_KEYS,
  newIdentity,
  writeCredentialFile,
  writeKeyFile,
} from "../../../firmware/identity/identity.ts";
import { fromHex } from "../../../firmware/protocol/bytes.ts";
import { opensslEngine } from "../../../hal/node/openssl.ts";
import { packageFacts } from "../../../host-tools/image/programs.ts";
import { sequenceOf } from "../../../host-tools/image/sequence.ts";
import { emptyFolder, meterbench, start, startMeterbench, stopAll } from "../../support/command.ts";
import { INSTALLED_HELPERS } from "../../support/pty-pair.ts";
import { writeSlot } from "../../support/slot.ts";

let folder: ReturnType<typeof emptyFolder>;
let cwd: string;
const { version } = packageFacts();
const IMAGE = `meterbench-${version}-linux-x64.mbi`;

const run = (...args: string[]) => meterbench(args, { cwd });

async function makeKey(role: string, id: string): Promise<void> {
  const made = await run("keys", "new", role, "--id", id, "--out", `${id}.key.json`);
  expect(made).toMatchObject({ code: 0, stderr: "" });
  const { stdout } = await run("keys", "credential", `${id}.key.json`);
  writeFileSync(join(cwd, `${id}.credential.json`), stdout);
}

/** `acme` signs images, `other` too, and `H` is a head-end. */
beforeAll(async () => {
  folder = emptyFolder();
  cwd = folder.path;
  await Promise.all([makeKey("author", "acme"), makeKey("author", "other"), makeKey("head-end", "H")]);
  const built = await run("image", "build", "--target", "linux-x64", "--keys", "acme.key.json");
  expect(built).toMatchObject({ code: 0, stderr: "" });
}, 30_000);
afterEach(stopAll);
afterAll(() => folder.remove());

describe("the command image", () => {
  test("an author's key is Ed25519, for its owner alone, and for nothing but images", async () => {
    const shown = JSON.parse((await run("keys", "show", "acme.key.json", "--json")).stdout);
    expect(shown).toMatchObject({ role: "author", id: "acme", curve: "Ed25519", development: false });
    expect(statSync(join(cwd, "acme.key.json")).mode & 0o777).toBe(0o600);
    const suite = await run("keys", "new", "author", "--id", "x", "--suite", "2", "--out", "x.key.json");
    expect(suite).toMatchObject({ code: 2, stderr: expect.stringContaining("leave --suite out") });
    const read = await run("read", "udp:127.0.0.1:9", "--keys", "acme.key.json");
    expect(read).toMatchObject({ code: 2, stderr: expect.stringContaining("an author's") });
  });

  test("builds the same image twice, names it by version and target, and says what is in it", async () => {
    const again = await run(
      ...[
        "image",
        "build",
        "--target",
        "linux-x64",
        "--keys",
        "acme.key.json",
        "--out",
        "again.mbi",
        "--json",
      ],
    );
    const document = JSON.parse(again.stdout);
    expect(readFileSync(join(cwd, "again.mbi")).equals(readFileSync(join(cwd, IMAGE)))).toBe(true);
    expect(document).toMatchObject({
      ...{ file: "again.mbi", author: { id: "acme", development: false }, version },
      ...{
        sequence: sequenceOf(version),
        board: "node-gateway",
        arch: "x64",
        libc: "glibc",
        libcMin: "2.28",
      },
    });
    const inspected = JSON.parse((await run("image", "inspect", IMAGE, "--json")).stdout);
    expect(inspected).toMatchObject({
      imageDigest: document.imageDigest,
      files: document.files,
      author: null,
    });
  });

  test("verifies by the author's credential, and by no other", async () => {
    const verified = await run(
      "image",
      "verify",
      IMAGE,
      "--author",
      "other.credential.json",
      "acme.credential.json",
    );
    expect(verified).toMatchObject({ code: 0, stderr: "" });
    expect(verified.stdout).toContain("holds: signed by acme");
    const wrong = await run("image", "verify", IMAGE, "--author", "other.credential.json");
    expect(wrong).toMatchObject({ code: 4, stdout: "" });
    expect(wrong.stderr).toMatch(/^The image \S+ does not hold \(signature\)[^\n]*\n$/);
    const headEnd = await run("image", "verify", IMAGE, "--author", "H.credential.json");
    expect(headEnd).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("a head-end's and an author's is needed"),
    });
    const nobody = await run("image", "verify", IMAGE);
    expect(nobody).toMatchObject({ code: 2, stderr: expect.stringContaining("--author") });
    expect(existsSync(join(cwd, ".meterbench/author.key.json"))).toBe(false);
  });

  test("tells in one sentence what is no image, or a damaged one", async () => {
    writeFileSync(join(cwd, "cut.mbi"), readFileSync(join(cwd, IMAGE)).subarray(0, 100_000));
    for (const [file, code, sentence] of [
      ["cut.mbi", 1, /does not hold \(payload\)/],
      ["H.credential.json", 1, /does not hold \(malformed\)/],
      ["none.mbi", 2, /does not exist/],
    ] as const) {
      const failed = await run("image", "verify", file, "--author", "acme.credential.json");
      expect(failed).toMatchObject({ code, stdout: "", stderr: expect.stringMatching(sentence) });
      expect(failed.stderr.trim().split("\n")).toHaveLength(1);
    }
    const inspected = await run("image", "inspect", "cut.mbi");
    expect(inspected).toMatchObject({ code: 0, stdout: expect.stringContaining("It is damaged.") });
  });

  test("replaces an image and nothing else, and asks for a target that there is", async () => {
    const target = ["image", "build", "--target", "linux-x64"];
    const key = await run(...target, "--keys", "acme.key.json", "--out", "H.credential.json");
    expect(key).toMatchObject({ code: 2, stderr: expect.stringContaining("is no image") });
    const into = await run(...target, "--out", ".");
    expect(into).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("is a folder: name a file in it"),
    });
    const role = await run(...target, "--keys", "H.key.json");
    expect(role).toMatchObject({ code: 2, stderr: expect.stringContaining("an author's is needed") });
    const mips = await run("image", "build", "--target", "linux-mips");
    expect(mips).toMatchObject({ code: 2, stderr: expect.stringContaining("linux-arm64") });
    const sequence = await run(...target, "--sequence", "0");
    expect(sequence).toMatchObject({ code: 2, stderr: expect.stringContaining("from 1 to 4294967295") });
  });

  test("neither signs with a key that is printed in a standard, nor believes it", async () => {
    const secretKey = fromHex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");
    const random = { bytes: () => secretKey ?? new Uint8Array(32), fork: () => random };
    const wanted = { role: "author", id: "rfc8032", development: false, ...AUTHOR_KEYS } as const;
    const printed = newIdentity(opensslEngine, random, wanted);
    writeFileSync(join(cwd, "rfc.key.json"), writeKeyFile(printed), { mode: 0o600 });
    writeFileSync(join(cwd, "rfc.credential.json"), writeCredentialFile("author", printed.credential));
    const built = await run("image", "build", "--target", "linux-x64", "--keys", "rfc.key.json");
    expect(built).toMatchObject({ code: 4, stderr: expect.stringContaining("whose secret is public") });
    const verified = await run("image", "verify", IMAGE, "--author", "rfc.credential.json");
    expect(verified).toMatchObject({ code: 4, stderr: expect.stringContaining("whose secret is public") });
  });

  test("signs with the folder's development author where no key is named, and says for whom that is", async () => {
    const target = ["image", "build", "--target", "linux-arm", "--out", "dev.mbi"];
    const built = await run(...target);
    expect(built).toMatchObject({ code: 0, stdout: expect.stringContaining("development author") });
    const verified = await run("image", "verify", "dev.mbi");
    expect(verified.stdout).toContain("signed by author, a development author");
  });
});

describe.skipIf(process.arch !== "x64" || INSTALLED_HELPERS.length === 0)("an image's slot", () => {
  test("runs where there are no packages: it opens a PTY and answers a protected read", async () => {
    const slot = join(cwd, "board/slots/a");
    const manifest = writeSlot(slot, readFileSync(join(cwd, IMAGE)));
    mkdirSync(join(cwd, "board/data"));
    await makeKey("meter", "B1");
    await run("enrol", "B1.credential.json");
    await startMeterbench(["ic", "emulate", "bl0942", "--at", "pty:./chip", "--load", "watts:1200"], { cwd });
    const at = "pty:./line";
    const keys = ["--keys", "B1.key.json", "--trust", "H.credential.json", "--serial-number", "4711"];
    const program = join(slot, manifest.entry);
    const board = await start(
      process.execPath,
      [program, "--at", at, "--chip", "bl0942@serial:./chip", ...keys, "--state", "board/data"],
      { cwd },
    );
    expect(board.ready).toEqual({ ready: true, id: "B1", address: at });
    const read = await run("read", at, "1.7.0", "--meter", "B1", "--keys", "H.key.json", "--json");
    expect(read).toMatchObject({ code: 0, stderr: "" });
    expect(JSON.parse(read.stdout)).toMatchObject({ meter: "B1", registers: [{ value: 1200, unit: "W" }] });
    const info = JSON.parse((await run("info", at, "--keys", "H.key.json", "--json")).stdout);
    const inspected = JSON.parse((await run("image", "inspect", IMAGE, "--json")).stdout);
    expect(info).toMatchObject({ firmwareVersion: version, firmwareDigest: inspected.firmwareDigest });
    expect(await board.stop()).toBe(0);
  });
});
