// Requests that other implementations sent to a server of ours are answered byte for byte as they were then.
import { describe, expect, test } from "vitest";
import { TrustList } from "../../firmware/identity/trust.ts";
import { EMPTY, toHex, toUint } from "../../firmware/protocol/bytes.ts";
import { encodeMessage } from "../../firmware/protocol/coap/codec.ts";
import {
  bareAnswer,
  CODE,
  type CoapContent,
  findOption,
  OPTION,
  pathOf,
  withoutOptions,
} from "../../firmware/protocol/coap/message.ts";
import type { Observed } from "../../firmware/protocol/observe/observers.ts";
import { SecureServer } from "../../firmware/protocol/secure-server.ts";
import { nobleEngine } from "../../hal/crypto/noble.ts";
import { identity } from "../support/secured-line.ts";
import aiocoap from "../vectors/interop/aiocoap-client.json" with { type: "json" };
import libcoap from "../vectors/interop/libcoap-client.json" with { type: "json" };
import {
  bytesOf,
  expectSilence,
  innerOf,
  messageOf,
  presetOf,
  type RecordedContext,
  type RecordedDatagram,
  recordedRandom,
  STATION,
  UDP_TRAITS,
  valuesIn,
} from "./recording.ts";
import { type ServedRequest, servedIn } from "./served.ts";

interface RecordedStart {
  readonly firstNumber: number;
  readonly exchanges: readonly RecordedExchange[];
}

interface RecordedExchange {
  readonly what: string;
  /** After the start, where a challenge before it may be too old by now. */
  readonly atMs?: number;
  readonly datagrams: readonly RecordedDatagram[];
}

/** The links of the meter when it was recorded. */
const LINKS = [...["r", "p", "i"].map((path) => ({ path })), { path: "k", attributes: { rt: "core.edhoc" } }];

/** A server as it started then, whose resources answer as recorded. */
class ReplayedServer {
  readonly #server: SecureServer;
  /** The requests that resources saw. */
  readonly served: CoapContent[] = [];
  #toServe: ServedRequest[] = [];
  /** Theirs of our notifications, to ours of now. */
  readonly #messageIds = new Map<number, number>();
  #nowMs = 0;

  constructor(context: RecordedContext, { firstNumber, exchanges }: RecordedStart) {
    const datagrams = exchanges.flatMap((exchange) => exchange.datagrams);
    this.#server = new SecureServer({
      crypto: nobleEngine,
      random: recordedRandom({
        echo: valuesIn(datagrams, "server", OPTION.echo),
        etag: valuesIn(datagrams, "server", OPTION.etag),
      }),
      traits: UDP_TRAITS,
      identity: identity("meter", "M1"),
      trust: new TrustList([]),
      presets: [presetOf(context, "server", firstNumber)],
      resources: {
        links: LINKS,
        serve: ({ content }) => this.#serve(content),
        observe: ({ content }) => this.#observe(content),
      },
    });
  }

  replay({ atMs = this.#nowMs, datagrams }: RecordedExchange): void {
    this.#nowMs = Math.max(this.#nowMs, atMs);
    this.#toServe = served(datagrams);
    for (const { from, bytes, lost = false } of datagrams) {
      if (from === "server") this.#expectSent(bytes);
      else if (!lost) this.#receive(bytes);
    }
    expectSilence(this.#server);
  }

  #receive(bytes: string): void {
    const recorded = messageOf(bytesOf(bytes));
    const messageId = this.#messageIds.get(recorded.messageId) ?? recorded.messageId;
    const isSettlement = recorded.code === CODE.empty;
    const datagram = isSettlement ? encodeMessage({ ...recorded, messageId }) : bytesOf(bytes);
    this.#server.receive(this.#nowMs, STATION, datagram);
  }

  /** A message that is no ACK has a Message ID of our choice; all else must be equal. */
  #expectSent(bytes: string): void {
    const recorded = messageOf(bytesOf(bytes));
    const datagram = this.#next();
    const messageId = recorded.type === "ACK" ? recorded.messageId : messageOf(datagram).messageId;
    this.#messageIds.set(recorded.messageId, messageId);
    expect(toHex(datagram)).toBe(toHex(encodeMessage({ ...recorded, messageId })));
  }

  #next(): Uint8Array {
    let datagram = this.#server.nextDatagram();
    for (let nextMs = this.#server.nextWakeMs(); datagram === undefined; nextMs = this.#server.nextWakeMs()) {
      if (nextMs === undefined) throw new Error("the server has nothing to send");
      this.#nowMs = nextMs;
      this.#server.wake(nextMs);
      datagram = this.#server.nextDatagram();
    }
    return datagram.bytes;
  }

  #serve(content: CoapContent): CoapContent {
    this.served.push(content);
    return ownAnswer(this.#toServe.shift()?.answers[0]);
  }

  #observe(content: CoapContent): Observed | undefined {
    const answers = this.#toServe[0]?.answers ?? [];
    const [first] = answers;
    if (first === undefined || findOption(first, OPTION.observe) === undefined) return undefined;
    this.served.push(content);
    this.#toServe.shift();
    const periodMs = 1000 * toUint(findOption(first, OPTION.maxAge) ?? EMPTY);
    const answer = (): CoapContent => ownAnswer(answers.shift());
    return { answer, hasNews: () => false, atLatestMs: periodMs, atSoonestMs: periodMs };
  }
}

/** What a resource said itself, without what blocks and Observe added. */
function ownAnswer(answer = bareAnswer(CODE.internalServerError)): CoapContent {
  const isLong = findOption(answer, OPTION.block2) !== undefined;
  const isObserved = findOption(answer, OPTION.observe) !== undefined;
  const added = [
    ...[OPTION.block1, OPTION.block2, OPTION.observe],
    ...(isLong ? [OPTION.etag] : []),
    ...(isObserved ? [OPTION.maxAge] : []),
  ];
  return withoutOptions(answer, ...added);
}

/** What resources saw of an exchange; a server's links are none. */
function served(datagrams: readonly RecordedDatagram[]): ServedRequest[] {
  return servedIn(datagrams).filter(({ request }) => pathOf(request) !== ".well-known/core");
}

function requestsIn(datagrams: readonly RecordedDatagram[]): string[] {
  return served(datagrams).map(({ request }) =>
    innerOf(withoutOptions(request, OPTION.block1, OPTION.block2)),
  );
}

/**
 * The replay of the last request, which was refused at the time; by now it gets the last answer again, byte for byte
 * (firmware/protocol/README.md).
 */
function asOfNow(exchange: RecordedExchange): RecordedExchange {
  const [request, answer, replay, refusal] = exchange.datagrams;
  if (exchange.what !== "a replay (plugtest 15)" || !request || !answer || !replay || !refusal)
    return exchange;
  const { messageId, token } = messageOf(bytesOf(refusal.bytes));
  const bytes = toHex(encodeMessage({ ...messageOf(bytesOf(answer.bytes)), messageId, token }));
  return { ...exchange, datagrams: [request, answer, replay, { ...refusal, bytes }] };
}

describe.each([libcoap, aiocoap])("$peer as a client of a server of ours", ({ context, starts }) => {
  test.each(
    starts.map((start: RecordedStart, i) => ({
      when: i === 0 ? "at its first start" : `at start ${i + 1}`,
      start,
    })),
  )("is answered $when as it was recorded", ({ start }) => {
    const server = new ReplayedServer(context, start);
    for (const exchange of start.exchanges) {
      server.served.length = 0;
      server.replay(asOfNow(exchange));
      expect(server.served.map(innerOf), exchange.what).toEqual(requestsIn(exchange.datagrams));
    }
  });
});
