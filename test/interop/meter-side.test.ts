// Requests that other implementations sent to our meter are answered byte for byte as they were then.
import { describe, expect, test } from "vitest";
import { TrustList } from "../../firmware/identity/trust.ts";
import { toHex } from "../../firmware/protocol/bytes.ts";
import { SecureServer, type ServedRequest } from "../../firmware/protocol/secure-server.ts";
import { nobleEngine } from "../../hal/crypto/noble.ts";
import { SeededRandom } from "../../hal/emulated/seeded-random.ts";
import type { Random } from "../../hal/ports/random.ts";
import { fixedRandom } from "../firmware/protocol/edhoc/ends.ts";
import { identity } from "../support/secured-line.ts";
import aiocoap from "../vectors/interop/aiocoap-client.json" with { type: "json" };
import libcoap from "../vectors/interop/libcoap-client.json" with { type: "json" };
import {
  bytesOf,
  contentOf,
  expectSilence,
  innerOf,
  presetOf,
  type RecordedContext,
  type RecordedDatagram,
  STATION,
  UDP_TRAITS,
} from "./recording.ts";

interface RecordedStart {
  readonly firstNumber: number;
  /** What the meter wanted to be repeated. */
  readonly echo: string;
  readonly exchanges: readonly { readonly what: string; readonly datagrams: readonly RecordedDatagram[] }[];
}

/** The links of the meter when it was recorded. */
const LINKS = [...["r", "p", "i"].map((path) => ({ path })), { path: "k", attributes: { rt: "core.edhoc" } }];

/** Chance that gives the Echo of then; no other draw shows in a recording. */
function randomWithEcho(echo: string): Random {
  const random = new SeededRandom("replay");
  return {
    bytes: (length) => random.bytes(length),
    fork: (name) => (name === "echo" ? fixedRandom(bytesOf(echo)) : random.fork(name)),
  };
}

/** A meter as it started then, whose resources answer as recorded. */
class ReplayedMeter {
  readonly server: SecureServer;
  readonly served: string[] = [];
  #answer = "";

  constructor(context: RecordedContext, { firstNumber, echo }: RecordedStart) {
    this.server = new SecureServer({
      crypto: nobleEngine,
      random: randomWithEcho(echo),
      traits: UDP_TRAITS,
      identity: identity("meter", "M1"),
      trust: new TrustList([]),
      presets: [presetOf(context, "server", firstNumber)],
      resources: { links: LINKS, serve: (request) => this.#serve(request) },
    });
  }

  replay(datagrams: readonly RecordedDatagram[]): void {
    this.#answer = datagrams.at(-1)?.inner ?? "";
    for (const { from, bytes, lost = false } of datagrams) {
      if (from === "server") expect(this.#nextHex()).toBe(bytes);
      else if (!lost) this.server.receive(0, STATION, bytesOf(bytes));
    }
    expectSilence(this.server);
  }

  #serve({ content }: ServedRequest) {
    this.served.push(innerOf(content));
    return contentOf(this.#answer);
  }

  #nextHex(): string {
    const datagram = this.server.nextDatagram();
    return datagram === undefined ? "nothing" : toHex(datagram.bytes);
  }
}

/** The requests of an exchange that a resource must have seen, each once however often it was repeated. */
function expectedToBeServed(datagrams: readonly RecordedDatagram[]): string[] {
  const request = datagrams.findLast(({ from }) => from === "client")?.inner ?? "";
  const answer = datagrams.at(-1)?.inner;
  const isForLinks = request.includes(toHex(new TextEncoder().encode(".well-known")));
  return answer === undefined || isForLinks ? [] : [request];
}

describe.each([libcoap, aiocoap])("$peer as a client of our meter", ({ context, starts }) => {
  test.each(
    starts.map((start, i) => ({ when: i === 0 ? "at its first start" : "at its next start", start })),
  )("is answered $when as it was recorded", ({ start }) => {
    const meter = new ReplayedMeter(context, start);
    for (const { what, datagrams } of start.exchanges) {
      meter.served.length = 0;
      meter.replay(datagrams);
      expect(meter.served, what).toEqual(expectedToBeServed(datagrams));
    }
  });
});
