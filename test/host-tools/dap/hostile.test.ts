// Bytes that nobody means well with, from the north, from the south and from the disk: none makes a DAP throw.
import { expect, test } from "vitest";
import { fromText, fromUint } from "../../../firmware/protocol/bytes.ts";
import { encodeMessage } from "../../../firmware/protocol/coap/codec.ts";
import { messageOf, OPTION, withOptions } from "../../../firmware/protocol/coap/message.ts";
import { FREE } from "../../../hal/emulated/link-end.ts";
import { integerBelow, SeededRandom } from "../../../hal/emulated/seeded-random.ts";
import { MemoryStorage } from "../../../hal/storage/memory-storage.ts";
import { Forwarder, type RoutedDatagram } from "../../../host-tools/dap/forward/forwarder.ts";
import { Routes } from "../../../host-tools/dap/forward/routes.ts";
import { sealedFor } from "./place.ts";

const UDP = { ...FREE, roundTripMs: 500 };
const NAMES = ["M1", "M2", "M3"];

function forwarder(storage = new MemoryStorage(), startMs = 0): Forwarder {
  return new Forwarder({
    ...{
      random: new SeededRandom(1),
      north: UDP,
      lines: [UDP, { ...UDP, addressing: "uri-host", halfDuplex: true }],
    },
    routes: new Routes(
      NAMES.map((alias, i) => ({ alias, line: i % 2, station: `s${i}` })),
      { B7: NAMES },
    ),
    settings: { thirdParty: false, distribute: "fan-out", return: "bundle", holdSeconds: 60 },
    ...{ storage, startMs, utcMs: () => startMs, isOperator: () => true },
  });
}

/** Requests of all that a DAP can be asked. */
function requests(): Uint8Array[] {
  const wishes = [
    [],
    [{ number: OPTION.delayTolerance, value: fromUint(30) }],
    [{ number: OPTION.bundle, value: new Uint8Array(0) }],
    [{ number: OPTION.bundle, value: Uint8Array.of(1, 3) }],
    [{ number: OPTION.multicastTimeout, value: Uint8Array.of(5) }],
    [{ number: OPTION.observe, value: new Uint8Array(0) }],
    [{ number: OPTION.block1, value: Uint8Array.of(0x0e) }],
    [{ number: OPTION.block2, value: Uint8Array.of(0x16) }],
    [{ number: OPTION.hopLimit, value: Uint8Array.of(9) }],
  ];
  return [...NAMES, "B7"].flatMap((host) =>
    wishes.map((more, i) => {
      const content = withOptions(sealedFor(host, fromText("x".repeat(1024))), ...more);
      return encodeMessage(
        messageOf({ type: i % 4 === 3 ? "NON" : "CON", messageId: i, token: fromUint(i) }, content),
      );
    }),
  );
}

function mutated(random: SeededRandom, datagram: Uint8Array): Uint8Array {
  const bytes = datagram.slice(
    0,
    integerBelow(random, 4) === 0 ? integerBelow(random, datagram.length + 1) : undefined,
  );
  for (let i = integerBelow(random, 4); i > 0 && bytes.length > 0; i--)
    bytes[integerBelow(random, Math.min(bytes.length, 40))] = integerBelow(random, 256);
  return bytes;
}

/** What a meter might say to a request, and to which nobody holds it. */
function answerTo(random: SeededRandom, { bytes }: RoutedDatagram): Uint8Array {
  const answer = bytes.slice();
  answer[0] = ((answer[0] ?? 0x40) & 0xcf) | (integerBelow(random, 4) << 4);
  answer[1] = [0x00, 0x44, 0x45, 0x5f, 0x81, 0x84, 0x88, 0x8d][integerBelow(random, 8)] ?? 0;
  return answer;
}

/** What is received next, on which link and from where. */
function nextInput(random: SeededRandom, corpus: readonly Uint8Array[], sent: readonly RoutedDatagram[]) {
  const source = sent[integerBelow(random, Math.max(1, sent.length))];
  const isSouth = integerBelow(random, 2) === 0 && source !== undefined;
  const right = isSouth
    ? answerTo(random, source)
    : (corpus[integerBelow(random, corpus.length)] ?? corpus[0]);
  const datagram = integerBelow(random, 3) === 0 ? right : mutated(random, right as Uint8Array);
  const from = isSouth ? source.to : `c${integerBelow(random, 5)}`;
  return { link: isSouth ? source.link : 0, from, datagram: datagram as Uint8Array };
}

test.each([1, 2, 3])("datagrams of either side, right and wrong, never make it throw (seed %i)", (seed) => {
  const random = new SeededRandom(seed);
  const dap = forwarder();
  const corpus = requests();
  const sent: RoutedDatagram[] = [];
  let nowMs = 0;
  for (let i = 0; i < 2500; i++) {
    nowMs += integerBelow(random, 400);
    const { link, from, datagram } = nextInput(random, corpus, sent);
    dap.receive(nowMs, link, from, datagram);
    if (integerBelow(random, 3) === 0) dap.wake(nowMs);
    for (let out = dap.nextDatagram(); out !== undefined; out = dap.nextDatagram()) {
      dap.sent(nowMs, out, (["queued", "busy", "down"] as const)[integerBelow(random, 3)] ?? "queued");
      sent.push(out);
    }
    sent.splice(0, Math.max(0, sent.length - 100));
    expect(dap.nextWakeMs() ?? nowMs).toBeGreaterThan(Number.NEGATIVE_INFINITY);
  }
  expect(dap.counters.requests).toBeGreaterThan(100);
  expect(sent.length).toBeGreaterThan(50);
});

test("files that a cut, a disk or a person has spoilt are requests that were never acknowledged, or none", () => {
  const random = new SeededRandom(4);
  const storage = new MemoryStorage();
  const dap = forwarder(storage);
  for (const [i, datagram] of requests().entries()) dap.receive(0, 0, `c${i}`, datagram);
  const whole = new Map(storage.list().map((name) => [name, storage.read(name) ?? new Uint8Array(0)]));
  expect(whole.size).toBeGreaterThan(5);
  expect(forwarder(new MemoryStorage(whole)).held).toBe(whole.size);
  for (let i = 0; i < 300; i++) {
    const spoilt = new Map([...whole].map(([name, bytes]) => [name, mutated(random, bytes)]));
    spoilt.set("held-x", Uint8Array.of(1));
    spoilt.set("held-99999999999999", new Uint8Array(7));
    const anew = forwarder(new MemoryStorage(spoilt), i);
    expect(anew.held).toBeLessThanOrEqual(whole.size);
    while (anew.nextDatagram() !== undefined);
  }
});
