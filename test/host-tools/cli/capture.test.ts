// Captures and their decoding, and the look at the machine, as a user runs them.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { emptyFolder, meterbench, run, startMeterbench, stopAll } from "../../support/command.ts";
import { freePort } from "../../support/free-port.ts";

let folder: ReturnType<typeof emptyFolder>;
let cwd: string;

let eavesdropped: readonly { readonly hex: string }[];

beforeAll(async () => {
  folder = emptyFolder();
  cwd = folder.path;
  const demo = await meterbench(["demo", "--json", "--capture", "demo.pcapng"], { cwd });
  eavesdropped = JSON.parse(demo.stdout).eavesdropper;
});
afterEach(stopAll);
afterAll(() => folder.remove());

interface Frame {
  readonly time: string;
  readonly line: string;
  readonly direction: string;
  readonly from: string;
  readonly to: string;
  readonly hex: string;
  readonly layers: readonly { readonly layer: string }[];
}

async function framesOf(file: string): Promise<Frame[]> {
  const { code, stdout, stderr } = await meterbench(["decode", file, "--json"], { cwd });
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return JSON.parse(stdout).frames;
}

describe("a capture", () => {
  test("of a read shows the same datagrams at both ends, and outlives a killed meter", async () => {
    const at = `udp:127.0.0.1:${await freePort()}`;
    const { child } = await startMeterbench(["serve", "--at", at, "--capture", "meter.pcapng"], { cwd });
    expect(await meterbench(["read", at, "--capture", "read.pcapng"], { cwd })).toMatchObject({ code: 0 });
    child.kill("SIGKILL");
    const [atMeter, atHeadEnd] = await Promise.all([framesOf("meter.pcapng"), framesOf("read.pcapng")]);
    expect(atHeadEnd.map(({ line, direction }) => [line, direction])).toEqual([
      [at, "outbound"],
      [at, "inbound"],
      [at, "outbound"],
      [at, "inbound"],
    ]);
    expect(atMeter.map(({ hex }) => hex)).toEqual(atHeadEnd.map(({ hex }) => hex));
    expect(atMeter.map(({ direction }) => direction)).toEqual(["inbound", "outbound", "inbound", "outbound"]);
    expect(atMeter[1]).toMatchObject({ from: at.slice(4), to: expect.stringMatching(/^127\.0\.0\.1:\d+$/) });
    expect(atMeter.map(({ layers }) => layers.map(({ layer }) => layer).join(" "))).toEqual([
      "coap edhoc",
      "coap edhoc",
      "coap edhoc oscore",
      "coap oscore",
    ]);
  });

  test("is summed up as what whoever carries it learns", async () => {
    const { stdout } = await meterbench(["decode", "demo.pcapng", "--learnt", "--json"], { cwd });
    expect(JSON.parse(stdout).learnt).toMatchObject({
      ...{ first: "2026-11-25T00:00:00.500000Z", handshakes: 1, others: 0, aliases: {}, groups: {} },
      sealedAnswerBytes: { 164: 1 },
    });
    const { stdout: text } = await meterbench(["decode", "demo.pcapng", "--learnt"], { cwd });
    expect(text).toMatch(/^handshakes +1$/m);
    expect(text).toMatch(/^sealed answer bytes +.*164 \(1\)/m);
    expect(await meterbench(["decode", "40010000", "--learnt"], { cwd })).toMatchObject({ code: 2 });
  });

  test("of the demonstration is what its eavesdropper sees, from a file and from standard input", async () => {
    const frames = await framesOf("demo.pcapng");
    expect(frames.map(({ hex }) => hex)).toEqual(eavesdropped.map(({ hex }) => hex));
    expect(frames[0]).toMatchObject({
      time: "2026-11-25T00:00:00.500000Z",
      line: "mem:",
      direction: "outbound",
      from: "192.0.2.1:5683",
      to: "192.0.2.2:5683",
    });
    const launcher = join(import.meta.dirname, "../../../dist/host-tools/cli/main.js");
    const piped = await run("sh", ["-c", `"$0" "$1" decode - < demo.pcapng`, process.execPath, launcher], {
      cwd,
    });
    expect(piped).toMatchObject({ code: 0, stderr: "" });
    expect(piped.stdout.match(/^\d+ {2}\S+ \S+ {2}(out|in)bound {2}192\.0\.2\.\d:5683 > /gm)).toHaveLength(
      frames.length,
    );
  });

  test("that is cut short shows what is whole, and then says so with exit 2", async () => {
    writeFileSync(join(cwd, "cut.pcapng"), readFileSync(join(cwd, "demo.pcapng")).subarray(0, 300));
    const { code, stdout, stderr } = await meterbench(["decode", "cut.pcapng", "--json"], { cwd });
    expect(code).toBe(2);
    expect(JSON.parse(stdout).frames).toHaveLength(1);
    expect(stderr).toBe(
      "The capture cut.pcapng is cut short within a block; whole packets before that: 1.\n",
    );
  });

  test.skipIf(process.platform !== "linux")(
    "that fills the disk is given up with a sentence and exit 5, and the command goes on",
    async () => {
      const { code, stdout, stderr } = await meterbench(["demo", "--json", "--capture", "/dev/full"], {
        cwd,
      });
      expect({ code, stderr }).toEqual({
        code: 5,
        stderr: "The capture /dev/full ends here: the disk is full.\n",
      });
      expect(JSON.parse(stdout).eavesdropper).toEqual(eavesdropped);
    },
  );

  test("of a line whose name would steer a terminal is shown without harm", async () => {
    const file = readFileSync(join(cwd, "demo.pcapng"));
    file.set(Buffer.from("\u001b[2J"), file.indexOf("mem:"));
    writeFileSync(join(cwd, "name.pcapng"), file);
    const { stdout } = await meterbench(["decode", "name.pcapng"], { cwd });
    expect(stdout).toContain("\\u{1b}[2J");
    expect(stdout).not.toContain("\u001b");
  });
});

describe("misuse", () => {
  beforeAll(() => {
    writeFileSync(join(cwd, "text"), "c0a940010000bc38c0\n");
    writeFileSync(join(cwd, "old.pcap"), Buffer.from("d4c3b2a102000400", "hex"));
    writeFileSync(
      join(cwd, "hostile.pcapng"),
      Buffer.from("0a0d0d0affffffff4d3c2b1a01000000ffffffffffffffff", "hex"),
    );
  });

  test.each([
    ["a capture in no folder", ["demo", "--capture", "nowhere/a.pcapng"], /folder does not exist/],
    ["what is neither hex nor a file", ["decode", "zz"], /no hex and no file/],
    ["a file that is no capture", ["decode", "text"], /no pcapng capture/],
    ["a folder", ["decode", "."], /EISDIR/],
    ["a capture of the older format", ["decode", "old.pcap"], /editcap/],
    ["a capture of impossible lengths", ["decode", "hostile.pcapng"], /cut short|impossible length/],
    ["a file without end", ["decode", "/dev/zero"], /more than 16777216 bytes/],
  ])("%s is one clear sentence and exit 2", async (_, args, sentence) => {
    const { code, stderr } = await meterbench(args, { cwd });
    expect(code).toBe(2);
    expect(stderr).toMatch(/^[A-Z"][^\n]*\.\n$/);
    expect(stderr).toMatch(sentence);
  });
});

describe("this machine", () => {
  test("has its serial ports listed, if any, for people and for machines", async () => {
    const [people, machines] = await Promise.all([
      meterbench(["ports"], { cwd }),
      meterbench(["ports", "--json"], { cwd }),
    ]);
    expect(people).toMatchObject({ code: 0, stderr: "" });
    expect(people.stdout.length).toBeGreaterThan(0);
    expect(machines).toMatchObject({ code: 0, stderr: "" });
    const { ports } = JSON.parse(machines.stdout);
    for (const { address } of ports) expect(people.stdout).toContain(address);
  });

  test("is examined, and exit 1 is for problems only", async () => {
    const [people, machines] = await Promise.all([
      meterbench(["doctor"], { cwd }),
      meterbench(["doctor", "--json"], { cwd }),
    ]);
    const { ok, findings } = JSON.parse(machines.stdout);
    const levels: string[] = findings.map(({ level }: { level: string }) => level);
    expect(ok).toBe(!levels.includes("problem"));
    for (const { code, stderr } of [people, machines])
      expect({ code, stderr }).toEqual({ code: ok ? 0 : 1, stderr: "" });
    expect(people.stdout.match(/^(ok|warning|problem) /gm)).toHaveLength(levels.length);
    expect(findings[0]).toEqual({
      check: "node",
      level: "ok",
      finding: `Node ${process.versions.node} is new enough.`,
    });
  });
});
