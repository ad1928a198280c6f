// A meter and a head-end as they are without a runtime: the real server, client, journal and session store, on a line that takes
// a millisecond each way, and on a clock that jumps.
import { TrustList } from "../../firmware/identity/trust.ts";
import { Journal } from "../../firmware/journal/journal.ts";
import type { ClientKeeping } from "../../firmware/protocol/asking-sessions.ts";
import type { ClientEvent } from "../../firmware/protocol/asks.ts";
import type { CborValue } from "../../firmware/protocol/cbor.ts";
import { answerWith, CODE, FORMAT, resourceRequest } from "../../firmware/protocol/coap/message.ts";
import type { Credential } from "../../firmware/protocol/cose/credential.ts";
import type { Endpoint } from "../../firmware/protocol/endpoint.ts";
import type { EpochMemory } from "../../firmware/protocol/epochs.ts";
import type { ServerKeeping } from "../../firmware/protocol/kept-sessions.ts";
import { SecureClient } from "../../firmware/protocol/secure-client.ts";
import { SecureServer } from "../../firmware/protocol/secure-server.ts";
import { SESSION_RULES, SessionState } from "../../firmware/session-state.ts";
import { SeededRandom } from "../../hal/emulated/seeded-random.ts";
import type { CryptoEngine } from "../../hal/ports/crypto.ts";
import { LINE, type LinkTraits } from "../../hal/ports/link.ts";
import type { Random } from "../../hal/ports/random.ts";
import { type MemoryStorage, PowerCut } from "../../hal/storage/memory-storage.ts";
import { identity } from "../support/secured-line.ts";

export const LATENCY_MS = 1;
export const TRAITS: LinkTraits = {
  mtuBytes: 1152,
  bitsPerSecond: undefined,
  bitsPerByte: 8,
  framingBytes: 0,
  roundTripMs: 2 * LATENCY_MS,
  halfDuplex: false,
  addressing: "station",
};
const START_UTC_MS = Date.UTC(2026, 10, 24);
/** Whoever observes is told this often. */
export const PERIOD_MS = 500;
const DELIVERED_MAX = 40;
const METER = identity("meter", "M1");
const HEAD_END = identity("head-end", "H");

/** The head-end's process is killed, in the middle of what it does. */
export class Killed extends Error {}

/** What the ends stand on; a mutant stands on something else. */
export interface LineParts {
  readonly seed: string;
  readonly crypto: CryptoEngine;
  readonly storage: MemoryStorage;
  readonly epochs: EpochMemory;
  readonly headEndFiles: ClientKeeping;
  readonly keepingOf?: ((keeping: ServerKeeping) => ServerKeeping) | undefined;
  readonly meterRandomOf?: ((random: Random) => Random) | undefined;
  /** Whom the meter serves at its next start; the head-end unless given. */
  readonly served?: () => readonly Credential[];
  /** Sees what is sent. */
  readonly tap?: (from: "meter" | "head-end", bytes: Uint8Array) => void;
}

interface Packet {
  readonly atMs: number;
  readonly to: "meter" | "head-end";
  readonly bytes: Uint8Array;
  /** Somebody sends it again, as if it were new. */
  readonly isReplay?: true;
}

/** Both ends, of which each can go at any time. */
export class Line {
  nowMs = 0;
  readonly events: ClientEvent[] = [];
  /** How often the meter's handler was called. */
  served = 0;
  /** Requests that came to a meter that was on; the last of them. */
  readonly delivered: Uint8Array[] = [];
  replaysServed = 0;
  /** Starts of the storage that the meter is on, as far as it knows. */
  meterStarts = 0;
  storage: MemoryStorage;
  client: SecureClient;
  readonly #parts: LineParts;
  readonly #random: SeededRandom;
  #server: SecureServer | undefined;
  #packets: Packet[] = [];
  #lives = 0;

  constructor(parts: LineParts) {
    this.#parts = parts;
    this.#random = new SeededRandom(parts.seed);
    this.storage = parts.storage;
    this.client = this.#newClient();
  }

  utcMs(): number {
    return START_UTC_MS + this.nowMs;
  }

  get isMeterOn(): boolean {
    return this.#server !== undefined;
  }

  /** The supply is back; false where it went again before the meter was up. */
  startMeter(storage: MemoryStorage): boolean {
    this.storage = storage;
    this.#packets = this.#packets.filter(({ to }) => to !== "meter");
    this.#guarded(() => {
      this.#server = this.#newServer(storage);
    });
    return this.isMeterOn;
  }

  cutMeter(): void {
    this.#server = undefined;
  }

  startHeadEnd(): void {
    this.client = this.#newClient();
    this.#packets = this.#packets.filter(({ to }) => to !== "head-end");
  }

  /** Asks the meter to give a body back. */
  ask(body: Uint8Array, withinMs: number, code: number = CODE.fetch): number {
    const content = resourceRequest(code, "r", body);
    const id = this.client.ask(this.nowMs, { to: LINE, content, untilMs: this.nowMs + withinMs });
    if (id === undefined) throw new Error("too many asks");
    return id;
  }

  watch(withinMs: number): number | undefined {
    return this.client.watch(this.nowMs, {
      to: LINE,
      content: resourceRequest(CODE.get, "r"),
      untilMs: this.nowMs + withinMs,
    });
  }

  /** Somebody on the line sends this to the meter again. */
  replay(bytes: Uint8Array): void {
    this.#packets.unshift({ atMs: this.nowMs, to: "meter", bytes, isReplay: true });
  }

  /** Lets time pass, until `isDone` if that is sooner. Throws what ends the head-end's process. */
  run(forMs: number, isDone: () => boolean = () => false): void {
    const untilMs = this.nowMs + forMs;
    for (;;) {
      while (this.#empty("head-end", this.client) || this.#empty("meter", this.#server));
      if (isDone()) return;
      const nextMs = this.#nextMs();
      if (nextMs > untilMs) break;
      this.nowMs = Math.max(this.nowMs, nextMs);
      this.#actOnce();
    }
    this.nowMs = untilMs;
  }

  #nextMs(): number {
    const ends = [this.client.nextWakeMs(), this.#server?.nextWakeMs(), this.#packets[0]?.atMs];
    return Math.min(...ends.map((ms) => ms ?? Number.POSITIVE_INFINITY));
  }

  #actOnce(): void {
    const due = (ms: number | undefined): boolean => ms !== undefined && ms <= this.nowMs;
    if (due(this.#packets[0]?.atMs)) return this.#deliver(this.#packets.shift() as Packet);
    if (due(this.client.nextWakeMs())) this.client.wake(this.nowMs);
    if (due(this.#server?.nextWakeMs())) this.#guarded(() => this.#server?.wake(this.nowMs));
  }

  #deliver({ to, bytes, isReplay }: Packet): void {
    if (to === "head-end") return this.client.receive(this.nowMs, LINE, bytes);
    const servedBefore = this.served;
    this.#guarded(() => this.#server?.receive(this.nowMs, LINE, bytes));
    if (isReplay && this.served > servedBefore) this.replaysServed++;
    if (isReplay || this.#server === undefined) return;
    this.delivered.push(bytes);
    if (this.delivered.length > DELIVERED_MAX) this.delivered.shift();
  }

  /** Whatever the meter was about to send when the power went is not sent. */
  #guarded(work: () => void): void {
    try {
      work();
    } catch (error) {
      if (!(error instanceof PowerCut)) throw error;
      this.cutMeter();
    }
  }

  #empty(from: "meter" | "head-end", end: Endpoint<unknown> | undefined): boolean {
    let found = false;
    for (let out = end?.nextDatagram(); out !== undefined; out = end?.nextDatagram()) {
      const to = from === "meter" ? "head-end" : "meter";
      this.#parts.tap?.(from, out.bytes);
      this.#packets.push({ atMs: this.nowMs + LATENCY_MS, to, bytes: out.bytes.slice() });
      found = true;
    }
    for (let event = end?.nextEvent(); event !== undefined; event = end?.nextEvent()) {
      if (from === "head-end") this.events.push(event as ClientEvent);
      found = true;
    }
    return found;
  }

  #newClient(): SecureClient {
    const { crypto, headEndFiles, epochs } = this.#parts;
    return new SecureClient({
      ...{ crypto, epochs, traits: TRAITS, identity: HEAD_END },
      random: this.#random.fork(`head-end ${this.#lives++}`),
      trust: new TrustList([METER.credential]),
      keeping: headEndFiles,
    });
  }

  #newServer(storage: MemoryStorage): SecureServer {
    const { crypto, keepingOf = (keeping) => keeping, meterRandomOf = (random) => random } = this.#parts;
    const { served = () => [HEAD_END.credential] } = this.#parts;
    const sessions = sessionStateOn(storage);
    this.meterStarts = sessions.starts ?? this.meterStarts;
    const keeping: ServerKeeping = {
      ...{ starts: sessions.starts, startMs: this.nowMs },
      kept: () => sessions.kept(),
      save: (kept) => sessions.save(kept),
      utcMs: () => this.utcMs(),
    };
    return new SecureServer({
      ...{ crypto, traits: TRAITS, identity: METER, trust: new TrustList(served()) },
      random: meterRandomOf(this.#random.fork(`meter ${this.#lives++}`)),
      keeping: keepingOf(keeping),
      resources: {
        links: [],
        serve: ({ content }) => {
          this.served++;
          return content.code === CODE.put
            ? answerWith(CODE.changed, FORMAT.cbor, content.payload)
            : answerWith(CODE.content, FORMAT.cbor, content.payload);
        },
        observe: () => ({
          answer: () => answerWith(CODE.content, FORMAT.cbor, Uint8Array.of(0)),
          hasNews: () => false,
          atLatestMs: PERIOD_MS,
          atSoonestMs: PERIOD_MS,
        }),
      },
    });
  }
}

/** A meter's own store of sessions, alone in its journal. */
function sessionStateOn(storage: MemoryStorage): SessionState {
  const found = new Map<number, CborValue>();
  const journal = Journal.open(storage, {
    rules: SESSION_RULES,
    onRecovered: ({ kind, value }) => void found.set(kind, value),
  });
  const isDamaged = journal.recovery.damage.length > 0;
  return new SessionState({ found, isDamaged, append: (records) => journal.append(records) });
}
