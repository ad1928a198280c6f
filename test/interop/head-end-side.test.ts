// Our head-end asks as it asked other implementations, and takes the answers that they gave then.
import { describe, expect, test } from "vitest";
import { TrustList } from "../../firmware/identity/trust.ts";
import type { ClientEvent } from "../../firmware/protocol/asks.ts";
import { toHex } from "../../firmware/protocol/bytes.ts";
import { encodeMessage } from "../../firmware/protocol/coap/codec.ts";
import {
  CODE,
  type CoapContent,
  type CoapMessage,
  findOption,
  OPTION,
  withoutOptions,
} from "../../firmware/protocol/coap/message.ts";
import { SecureClient } from "../../firmware/protocol/secure-client.ts";
import { opensslEngine } from "../../hal/node/openssl.ts";
import { identity } from "../support/secured-line.ts";
import aiocoap from "../vectors/interop/aiocoap-server.json" with { type: "json" };
import libcoap from "../vectors/interop/libcoap-server.json" with { type: "json" };
import {
  bytesOf,
  expectSilence,
  innerOf,
  messageOf,
  presetOf,
  protectedContentOf,
  type RecordedContext,
  type RecordedDatagram,
  recordedRandom,
  STATION,
  UDP_TRAITS,
  valuesIn,
} from "./recording.ts";
import { servedIn } from "./served.ts";

interface RecordedAsk {
  readonly firstNumber: number;
  /** Present for an ask for notifications. */
  readonly watch?: boolean;
  /** `answer`, `refused`; `ended` by the head-end, for a watch. */
  readonly outcome: string;
  readonly datagrams: readonly RecordedDatagram[];
}

const ASK_MS = 60_000;
/** What the asking end adds to a request. */
const OF_THE_CLIENT = [
  ...[OPTION.observe, OPTION.block1, OPTION.block2, OPTION.size1],
  ...[OPTION.echo, OPTION.requestTag],
];

/**
 * A head-end as it asked then. Its tokens and Message IDs are others now, which OSCORE does not
 * protect: recorded answers come under those of the request that they belong to.
 */
class ReplayedHeadEnd {
  readonly #client: SecureClient;
  readonly #ask: number | undefined;
  readonly #tokens = new Map<string, Uint8Array>();
  readonly #messageIds = new Map<number, number>();
  #nowMs = 0;

  constructor(context: RecordedContext, { firstNumber, watch, datagrams }: RecordedAsk) {
    this.#client = new SecureClient({
      crypto: opensslEngine,
      random: recordedRandom({ "request-tag": valuesIn(datagrams, "client", OPTION.requestTag) }),
      traits: UDP_TRAITS,
      identity: identity("head-end", "H"),
      trust: new TrustList([]),
      preset: presetOf(context, "client", firstNumber),
    });
    const [first] = datagrams;
    const asked = servedIn(datagrams)[0]?.request ?? (first && protectedContentOf(first));
    if (asked === undefined) throw new Error("a recording without a request");
    const ask = { to: STATION, content: withoutOptions(asked, ...OF_THE_CLIENT), untilMs: ASK_MS };
    this.#ask = watch ? this.#client.watch(0, ask) : this.#client.ask(0, ask);
  }

  replay(datagrams: readonly RecordedDatagram[]): ClientEvent[] {
    const events: ClientEvent[] = [];
    for (const datagram of datagrams) {
      const { from, bytes, lost = false } = datagram;
      const recorded = messageOf(bytesOf(bytes));
      if (from === "client" && isEnd(protectedContentOf(datagram)))
        this.#client.unwatch(this.#nowMs, this.#ask ?? 0);
      if (from === "client") this.#expectSent(recorded);
      else if (!lost) this.#client.receive(this.#nowMs, STATION, encodeMessage(this.#underOurs(recorded)));
      events.push(...this.#events());
    }
    while (events.length === 0 && this.#wake()) events.push(...this.#events());
    expectSilence(this.#client);
    return events;
  }

  #events(): ClientEvent[] {
    const event = this.#client.nextEvent();
    return event === undefined ? [] : [event, ...this.#events()];
  }

  #expectSent(recorded: CoapMessage): void {
    let datagram = this.#client.nextDatagram();
    while (datagram === undefined && this.#wake()) datagram = this.#client.nextDatagram();
    const sent = messageOf(datagram?.bytes ?? new Uint8Array());
    this.#tokens.set(toHex(recorded.token), sent.token);
    if (recorded.code !== CODE.empty) this.#messageIds.set(recorded.messageId, sent.messageId);
    expect(toHex(encodeMessage(sent))).toBe(toHex(encodeMessage(this.#underOurs(recorded))));
  }

  /** Their confirmable messages, and our ACK or RST to them, keep the Message ID that they chose. */
  #underOurs(recorded: CoapMessage): CoapMessage {
    const token = this.#tokens.get(toHex(recorded.token)) ?? recorded.token;
    return { ...recorded, token, messageId: this.#messageIds.get(recorded.messageId) ?? recorded.messageId };
  }

  #wake(): boolean {
    const nextMs = this.#client.nextWakeMs();
    if (nextMs === undefined) return false;
    this.#nowMs = nextMs;
    this.#client.wake(nextMs);
    return true;
  }
}

/** True for the request that ends a watch. */
function isEnd(content: CoapContent | undefined): boolean {
  return content !== undefined && findOption(content, OPTION.observe)?.[0] === 1;
}

/** What the head-end tells, in hex of the plaintexts: of a watch all but the answer to its end. */
function toldIn({ watch = false, datagrams }: RecordedAsk): string[] {
  const served = servedIn(datagrams).filter(({ request }) => !isEnd(request));
  const answers = watch ? served.flatMap((one) => one.answers) : (served.at(-1)?.answers ?? []);
  return answers.map((answer) => innerOf(withoutOptions(answer, OPTION.block1, OPTION.block2)));
}

describe.each([libcoap, aiocoap])("$peer as a server that our head-end asks", ({ context, asks }) => {
  test.each(asks as readonly RecordedAsk[])("$what", (ask) => {
    const events = new ReplayedHeadEnd(context, ask).replay(ask.datagrams);
    if (ask.outcome === "refused") {
      expect(events).toMatchObject([{ kind: "failed", reason: "refused" }]);
      return;
    }
    const told = events.map((event) => (event.kind === "failed" ? event.reason : innerOf(event.content)));
    expect(told).toEqual(toldIn(ask));
    const last = ask.outcome === "ended" ? "notification" : "answer";
    expect(events.map(({ kind }) => kind)).toEqual(
      told.map((_, i) => (i < told.length - 1 ? "notification" : last)),
    );
  });
});
