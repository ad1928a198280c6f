// Somebody with a wire on the line, strangers' requests, and what they get back.
import { describe, expect, test } from "vitest";
import { TrustList } from "../../firmware/identity/trust.ts";
import type { ClientEvent } from "../../firmware/protocol/asks.ts";
import { fromText, toHex } from "../../firmware/protocol/bytes.ts";
import { encodeCborSequence } from "../../firmware/protocol/cbor.ts";
import { encodeMessage } from "../../firmware/protocol/coap/codec.ts";
import {
  answerWith,
  CODE,
  type CoapOption,
  FORMAT,
  OPTION,
  resourceRequest,
} from "../../firmware/protocol/coap/message.ts";
import { Drive } from "../../firmware/protocol/drive.ts";
import { SecureClient } from "../../firmware/protocol/secure-client.ts";
import { SecureServer } from "../../firmware/protocol/secure-server.ts";
import { SeededRandom } from "../../hal/emulated/seeded-random.ts";
import { uartPair } from "../../hal/emulated/uart-pair.ts";
import { VirtualClock } from "../../hal/emulated/virtual-clock.ts";
import { encodeSlip } from "../../hal/framing/slip.ts";
import { encodeCoapFrame, encodeDiagnosticFrame } from "../../hal/framing/slipmux.ts";
import { SlipmuxLink } from "../../hal/modems/slipmux/driver.ts";
import { opensslEngine } from "../../hal/node/openssl.ts";
import { LINE } from "../../hal/ports/link.ts";
import { identity } from "../support/secured-line.ts";
import { attackedMeter } from "./attacked-meter.ts";
import { HEAD_END, isMessage1, messageOf, rewritten, Village } from "./village.ts";

const EMPTY = new Uint8Array(0);
const SECRET = fromText("one very recognisable reading");

/** A meter and a head-end at a line of a million baud, on which the attacker writes raw bytes. */
function tappedLine() {
  const clock = new VirtualClock({ utcMs: 1e12 });
  const [near, far] = uartPair(clock, { baud: 1_000_000, dataBits: 8, parity: "none", stopBits: 1 });
  const [meterLink, headEndLink] = [new SlipmuxLink(far, {}), new SlipmuxLink(near, {})];
  const [meter, headEnd] = [identity("meter", "M1"), identity("head-end", "H")];
  const crypto = opensslEngine;
  const answers: Uint8Array[] = [];
  const server = new SecureServer({
    ...{ crypto, random: new SeededRandom("meter"), traits: meterLink.traits, identity: meter },
    trust: new TrustList([headEnd.credential]),
    resources: { links: [{ path: "r" }], serve: () => answerWith(CODE.content, FORMAT.cbor, SECRET) },
  });
  const client = new SecureClient({
    ...{ crypto, random: new SeededRandom("head-end"), traits: headEndLink.traits, identity: headEnd },
    trust: new TrustList([meter.credential]),
  });
  const events: ClientEvent[] = [];
  new Drive(
    server,
    {
      ...onlyWhatDriveUses(meterLink),
      send: (to, bytes) => {
        answers.push(bytes);
        return meterLink.send(to, bytes);
      },
    },
    clock,
    () => {},
  );
  const drive = new Drive(client, headEndLink, clock, (event) => events.push(event));
  return {
    clock,
    answers,
    meterLink,
    /** Raw bytes towards the meter, in pieces that the transmit buffer takes, and the time that they need. */
    write(bytes: Uint8Array): void {
      for (let at = 0; at < bytes.length; at += 1000) {
        near.write(bytes.subarray(at, at + 1000));
        clock.advanceBy(10);
      }
    },
    read(): ClientEvent | undefined {
      const nowMs = clock.monotonicMs();
      const ask = client.ask(nowMs, {
        to: LINE,
        content: resourceRequest(CODE.get, "r"),
        untilMs: nowMs + 8000,
      });
      drive.run();
      clock.runUntil(() => events.some((event) => event.ask === ask), 9000);
      return events.find((event) => event.ask === ask);
    },
    rejected: () => Object.values(meterLink.counters.rejected).reduce((sum, count) => sum + count, 0),
  };
}

function onlyWhatDriveUses(link: SlipmuxLink) {
  return {
    traits: link.traits,
    get counters() {
      return link.counters;
    },
    listen: (...listener: Parameters<SlipmuxLink["listen"]>) => link.listen(...listener),
    close: () => link.close(),
  };
}

describe("on a serial line", () => {
  const request = encodeSlip(encodeCoapFrame(message("CON", CODE.get, 7, [])));

  test.each<[string, () => Uint8Array]>([
    ["a frame of a megabyte", () => new Uint8Array(1_000_000).fill(0x41)],
    ["a storm of 100,000 escapes", () => new Uint8Array(100_000).fill(0xdb)],
    ["100,000 empty frames", () => new Uint8Array(100_000).fill(0xc0)],
    ["half a frame", () => request.slice(0, -4)],
    ["the halves of two frames as one", () => Uint8Array.of(...request.slice(0, 5), ...request.slice(-5))],
    ["an escape before the end", () => Uint8Array.of(0xc0, 0xa9, 0x40, 0xdb, 0xc0)],
    [
      "every single bit of a request flipped",
      () => Uint8Array.of(...everyFlip(request).flatMap((bytes) => [...bytes])),
    ],
  ])("%s costs the meter at most the frame after it, and is never echoed", (_, noise) => {
    const line = tappedLine();
    expect(line.read()).toMatchObject({ kind: "answer" });
    const answersBefore = line.answers.length;
    line.write(noise());
    const receivedBefore = line.meterLink.counters.receivedDatagrams;
    line.write(request);
    line.write(request);
    expect(line.meterLink.counters.receivedDatagrams).toBeGreaterThan(receivedBefore);
    expect(line.read()).toMatchObject({ kind: "answer", content: { payload: SECRET } });
    for (const answer of line.answers.slice(answersBefore))
      expect(toHex(answer)).not.toContain(toHex(SECRET));
  });

  test("frames with a wrong check sum, an unknown type or too many bytes are each counted", () => {
    const line = tappedLine();
    const damaged = request.slice();
    damaged[3] = (damaged[3] as number) ^ 1;
    const rejectedBefore = line.rejected();
    for (const bad of [
      damaged,
      encodeSlip(Uint8Array.of(0x55, 1, 2)),
      encodeSlip(new Uint8Array(5000).fill(1)),
    ])
      line.write(bad);
    expect(line.rejected()).toBe(rejectedBefore + 3);
  });

  test("words on the line's console do nothing and get nothing", () => {
    const line = tappedLine();
    expect(line.read()).toMatchObject({ kind: "answer" });
    const answersBefore = line.answers.length;
    for (const text of ["help\n", "reboot", "\u0003\u0004", ".exit", "root\r\n", "x".repeat(1000)])
      line.write(encodeSlip(encodeDiagnosticFrame(text)));
    line.clock.advanceBy(1000);
    expect(line.answers.length).toBe(answersBefore);
    expect(line.read()).toMatchObject({ kind: "answer", content: { payload: SECRET } });
  });

  function everyFlip(bytes: Uint8Array): Uint8Array[] {
    return Array.from({ length: 8 * (bytes.length - 2) }, (_, bit) => {
      const flipped = bytes.slice();
      flipped[1 + (bit >> 3)] = (flipped[1 + (bit >> 3)] as number) ^ (1 << (bit & 7));
      return flipped;
    });
  }
});

describe("a stranger", () => {
  const option = (number: number, value: Uint8Array | string = EMPTY): CoapOption => ({
    number,
    value: typeof value === "string" ? fromText(value) : value,
  });
  const path = (...segments: string[]): CoapOption[] => segments.map((text) => option(OPTION.uriPath, text));

  test("gets nothing that is more than three times as long as what he sent, whatever he sends", async () => {
    const meter = attackedMeter();
    await meter.read();
    const oscore = (value: number[]) => option(OPTION.oscore, Uint8Array.from(value));
    const questions = [
      message("CON", CODE.empty, 1, []),
      message("CON", CODE.get, 2, []),
      message("CON", CODE.get, 3, path(".well-known", "core")),
      message("CON", CODE.get, 4, path("r")),
      message("CON", CODE.post, 5, path("k")),
      message("CON", CODE.post, 6, path(".well-known", "edhoc")),
      message("NON", CODE.post, 7, path("k")),
      ...[0x00, 0xf5, 0x40, 0xff].map((byte, i) =>
        message("CON", CODE.post, 10 + i, path("k"), Uint8Array.of(byte)),
      ),
      message("CON", CODE.post, 20, [oscore([])]),
      message("CON", CODE.post, 21, [oscore([0x08])]),
      message("CON", CODE.post, 22, [oscore([0x09, 0x00, 0x01])]),
      message("CON", CODE.post, 23, [oscore([0x08]), option(OPTION.edhoc)]),
      message("CON", CODE.post, 24, [oscore([0x08, 0x01]), option(OPTION.edhoc)], Uint8Array.of(0x40)),
      message("CON", CODE.get, 25, [option(OPTION.proxyUri, "coap://x")]),
      rewritten(meter.requests[0], { messageId: 26 }),
      rewritten(meter.requests[1], { messageId: 27 }),
      rewritten(meter.requests[1], { messageId: 28, payload: EMPTY }),
    ];
    for (const question of questions) {
      const bytes = meter.inject(question).reduce((sum, { length }) => sum + length, 0);
      expect(bytes, toHex(question)).toBeLessThanOrEqual(3 * question.length);
    }
  });

  test("who never showed that he can be reached gets one answer for one datagram, and no repetitions", () => {
    const village = new Village();
    village.ask();
    const recorded = village.sent.find(isMessage1)?.bytes;
    const before = village.sent.length;
    village.inject({ from: "victim", to: "M1", bytes: rewritten(recorded, { messageId: 1 }) });
    village.clock.advanceBy(600_000);
    expect(village.sent.slice(before).map(({ to }) => to)).toEqual(["victim"]);
  });

  test("cannot use the meter as a proxy: 5.05, and nothing leaves for elsewhere", () => {
    const village = new Village();
    for (const [i, options] of [
      [option(OPTION.proxyUri, "coap://198.51.100.7/r")],
      [option(OPTION.proxyScheme, "coap")],
      [option(OPTION.uriHost, "198.51.100.7"), ...path("r"), option(OPTION.proxyScheme, "coap")],
      [option(OPTION.oscore, Uint8Array.of(0x09, 0, 1)), option(OPTION.proxyUri, "coap://[2001:db8::1]/r")],
    ].entries()) {
      const [reply, ...more] = village.injectAndListen(message("CON", CODE.get, 100 + i, options));
      expect(messageOf(reply)).toMatchObject({ code: CODE.proxyingNotSupported, payload: EMPTY });
      expect(more).toEqual([]);
    }
    expect(village.sent.every(({ to }) => to === HEAD_END)).toBe(true);
  });

  test("who writes another's host into a request gets no more than without it", () => {
    const village = new Village();
    const host = option(OPTION.uriHost, "another-meter");
    const [plain] = village.injectAndListen(message("CON", CODE.get, 1, path("r")));
    const [hosted] = village.injectAndListen(message("CON", CODE.get, 2, [host, ...path("r")]));
    expect(messageOf(hosted)).toMatchObject({ code: messageOf(plain).code, payload: EMPTY });
    expect(hosted).toHaveLength(plain?.length ?? 0);
    expect(village.meter().served).toEqual([]);
  });

  test("learns nothing from how EDHOC fails: not of kid, key, point, nor of what was wrong", () => {
    const village = new Village();
    village.ask();
    const message1 = messageOf(village.sent.find(isMessage1)?.bytes);
    const spoilt = [1, 2, 3, 20, 40].map((at) =>
      message1.payload.map((byte, i) => (i === at ? byte ^ 0x40 : byte)),
    );
    const replies = [...spoilt, Uint8Array.of(0xf5), Uint8Array.of(0x05, 0x41, 0x00)].map((payload, i) =>
      messageOf(village.injectAndListen(encodeMessage({ ...message1, payload, messageId: i }))[0]),
    );
    const refused = replies.filter(({ code }) => code !== CODE.changed);
    expect(refused.length).toBeGreaterThan(3);
    for (const { code, payload } of refused)
      expect([code, payload]).toEqual([CODE.badRequest, encodeCborSequence([1, "EDHOC failed"])]);
  });
});

function message(
  type: "CON" | "NON",
  code: number,
  messageId: number,
  options: readonly CoapOption[],
  payload: Uint8Array = EMPTY,
): Uint8Array {
  return encodeMessage({ type, code, messageId, token: EMPTY, options, payload });
}
