import { concat, EMPTY, toHex } from "../../../firmware/protocol/bytes.ts";
import { blockOption } from "../../../firmware/protocol/coap/block.ts";
import { encodeMessage } from "../../../firmware/protocol/coap/codec.ts";
import {
  CODE,
  type CoapContent,
  type CoapMessage,
  OPTION,
  resourceRequest,
  withOptions,
} from "../../../firmware/protocol/coap/message.ts";
import { WholeMessages } from "../../../firmware/protocol/coap/outer/whole-messages.ts";
import type { LinkTraits } from "../../../hal/ports/link.ts";
import type { Random } from "../../../hal/ports/random.ts";
import { type Door, must } from "./door.ts";

/** The first token is 00, the first Message ID 0: what an answer must have to be one. */
const NO_CHANCE: Random = { bytes: (length) => new Uint8Array(length), fork: () => NO_CHANCE };
const TRAITS: LinkTraits = {
  mtuBytes: 128,
  bitsPerSecond: undefined,
  bitsPerByte: 8,
  framingBytes: 0,
  roundTripMs: 20,
  halfDuplex: false,
  addressing: "station",
};
const WHOLE_BYTES_MAX = 2048;
const AMPLIFICATION_MAX = 3;
const STATIONS = 16;
/** The only station whose requests are answered as those of somebody who has proved himself. */
const HEAD_END = "station 3";
const STEPS_MS = [0, 1, 100, 2000, 10_000, 100_000, 400_000];

function sealed(payload: Uint8Array, number = 1): CoapContent {
  const options = [{ number: OPTION.oscore, value: Uint8Array.of(9, number, 7) }];
  return { code: CODE.post, options, payload };
}

function bytesOf(type: CoapMessage["type"], messageId: number, content: CoapContent): Uint8Array {
  // Our tokens count up as our Message IDs do.
  return encodeMessage({ ...content, type, messageId, token: Uint8Array.of(messageId) });
}

/** One datagram of an input: who sends it and how much later, how long it is, itself. */
function step(station: number, wait: number, datagram: Uint8Array): Uint8Array {
  return concat(Uint8Array.of(station + STATIONS * wait, datagram.length), datagram);
}

/** `body` in blocks of 32, as a request. */
function pieces(body: Uint8Array, of: (payload: Uint8Array) => CoapContent): Uint8Array[] {
  const count = Math.ceil(body.length / 32);
  return Array.from({ length: count }, (_, number) => {
    const block = { number, more: number < count - 1, sizeExponent: 1 };
    const content = of(body.slice(32 * number, 32 * number + 32));
    return bytesOf("CON", number + 1, withOptions(content, blockOption(OPTION.block1, block)));
  });
}

function asking(number: number, content: CoapContent): Uint8Array {
  const block = { number, more: false, sizeExponent: 2 };
  return bytesOf("CON", 100 + number, withOptions(content, blockOption(OPTION.block2, block)));
}

function answering(number: number, more: boolean, messageId: number, bytes = 64): Uint8Array {
  const content = { code: CODE.changed, options: [], payload: new Uint8Array(bytes).fill(number) };
  const block = blockOption(OPTION.block2, { number, more, sizeExponent: 2 });
  return bytesOf("ACK", messageId, withOptions(content, block));
}

/** The first of two blocks of a message that no other has a number with. */
function firstOf(number: number): Uint8Array {
  return pieces(new Uint8Array(64), (payload) => sealed(payload, number))[0] ?? EMPTY;
}

function firsts(stepOf: (i: number) => Uint8Array): Uint8Array {
  return concat(...Array.from({ length: 16 }, (_, i) => stepOf(i)));
}

const HELLO = (payload: Uint8Array): CoapContent => resourceRequest(CODE.post, "k", payload);

/** Whatever comes is bounded, and whoever has proved himself is served afterwards. */
export const outerBlocks: Door = {
  name: "outer-blocks",
  decoders: /\/firmware\/protocol\/coap\/(block|outer\/)/,
  bytesMax: 1200,
  samples: () => [
    concat(...pieces(new Uint8Array(100), sealed).map((datagram) => step(0, 0, datagram))),
    concat(...pieces(new Uint8Array(70), HELLO).map((datagram) => step(1, 1, datagram))),
    concat(...[0, 1, 2].map((number) => step(3, 0, asking(number, sealed(EMPTY))))),
    concat(...[0, 1, 9].map((number) => step(0, 2, asking(number, HELLO(new Uint8Array(40)))))),
    // To our own requests, Message IDs 0 and 1, and to the questions for their next blocks, from Message ID 2 on.
    ...[0, 1].map((station) =>
      concat(
        step(station, 0, answering(0, true, station)),
        step(station, 0, answering(1, true, 2)),
        step(station, 1, answering(2, false, 3)),
      ),
    ),
    // Another answer in between, the first one again, blocks of another length than they say.
    concat(
      ...[answering(0, true, 0), answering(0, true, 0), answering(2, true, 2)].map((datagram) =>
        step(0, 0, datagram),
      ),
      step(0, 0, answering(1, true, 2, 40)),
      step(0, 0, answering(1, false, 2, 65)),
      step(0, 0, answering(1, false, 2, 40)),
    ),
    // More stations than there is room for, at once and when some of it is free; one station with three messages.
    ...[0, 3].map((wait) => firsts((i) => step(i & 15, i === 12 ? wait : 0, firstOf(i)))),
    firsts((i) => step(i < 3 ? 5 : 6, 0, firstOf(i))),
    // Under way for longer than a client waits, and than an exchange lives.
    ...[5, 6].map((wait) =>
      concat(...pieces(new Uint8Array(100), sealed).map((datagram) => step(0, wait, datagram))),
    ),
  ],
  check(input) {
    const half = new WholeMessages({ random: NO_CHANCE, traits: TRAITS });
    half.request(0, "station 0", sealed(new Uint8Array(8)), { untilMs: 60_000, isGenuine: () => false });
    half.request(0, "station 1", HELLO(new Uint8Array(8)), { untilMs: 60_000 });
    while (half.nextDatagram() !== undefined);
    let nowMs = 0;
    for (let at = 0; at + 2 <= input.length; at += 2 + (input[at + 1] as number)) {
      const head = input[at] as number;
      nowMs += STEPS_MS[Math.floor(head / STATIONS) % STEPS_MS.length] as number;
      half.wake(nowMs);
      while (half.nextDatagram() !== undefined);
      const datagram = input.slice(at + 2, at + 2 + (input[at + 1] as number));
      give(half, nowMs, `station ${head % STATIONS}`, datagram);
    }
    half.wake(nowMs + 100_000);
    checkServed(half, nowMs);
  },
};

/** Hands one datagram in, answers what comes of it, and looks at what goes out. */
function give(half: WholeMessages, nowMs: number, from: string, datagram: Uint8Array): void {
  half.receive(nowMs, from, datagram);
  for (let event = half.nextEvent(); event !== undefined; event = half.nextEvent()) {
    if (event.kind !== "request") continue;
    must("a message beyond the limit", event.message.payload.length <= WHOLE_BYTES_MAX);
    const answer = { code: CODE.changed, options: [], payload: new Uint8Array(300) };
    if (from === HEAD_END) half.respond(nowMs, event.exchange, answer);
    else half.greet(nowMs, event.exchange, answer);
  }
  let [sent, bytes] = [0, 0];
  for (let out = half.nextDatagram(); out !== undefined; out = half.nextDatagram()) {
    sent++;
    bytes += out.bytes.length;
    must("a datagram beyond the link", out.bytes.length <= TRAITS.mtuBytes);
  }
  must("more than one datagram and one question for one", sent <= 2);
  if (from !== HEAD_END && from !== "station 0")
    must("much for little", bytes <= Math.max(AMPLIFICATION_MAX * datagram.length, 4));
}

/** Nobody keeps a station that has proved itself from sending a long message. */
function checkServed(half: WholeMessages, nowMs: number): void {
  half.proved("honest");
  const body = Uint8Array.from({ length: 90 }, (_, i) => i);
  let whole: Uint8Array = EMPTY;
  for (const datagram of pieces(body, (payload) => sealed(payload, 200))) {
    half.receive(nowMs, "honest", datagram);
    for (let event = half.nextEvent(); event !== undefined; event = half.nextEvent())
      if (event.kind === "request") whole = event.message.payload;
  }
  must("an honest message that was lost", toHex(whole) === toHex(body));
}
