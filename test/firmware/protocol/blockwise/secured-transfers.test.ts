// Long bodies inside OSCORE, both ways, on lines good and bad.
import { describe, expect, test } from "vitest";
import { TrustList } from "../../../../firmware/identity/trust.ts";
import { toHex } from "../../../../firmware/protocol/bytes.ts";
import { decodeMessage } from "../../../../firmware/protocol/coap/codec.ts";
import {
  answerWith,
  bareAnswer,
  CODE,
  type CoapContent,
  FORMAT,
  findOption,
  OPTION,
  resourceRequest,
} from "../../../../firmware/protocol/coap/message.ts";
import { MemorySequence } from "../../../../firmware/protocol/oscore/sender-sequence.ts";
import { SecureClient } from "../../../../firmware/protocol/secure-client.ts";
import { SecureServer } from "../../../../firmware/protocol/secure-server.ts";
import type { PresetContext } from "../../../../firmware/protocol/sessions.ts";
import { FaultyLink } from "../../../../hal/emulated/faulty-link.ts";
import { SeededRandom } from "../../../../hal/emulated/seeded-random.ts";
import { uartPair } from "../../../../hal/emulated/uart-pair.ts";
import type { VirtualClock } from "../../../../hal/emulated/virtual-clock.ts";
import { SlipmuxLink } from "../../../../hal/modems/slipmux/driver.ts";
import { opensslEngine } from "../../../../hal/node/openssl.ts";
import type { Link } from "../../../../hal/ports/link.ts";
import { identity, type SecuredLineOptions, securedLine } from "../../../support/secured-line.ts";
import { IP, LINE_9600 } from "../coap/helpers.ts";
import { body } from "./support.ts";

const LONG = 3072;
const PUT = resourceRequest(CODE.put, "t", body(LONG));
const GET = resourceRequest(CODE.get, "t");

/** A meter that keeps what is put, and answers a GET with `answer`. */
function meter(options: SecuredLineOptions = {}) {
  const put: CoapContent[] = [];
  const resource = { answer: body(LONG, 7) };
  const line = securedLine({
    ...options,
    serve: (content) => {
      if (content.code === CODE.get) return answerWith(CODE.content, FORMAT.cbor, resource.answer);
      put.push(content);
      return bareAnswer(CODE.changed);
    },
  });
  return { ...line, put, resource };
}

/** Slipmux at 9600 baud. */
function slip(clock: VirtualClock): [Link, Link] {
  const [one, other] = uartPair(clock, { baud: 9600, dataBits: 8, parity: "none", stopBits: 1 });
  return [new SlipmuxLink(one), new SlipmuxLink(other)];
}

function faulty(seed: number, faults: Partial<Record<"lose" | "repeat" | "reorder" | "flip", number>>) {
  let ends = 0;
  return (link: Link, clock: VirtualClock) =>
    new FaultyLink(link, clock, new SeededRandom(`faults ${seed} ${ends++}`), {
      reorderDelayMs: 80,
      ...faults,
    });
}

describe("three kilobytes", () => {
  test("are put and got over a SLIP line at 9600 baud in blocks of 512", () => {
    const { askFor, put, clock } = meter({ pair: slip });
    expect(askFor(PUT, { withinMs: 60_000 })).toMatchObject({ content: { code: CODE.changed } });
    expect(put.map(({ payload }) => payload)).toEqual([body(LONG)]);
    const startMs = clock.monotonicMs();
    const answer = askFor(GET, { withinMs: 60_000, answerBytes: 4000 });
    expect(answer).toMatchObject({ content: { code: CODE.content, payload: body(LONG, 7) } });
    // Two hops of 3.2 s each on the line, overlapping only between datagrams, and six requests.
    expect(clock.monotonicMs() - startMs).toBeLessThan(9000);
  });

  test("are put and got over UDP with a fifth of the datagrams lost each way (8 seeds)", () => {
    for (let seed = 0; seed < 8; seed++) {
      const { askFor, put } = meter({
        seed,
        traits: { ...IP, roundTripMs: 50 },
        wrap: faulty(seed, { lose: 0.2 }),
      });
      expect(askFor(PUT, { withinMs: 120_000 }), `seed ${seed}`).toMatchObject({
        content: { code: CODE.changed },
      });
      for (const { payload } of put) expect(toHex(payload)).toBe(toHex(body(LONG)));
      const answer = askFor(GET, { withinMs: 120_000 });
      expect(answer, `seed ${seed}`).toMatchObject({ content: { payload: body(LONG, 7) } });
    }
  });

  test("are whole or not there on a line that loses, repeats, swaps and damages (8 seeds)", () => {
    for (let seed = 0; seed < 8; seed++) {
      const wrap = faulty(seed, { lose: 0.15, repeat: 0.2, reorder: 0.2, flip: 0.05 });
      const { askFor, put, clientEvents } = meter({ seed, traits: LINE_9600, wrap });
      const ended = [PUT, GET].map((content) => askFor(content, { withinMs: 180_000, answerBytes: 600 }));
      for (const { payload } of put) expect(toHex(payload)).toBe(toHex(body(LONG)));
      if (ended[1]?.kind === "answer") expect(toHex(ended[1].content.payload)).toBe(toHex(body(LONG, 7)));
      expect(ended.filter((event) => event?.kind === "answer").length, `seed ${seed}`).toBeGreaterThan(0);
      expect(clientEvents).toHaveLength(2);
    }
  });

  test("go with the first request after a handshake too, of which only the first block carries message_3", () => {
    const edhoc: boolean[] = [];
    const { askFor, put } = meter({
      tap: (datagram, from) => {
        const message = decodeMessage(datagram);
        if (from === "head-end" && !("error" in message)) {
          edhoc.push(findOption(message, OPTION.edhoc) !== undefined);
        }
      },
    });
    expect(askFor(PUT)).toMatchObject({ content: { code: CODE.changed } });
    // message_1, the challenged first block with message_3, it again, two more.
    expect(edhoc).toEqual([false, true, false, false, false]);
    expect(put).toHaveLength(1);
  });

  test("show outside neither that they come in blocks nor how many are left", () => {
    const blocks: unknown[] = [];
    const { askFor } = meter({
      tap: (datagram) => {
        const message = decodeMessage(datagram);
        if ("error" in message) return;
        for (const number of [OPTION.block1, OPTION.block2, OPTION.requestTag, OPTION.etag, OPTION.echo]) {
          if (findOption(message, number) !== undefined) blocks.push(number);
        }
      },
    });
    askFor(PUT);
    askFor(GET);
    expect(blocks).toEqual([]);
  });

  test("count as all that was sent and received for them", () => {
    const sent = { "head-end": 0, meter: 0 };
    const { askFor } = meter({
      tap: (datagram, from) => {
        sent[from] += datagram.length;
      },
    });
    askFor(GET);
    sent["head-end"] = 0;
    sent.meter = 0;
    expect(askFor(PUT)).toMatchObject({ requestBytes: sent["head-end"], responseBytes: sent.meter });
  });
});

describe("a long PUT", () => {
  test("is challenged once, at its first block", () => {
    let datagrams = 0;
    const { askFor, ask } = meter({ tap: () => datagrams++ });
    ask(body(1));
    datagrams = 0;
    askFor(PUT);
    // The first block twice, then the second and the third.
    expect(datagrams).toBe(2 * 4);
  });

  test("longer than the meter takes ends with its 4.13 before it is sent", () => {
    let datagrams = 0;
    const { askFor, put } = meter({ tap: () => datagrams++ });
    askFor(GET);
    datagrams = 0;
    const long = resourceRequest(CODE.put, "t", body(16_385));
    expect(askFor(long)).toMatchObject({ content: { code: CODE.entityTooLarge } });
    expect(datagrams).toBe(4);
    expect(put).toEqual([]);
    expect(askFor(resourceRequest(CODE.put, "t", body(16_384)))).toMatchObject({
      content: { code: CODE.changed },
    });
    expect(put[0]?.payload).toEqual(body(16_384));
  });

  test("whose meter loses its memory in the middle is put from the start in a new session", () => {
    let passed = 0;
    const made = meter({
      between: (datagram, from) => {
        if (from === "head-end" && ++passed === 5) made.restartMeter();
        return [datagram];
      },
    });
    expect(made.askFor(PUT, { withinMs: 60_000 })).toMatchObject({ content: { code: CODE.changed } });
    expect(made.put.map(({ payload }) => payload)).toEqual([body(LONG)]);
  });
});

describe("several at once", () => {
  test("long ones take turns and short ones pass between them; each is answered with its own", () => {
    for (const traits of [IP, LINE_9600]) {
      const served: string[] = [];
      const line = securedLine({
        traits,
        serve: ({ payload }) => {
          served.push(toHex(payload));
          return answerWith(CODE.content, FORMAT.cbor, payload);
        },
      });
      const bodies = Array.from({ length: 12 }, (_, i) => body(i % 3 === 0 ? 3 : 2000 + i, i));
      const ids = bodies.map((payload) => line.askLater(payload, 300_000));
      line.clock.advanceBy(300_000);
      for (const [i, id] of ids.entries()) {
        const event = line.clientEvents.find(({ ask }) => ask === id);
        expect(event).toMatchObject({ kind: "answer", content: { payload: bodies[i] } });
      }
      expect([...served].sort()).toEqual(bodies.map(toHex).sort());
    }
  });

  test("long answers to short questions are fetched one after the other, though all begin at once", () => {
    const line = securedLine({
      traits: IP,
      serve: ({ payload }) => answerWith(CODE.content, FORMAT.cbor, body(5000, payload[0])),
    });
    const ids = Array.from({ length: 25 }, (_, i) => line.askLater(Uint8Array.of(i), 300_000));
    line.clock.advanceBy(300_000);
    for (const [i, id] of ids.entries()) {
      const event = line.clientEvents.find(({ ask }) => ask === id);
      expect(event).toMatchObject({ kind: "answer", content: { payload: body(5000, i) } });
    }
  });
});

test("no datagram is longer than the link takes, whatever the lengths of bodies, from the first request on", () => {
  for (const mtuBytes of [1152, 400, 128]) {
    for (const less of [0, 1, 95, 96, 97, 128]) {
      const longest = { bytes: 0 };
      const length = mtuBytes - less;
      const { askFor } = securedLine({
        traits: { ...IP, mtuBytes },
        tap: (datagram) => {
          longest.bytes = Math.max(longest.bytes, datagram.length);
        },
        serve: ({ payload }) => answerWith(CODE.content, FORMAT.cbor, payload),
      });
      const put = resourceRequest(CODE.put, "a-long-path", body(length));
      expect(askFor(put, { withinMs: 60_000 })).toMatchObject({ content: { payload: body(length) } });
      expect(longest.bytes).toBeLessThanOrEqual(mtuBytes);
    }
  }
});

describe("with a context of before", () => {
  const preset = (senderId: number, recipientId: number): PresetContext => ({
    peer: { id: "preset" },
    parameters: {
      masterSecret: new Uint8Array(16).fill(7),
      senderId: Uint8Array.of(senderId),
      recipientId: Uint8Array.of(recipientId),
    },
    sequence: new MemorySequence(),
  });

  test("a long PUT to a meter that has just started is challenged once, for its start and for the PUT alike", () => {
    const put: Uint8Array[] = [];
    let datagrams = 0;
    const { askFor } = securedLine({
      headEndPreset: preset(1, 2),
      meterPreset: () => preset(2, 1),
      tap: () => datagrams++,
      serve: ({ payload }) => {
        put.push(payload);
        return bareAnswer(CODE.changed);
      },
    });
    expect(askFor(PUT)).toMatchObject({ content: { code: CODE.changed } });
    expect(put).toEqual([body(LONG)]);
    expect(datagrams).toBe(2 * 4);
  });

  test("blocks belong together though a proxy sends each from another port", () => {
    const put: Uint8Array[] = [];
    const shared = { crypto: opensslEngine, traits: IP, trust: new TrustList([]) };
    const client = new SecureClient({
      ...shared,
      random: new SeededRandom(1),
      identity: identity("head-end", "H"),
      preset: preset(1, 2),
    });
    const server = new SecureServer({
      ...shared,
      random: new SeededRandom(2),
      identity: identity("meter", "M1"),
      presets: [preset(2, 1)],
      resources: {
        links: [],
        serve: ({ content }) => {
          put.push(content.payload);
          return answerWith(CODE.content, FORMAT.cbor, body(LONG, 7));
        },
      },
    });
    client.ask(0, { to: "proxy", content: PUT, untilMs: 60_000 });
    let port = 5683;
    for (let out = client.nextDatagram(); out !== undefined; out = client.nextDatagram()) {
      server.receive(0, `proxy:${port++}`, out.bytes);
      const back = server.nextDatagram();
      if (back !== undefined) client.receive(0, "proxy", back.bytes);
    }
    expect(put).toEqual([body(LONG)]);
    expect(client.nextEvent()).toMatchObject({ kind: "answer", content: { payload: body(LONG, 7) } });
    // The challenge, three blocks, and two more of the answer.
    expect(port - 5683).toBe(6);
  });
});
