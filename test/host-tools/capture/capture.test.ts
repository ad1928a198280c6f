// What is seen of lines that are watched, and that watching changes nothing.
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { concat, fromText, toHex } from "../../../firmware/protocol/bytes.ts";
import { encodeCbor } from "../../../firmware/protocol/cbor.ts";
import { linkPair } from "../../../hal/emulated/link-pair.ts";
import { SeededRandom } from "../../../hal/emulated/seeded-random.ts";
import { uartPair } from "../../../hal/emulated/uart-pair.ts";
import { VirtualClock } from "../../../hal/emulated/virtual-clock.ts";
import { opensslEngine } from "../../../hal/node/openssl.ts";
import type { Clock } from "../../../hal/ports/clock.ts";
import { LINE, type Link } from "../../../hal/ports/link.ts";
import { Capture } from "../../../host-tools/capture/capture.ts";
import { openCaptureFile } from "../../../host-tools/capture/capture-file.ts";
import { type CapturedPacket, readPcapng } from "../../../host-tools/capture/pcapng.ts";
import { decodeUdpPacket, udpEndText } from "../../../host-tools/capture/udp-packet.ts";
import { parseLoad } from "../../../host-tools/loads/index.ts";
import { playDay } from "../../../host-tools/world/day.ts";
import { configuration } from "../../support/configuration.ts";

/** A capture in memory, and what it holds so far. */
function memoryCapture() {
  const blocks: Uint8Array[] = [];
  const capture = new Capture({ write: (block) => blocks.push(block), close: () => {} });
  const packets = (): CapturedPacket[] => {
    const found: CapturedPacket[] = [];
    expect(readPcapng(concat(...blocks), (packet) => found.push(packet))).toBeUndefined();
    return found;
  };
  return { capture, packets, bytes: () => concat(...blocks) };
}

/** Line, direction, ends and datagram of a packet, as one text. */
function summary({ line, direction, bytes }: CapturedPacket): string {
  const packet = decodeUdpPacket(bytes);
  if (packet === undefined) return `${line} ${direction} ${toHex(bytes)}`;
  const { from, to, payload } = packet;
  return `${line} ${direction} ${udpEndText(from)} > ${udpEndText(to)} ${toHex(payload)}`;
}

/** A link of UDP stations that takes everything, and what its owner would be told. */
function udpStub(outcome: "queued" | "busy" = "queued") {
  let receive: (from: string, datagram: Uint8Array) => void = () => {};
  const link: Link = {
    traits: { ...linkPair(new VirtualClock())[0].traits },
    counters: { sentDatagrams: 0, receivedDatagrams: 0, rejected: {} },
    send: () => outcome,
    listen: (listener) => {
      receive = (from, datagram) => listener.datagram(from, datagram);
    },
    close: () => {},
  };
  return { link, receive: (from: string, datagram: Uint8Array) => receive(from, datagram) };
}

const UTC_MS = Date.UTC(2026, 10, 25);

describe("a serial line that is watched from one end", () => {
  test("shows both directions, when each datagram left or came, under addresses that no network has", () => {
    const clock = new VirtualClock({ utcMs: UTC_MS });
    const [first, second] = linkPair(clock, { roundTripMs: 20.5 });
    const { capture, packets } = memoryCapture();
    const headEnd = capture.link(first, { name: "pty:./m", end: "head-end", clock });
    const heard: string[] = [];
    headEnd.listen({ datagram: (from, datagram) => heard.push(`${from} ${toHex(datagram)}`) });
    second.listen({ datagram: (from) => second.send(from, Uint8Array.of(2)) });
    expect(headEnd.send(LINE, Uint8Array.of(1))).toBe("queued");
    clock.advanceBy(100);
    expect(heard).toEqual(["line 02"]);
    expect(packets().map(summary)).toEqual([
      "pty:./m outbound 192.0.2.1:5683 > 192.0.2.2:5683 01",
      "pty:./m inbound 192.0.2.2:5683 > 192.0.2.1:5683 02",
    ]);
    expect(packets().map(({ utcMicroseconds }) => utcMicroseconds - UTC_MS * 1000)).toEqual([0, 20_500]);
  });

  test("is the meter's where a meter watches it, and every line has a meter of its own", () => {
    const clock = new VirtualClock({ utcMs: UTC_MS });
    const { capture, packets } = memoryCapture();
    for (const name of ["a", "b"]) {
      const [link] = linkPair(clock);
      capture.link(link, { name, end: "meter", clock }).send(LINE, Uint8Array.of(7));
    }
    expect(packets().map(summary)).toEqual([
      "a outbound 192.0.2.2:5683 > 192.0.2.1:5683 07",
      "b outbound 192.0.2.3:5683 > 192.0.2.1:5683 07",
    ]);
  });

  test("shows nothing of a datagram that the link did not take", () => {
    const { capture, packets } = memoryCapture();
    const { link } = udpStub("busy");
    const watched = capture.link(link, { name: "u", end: "0.0.0.0:9", clock: new VirtualClock() });
    expect(watched.send("127.0.0.1:1", Uint8Array.of(1))).toBe("busy");
    expect(packets()).toEqual([]);
  });

  test("is the same link otherwise: its traits, its counters, and one listener only", () => {
    const clock = new VirtualClock();
    const [link] = linkPair(clock, { mtuBytes: 99 });
    const watched = memoryCapture().capture.link(link, { name: "x", end: "meter", clock });
    watched.send(LINE, Uint8Array.of(1));
    expect(watched.traits).toEqual(link.traits);
    expect(watched.counters.sentDatagrams).toBe(1);
    watched.listen({ datagram: () => {} });
    expect(() => watched.listen({ datagram: () => {} })).toThrow(/one listener/);
  });
});

test("a UDP link shows its own stations, of either family", () => {
  const clock = new VirtualClock({ utcMs: UTC_MS });
  const { capture, packets } = memoryCapture();
  const v4 = udpStub();
  const v6 = udpStub();
  const one = capture.link(v4.link, { name: "4", end: "0.0.0.0:40000", clock });
  const two = capture.link(v6.link, { name: "6", end: "[::1]:5683", clock });
  for (const link of [one, two]) link.listen({ datagram: () => {} });
  one.send("127.0.0.1:5683", Uint8Array.of(1));
  v4.receive("127.0.0.1:5683", Uint8Array.of(2));
  two.send("[::1]:50000", Uint8Array.of(3));
  expect(packets().map(summary)).toEqual([
    "4 outbound 0.0.0.0:40000 > 127.0.0.1:5683 01",
    "4 inbound 127.0.0.1:5683 > 0.0.0.0:40000 02",
    "6 outbound [0:0:0:0:0:0:0:1]:5683 > [0:0:0:0:0:0:0:1]:50000 03",
  ]);
});

test("a metering part's line shows the bytes as they come and go", () => {
  const clock = new VirtualClock({ utcMs: UTC_MS });
  const [driver, chip] = uartPair(clock, { baud: 4800, dataBits: 8, parity: "none", stopBits: 1 });
  const { capture, packets } = memoryCapture();
  const watched = capture.uart(driver, "bl0942@serial:/dev/ttyUSB0", clock);
  const heard: string[] = [];
  watched.listen({ bytes: (bytes) => heard.push(toHex(bytes)), state: (state) => heard.push(state) });
  chip.listen({ bytes: () => chip.write(Uint8Array.of(0x55)) });
  expect(watched.write(Uint8Array.of(0x58, 0xaa))).toBe("queued");
  clock.advanceBy(100);
  chip.close();
  expect(heard).toEqual(["55", "down"]);
  expect(watched.state).toBe("down");
  expect(packets().map(summary)).toEqual([
    "bl0942@serial:/dev/ttyUSB0 outbound 58aa",
    "bl0942@serial:/dev/ttyUSB0 inbound 55",
  ]);
  expect(packets().every(({ linkType }) => linkType === 147)).toBe(true);
});

test("times are finer than a clock's whole milliseconds of UTC, and follow UTC when it steps", () => {
  let monotonicMs = 5.25;
  let utcMs = UTC_MS;
  const clock: Clock = { monotonicMs: () => monotonicMs, utcMs: () => utcMs, after: () => () => {} };
  const { capture, packets } = memoryCapture();
  const link = capture.link(udpStub().link, { name: "u", end: "0.0.0.0:9", clock });
  const sendAt = (monotonic: number, utc: number): void => {
    monotonicMs = monotonic;
    utcMs = utc;
    link.send("127.0.0.1:1", Uint8Array.of(1));
  };
  sendAt(5.75, UTC_MS);
  sendAt(6.5, UTC_MS + 1);
  sendAt(7, UTC_MS + 3_600_001);
  sendAt(7.125, UTC_MS + 3_600_001);
  const times = packets().map(({ utcMicroseconds }) => utcMicroseconds - UTC_MS * 1000);
  expect(times).toEqual([500, 1250, 3_600_001_000, 3_600_001_125]);
});

describe("a captured day", () => {
  async function captured(seed: number) {
    const load = parseLoad("h25", { annualKilowattHours: 3500 });
    if ("error" in load) throw new Error(load.error);
    const { capture, bytes, packets } = memoryCapture();
    const day = await playDay({
      seed,
      load,
      crypto: opensslEngine,
      startUtcMs: UTC_MS,
      baud: 9600,
      configuration,
      watch: (link, clock) => capture.link(link, { name: "mem:", end: "head-end", clock }),
    });
    return { day, bytes: bytes(), packets: packets() };
  }

  test("is byte for byte the same for the same seed, and another for another", async () => {
    const { bytes } = await captured(1);
    expect(toHex((await captured(1)).bytes)).toBe(toHex(bytes));
    expect(toHex((await captured(2)).bytes)).not.toBe(toHex(bytes));
  });

  test("holds what an eavesdropper saw and no more: no reading, no register's name, no key", async () => {
    const { day, bytes, packets } = await captured(1);
    expect(packets.map(({ bytes }) => toHex(decodeUdpPacket(bytes)?.payload ?? Uint8Array.of()))).toEqual(
      day.tapped.map(({ bytes }) => toHex(bytes)),
    );
    const hex = toHex(bytes);
    const [entry] = day.reading.entries;
    if (entry === undefined || !("value" in entry)) throw new Error("no register");
    const secrets = ["meter key", "head-end key"].map((name) =>
      toHex(new SeededRandom(1).fork(name).bytes(32)),
    );
    const readings = [
      toHex(encodeCbor(entry.value)),
      toHex(Uint8Array.of(1, 0, 1, 8, 0, 255)),
      toHex(fromText("M1")),
    ];
    for (const unseen of [...secrets, ...readings]) expect(hex).not.toContain(unseen);
  });
});

describe("a capture file", () => {
  test("is for its owner, takes the place of another, and holds each block at once", () => {
    const folder = mkdtempSync(join(tmpdir(), "meterbench-"));
    const path = join(folder, "a.pcapng");
    for (const content of ["first, which is longer", "second"]) {
      const sink = openCaptureFile(path, () => {});
      if ("error" in sink) throw new Error(sink.error);
      sink.write(fromText(content));
      expect(readFileSync(path, "utf8")).toBe(content);
      sink.close();
      sink.write(fromText("too late"));
      sink.close();
      expect(readFileSync(path, "utf8")).toBe(content);
    }
    expect(statSync(path).mode & 0o777).toBe(0o600);
    rmSync(folder, { recursive: true });
  });

  test("that cannot be made says why", () => {
    expect(openCaptureFile("/nowhere/a.pcapng", () => {})).toEqual({ error: "its folder does not exist" });
    expect(openCaptureFile(tmpdir(), () => {})).toEqual({ error: "it is a folder" });
  });

  test.skipIf(process.platform !== "linux")(
    "on a full disk ends, says so once, and lets the lines go on",
    () => {
      const reasons: string[] = [];
      const sink = openCaptureFile("/dev/full", (why) => reasons.push(why));
      if ("error" in sink) throw new Error(sink.error);
      for (let i = 0; i < 3; i++) sink.write(Uint8Array.of(i));
      expect(reasons).toEqual(["the disk is full"]);
    },
  );
});
