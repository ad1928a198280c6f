// One head-end and its meters, and somebody on every line between them, who reads, drops, delays, swaps,
// rewrites and injects whatever he likes.
import { type Identity, newIdentity } from "../../firmware/identity/identity.ts";
import { TrustList } from "../../firmware/identity/trust.ts";
import type { ClientEvent } from "../../firmware/protocol/asks.ts";
import { decodeMessage, encodeMessage } from "../../firmware/protocol/coap/codec.ts";
import {
  answerWith,
  CODE,
  type CoapContent,
  type CoapMessage,
  FORMAT,
  findOption,
  OPTION,
  resourceRequest,
} from "../../firmware/protocol/coap/message.ts";
import type { Credential } from "../../firmware/protocol/cose/credential.ts";
import { Drive } from "../../firmware/protocol/drive.ts";
import type { KeyLimits } from "../../firmware/protocol/oscore/key-use.ts";
import { SecureClient } from "../../firmware/protocol/secure-client.ts";
import { SecureServer, type ServerEvent } from "../../firmware/protocol/secure-server.ts";
import type { PresetContext } from "../../firmware/protocol/sessions.ts";
import { SeededRandom } from "../../hal/emulated/seeded-random.ts";
import { VirtualClock } from "../../hal/emulated/virtual-clock.ts";
import { opensslEngine } from "../../hal/node/openssl.ts";
import type { CryptoEngine } from "../../hal/ports/crypto.ts";
import type { Link, LinkListener, LinkTraits, Station } from "../../hal/ports/link.ts";
import { identity } from "../support/secured-line.ts";

export const HEAD_END: Station = "head-end";
/** A register request by number, as any body that the meters of a village give back. */
export const BODY: Uint8Array = Uint8Array.of(0x81, 0x00);

const LATENCY_MS = 1;
const TRAITS: LinkTraits = {
  mtuBytes: 1152,
  bitsPerSecond: undefined,
  bitsPerByte: 8,
  framingBytes: 0,
  roundTripMs: 2 * LATENCY_MS,
  halfDuplex: false,
  addressing: "station",
};

/** A datagram on its way; stations are the head-end, a meter's name, or whatever the attacker writes. */
export interface Packet {
  readonly from: Station;
  readonly to: Station;
  readonly bytes: Uint8Array;
  /** How much later than usual it arrives. */
  readonly lateMs?: number;
}

export interface VillageOptions {
  /** Names of the meters and who stands behind each; one meter M1 unless given. */
  readonly meters?: Readonly<Record<Station, Identity>>;
  readonly headEnd?: Identity;
  /** Whom the meters serve; the head-end unless given. */
  readonly served?: readonly Credential[];
  /** Whom the head-end knows; the meters unless given. */
  readonly enrolled?: readonly Credential[];
  /** Each meter's context of beforehand, made anew at each start. */
  readonly meterPreset?: () => PresetContext;
  readonly headEndPreset?: PresetContext;
  /** What a session's keys may do at each end, where it is not the usual. */
  readonly meterKeys?: Partial<KeyLimits>;
  readonly headEndKeys?: Partial<KeyLimits>;
  readonly crypto?: CryptoEngine;
  /** What the meters answer to the content of a request; by default its body. */
  readonly serve?: (content: CoapContent, meter: Station) => CoapContent;
  readonly seed?: number;
  /** What its lines carry at once, in bytes; 1152 unless given. */
  readonly mtuBytes?: number;
}

/** One meter as the test sees it. */
export interface VillageMeter {
  /** Bodies that its handler was called with. */
  readonly served: Uint8Array[];
  readonly events: ServerEvent[];
  server: SecureServer;
  /** Whom it serves since its last start. */
  readonly trust: TrustList;
  /** A power cut: what it had in memory is gone. */
  restart(): void;
}

export class Village {
  readonly clock = new VirtualClock({ utcMs: Date.UTC(2026, 10, 24) });
  /** All that was sent, before the attacker had it. */
  readonly sent: Packet[] = [];
  readonly events: ClientEvent[] = [];
  /** What arrives in place of a packet. */
  between: (packet: Packet) => readonly Packet[] = (packet) => [packet];
  /** Whom the head-end knows since its last start. */
  trust: TrustList = new TrustList();
  readonly #options: VillageOptions;
  readonly #random: SeededRandom;
  readonly #crypto: CryptoEngine;
  readonly #headEndIdentity: Identity;
  readonly #identities: Readonly<Record<Station, Identity>>;
  readonly #listeners = new Map<Station, LinkListener>();
  readonly #meters = new Map<Station, VillageMeter>();
  #client: SecureClient;
  #drive: Drive<ClientEvent>;
  readonly #traits: LinkTraits;
  #starts = 0;

  constructor(options: VillageOptions = {}) {
    this.#options = options;
    this.#traits = { ...TRAITS, mtuBytes: options.mtuBytes ?? TRAITS.mtuBytes };
    this.#random = new SeededRandom(options.seed ?? 1);
    this.#crypto = options.crypto ?? opensslEngine;
    this.#headEndIdentity = options.headEnd ?? identity("head-end", "H");
    this.#identities = options.meters ?? { M1: identity("meter", "M1") };
    for (const name of Object.keys(this.#identities)) this.#meters.set(name, this.#newMeter(name));
    [this.#client, this.#drive] = this.#newHeadEnd();
  }

  /** The only meter, or the one of this name. */
  meter(name: Station = "M1"): VillageMeter {
    const meter = this.#meters.get(name);
    if (meter === undefined) throw new Error(`there is no meter ${name}`);
    return meter;
  }

  /** The head-end's program was killed and starts again: sessions, tokens and asks are gone. */
  restartHeadEnd(): void {
    this.#drive.stop();
    this.events.length = 0;
    [this.#client, this.#drive] = this.#newHeadEnd();
  }

  /** Asks a meter to give a body back, without waiting; the number of the ask. */
  askLater(to: Station = "M1", body = BODY, options: AskOptions = {}): number {
    const { expect, withinMs = 8000, code = CODE.fetch } = options;
    const nowMs = this.clock.monotonicMs();
    const ask = this.#client.ask(nowMs, {
      to,
      content: resourceRequest(code, "r", body),
      untilMs: nowMs + withinMs,
      ...(expect !== undefined && { expect }),
    });
    this.#drive.run();
    if (ask === undefined) throw new Error("too many asks");
    return ask;
  }

  /** The same, and waits; how it ended. */
  ask(to?: Station, body?: Uint8Array, options?: AskOptions): ClientEvent {
    const ask = this.askLater(to, body, options);
    const end = (): ClientEvent | undefined => this.events.find((event) => event.ask === ask);
    this.clock.runUntil(() => end() !== undefined, (options?.withinMs ?? 8000) + 1000);
    return end() ?? fail(`ask ${ask} has no end`);
  }

  /** The attacker sends something of his own, which he does not read again himself. */
  inject(packet: Packet): void {
    this.#deliver(packet);
  }

  /** Injects a packet to the meter as from the head-end, and gives what the meter sends within a second or so. */
  injectAndListen(
    bytes: Uint8Array,
    from: Station = HEAD_END,
    to: Station = "M1",
    withinMs = 1000,
  ): Uint8Array[] {
    const before = this.sent.length;
    this.inject({ from, to, bytes });
    this.clock.advanceBy(withinMs);
    return this.sent
      .slice(before)
      .filter((packet) => packet.from === to && packet.to === from)
      .map(({ bytes }) => bytes);
  }

  /** Reasons of all refusals that a meter told. */
  refusals(name?: Station): string[] {
    return this.meter(name).events.flatMap((event) => (event.kind === "refused" ? [event.reason] : []));
  }

  /** How many handshakes a meter completed. */
  sessions(name?: Station): number {
    return this.meter(name).events.filter(({ kind }) => kind === "session").length;
  }

  #newHeadEnd(): [SecureClient, Drive<ClientEvent>] {
    const { enrolled = Object.values(this.#identities).map(({ credential }) => credential) } = this.#options;
    this.trust = new TrustList(enrolled);
    const client = new SecureClient({
      crypto: this.#crypto,
      random: this.#random.fork(`head-end ${this.#starts++}`),
      traits: this.#traits,
      identity: this.#headEndIdentity,
      trust: this.trust,
      ...(this.#options.headEndKeys && { keyLimits: this.#options.headEndKeys }),
      ...(this.#options.headEndPreset && { preset: this.#options.headEndPreset }),
    });
    const drive = new Drive(client, this.#linkOf(HEAD_END), this.clock, (event) => this.events.push(event));
    return [client, drive];
  }

  #newMeter(name: Station): VillageMeter {
    const served: Uint8Array[] = [];
    const events: ServerEvent[] = [];
    const start = (): [SecureServer, Drive<ServerEvent>, TrustList] => {
      const trust = new TrustList(this.#options.served ?? [this.#headEndIdentity.credential]);
      const server = this.#newServer(name, served, trust);
      const drive = new Drive(server, this.#linkOf(name), this.clock, (event) => events.push(event));
      return [server, drive, trust];
    };
    let [server, drive, trust] = start();
    return {
      served,
      events,
      get server() {
        return server;
      },
      get trust() {
        return trust;
      },
      restart() {
        drive.stop();
        [server, drive, trust] = start();
      },
    };
  }

  #newServer(name: Station, served: Uint8Array[], trust: TrustList): SecureServer {
    const { meterPreset, serve = ({ payload }) => answerWith(CODE.content, FORMAT.cbor, payload) } =
      this.#options;
    return new SecureServer({
      crypto: this.#crypto,
      random: this.#random.fork(`meter ${name} ${this.#starts++}`),
      traits: this.#traits,
      identity: this.#identities[name] ?? fail(name),
      trust,
      ...(this.#options.meterKeys && { keyLimits: this.#options.meterKeys }),
      ...(meterPreset && { presets: [meterPreset()] }),
      resources: {
        links: [{ path: "r" }],
        serve: ({ content }) => {
          served.push(content.payload);
          return serve(content, name);
        },
      },
    });
  }

  /** A station's end; the one that listens last has it. */
  #linkOf(station: Station): Link {
    return {
      traits: this.#traits,
      counters: { sentDatagrams: 0, receivedDatagrams: 0, rejected: {} },
      send: (to, bytes) => {
        const packet = { from: station, to, bytes: bytes.slice() };
        this.sent.push(packet);
        for (const out of this.between(packet)) this.#deliver(out);
        return "queued";
      },
      listen: (listener) => void this.#listeners.set(station, listener),
      close: () => {},
    };
  }

  #deliver({ from, to, bytes, lateMs = 0 }: Packet): void {
    this.clock.after(LATENCY_MS + lateMs, () =>
      this.#listeners.get(to)?.datagram(from, Uint8Array.from(bytes)),
    );
  }
}

export interface AskOptions {
  readonly expect?: string;
  readonly withinMs?: number;
  /** The method; FETCH unless given. */
  readonly code?: number;
}

/** The CoAP message that a datagram must be. */
export function messageOf(bytes: Uint8Array | undefined): CoapMessage {
  const message = decodeMessage(bytes ?? new Uint8Array(0));
  if ("error" in message) throw new Error(`no message: ${message.error}`);
  return message;
}

/** The datagram with parts of its message changed. */
export function rewritten(bytes: Uint8Array | undefined, changes: Partial<CoapMessage>): Uint8Array {
  return encodeMessage({ ...messageOf(bytes), ...changes });
}

/** The same message as new to CoAP: what a copy of it would be answered with does not apply. */
export function asNew(bytes: Uint8Array | undefined): Uint8Array {
  return rewritten(bytes, { messageId: (messageOf(bytes).messageId + 0x4000) & 0xffff });
}

/** True for a request of EDHOC alone: message_1, as the head-end sends it. */
export function isMessage1({ from, bytes }: Packet): boolean {
  return from === HEAD_END && findOption(messageOf(bytes), OPTION.oscore) === undefined && bytes.length > 40;
}

/** True for a request that carries message_3. */
export function isMessage3({ from, bytes }: Packet): boolean {
  return from === HEAD_END && findOption(messageOf(bytes), OPTION.edhoc) !== undefined;
}

/** True for an answer of a meter with message_2. */
export function isMessage2({ from, bytes }: Packet): boolean {
  const message = messageOf(bytes);
  return from !== HEAD_END && message.code === CODE.changed && !findOption(message, OPTION.oscore);
}

/** A fresh development identity; another seed is another key. */
export function meterOf(id: string, seed = id, suite = 2): Identity {
  return newIdentity(opensslEngine, new SeededRandom(seed), { role: "meter", id, development: true, suite });
}

function fail(why: string): never {
  throw new Error(why);
}
