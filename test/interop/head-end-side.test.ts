// Our head-end asks as it asked other implementations, and takes the answers that they gave then.
import { describe, expect, test } from "vitest";
import { TrustList } from "../../firmware/identity/trust.ts";
import type { ClientEvent } from "../../firmware/protocol/asks.ts";
import { toHex } from "../../firmware/protocol/bytes.ts";
import { CODE, type CoapMessage, encodeMessage } from "../../firmware/protocol/coap/message.ts";
import { SecureClient } from "../../firmware/protocol/secure-client.ts";
import { SeededRandom } from "../../hal/emulated/seeded-random.ts";
import { opensslEngine } from "../../hal/node/openssl.ts";
import { identity } from "../support/secured-line.ts";
import aiocoap from "../vectors/interop/aiocoap-server.json" with { type: "json" };
import libcoap from "../vectors/interop/libcoap-server.json" with { type: "json" };
import {
  bytesOf,
  contentOf,
  expectSilence,
  innerOf,
  messageOf,
  presetOf,
  type RecordedContext,
  type RecordedDatagram,
  STATION,
  UDP_TRAITS,
} from "./recording.ts";

interface RecordedAsk {
  readonly firstNumber: number;
  readonly outcome: string;
  readonly datagrams: readonly RecordedDatagram[];
}

const ASK_MS = 60_000;

/**
 * A head-end as it asked then. Its tokens and Message IDs are others now, which OSCORE does not
 * protect: recorded answers come under those of the request that they belong to.
 */
class ReplayedHeadEnd {
  readonly #client: SecureClient;
  readonly #tokens = new Map<string, Uint8Array>();
  readonly #messageIds = new Map<number, number>();
  #nowMs = 0;

  constructor(context: RecordedContext, { firstNumber, datagrams }: RecordedAsk) {
    this.#client = new SecureClient({
      crypto: opensslEngine,
      random: new SeededRandom("replay"),
      traits: UDP_TRAITS,
      identity: identity("head-end", "H"),
      trust: new TrustList([]),
      preset: presetOf(context, "client", firstNumber),
    });
    const content = contentOf(datagrams[0]?.inner ?? "");
    this.#client.ask(0, { to: STATION, content, untilMs: ASK_MS });
  }

  replay(datagrams: readonly RecordedDatagram[]): ClientEvent | undefined {
    for (const { from, bytes, lost = false } of datagrams) {
      const recorded = messageOf(bytesOf(bytes));
      if (from === "client") this.#expectSent(recorded);
      else if (!lost) this.#client.receive(this.#nowMs, STATION, encodeMessage(this.#underOurs(recorded)));
    }
    let event = this.#client.nextEvent();
    while (event === undefined && this.#wake()) event = this.#client.nextEvent();
    expectSilence(this.#client);
    return event;
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

describe.each([libcoap, aiocoap])("$peer as a server that our head-end asks", ({ context, asks }) => {
  test.each(asks)("$what", (ask) => {
    const event = new ReplayedHeadEnd(context, ask).replay(ask.datagrams);
    if (ask.outcome === "refused") {
      expect(event).toMatchObject({ kind: "failed", reason: "refused" });
      return;
    }
    if (event?.kind !== "answer") throw new Error(`no answer but ${JSON.stringify(event)}`);
    const answer = ask.datagrams.findLast(({ from, inner }) => from === "server" && inner !== undefined);
    expect(innerOf(event.content)).toBe(answer?.inner);
  });
});
