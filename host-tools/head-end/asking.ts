// Questions of a head-end, from being asked to their answers: the one client on its link, and what drives it.
import type { Identity } from "../../firmware/identity/identity.ts";
import type { TrustList } from "../../firmware/identity/trust.ts";
import type { OtherAsker, SharedCoap } from "../../firmware/protocol/asking-requests.ts";
import type { ClientKeeping } from "../../firmware/protocol/asking-sessions.ts";
import type { Ask, ClientEvent, HandshakeSize, Proved } from "../../firmware/protocol/asks.ts";
import { CODE } from "../../firmware/protocol/coap/message.ts";
import type { Credential } from "../../firmware/protocol/cose/credential.ts";
import { Drive } from "../../firmware/protocol/drive.ts";
import type { EpochMemory } from "../../firmware/protocol/epochs.ts";
import { SecureClient } from "../../firmware/protocol/secure-client.ts";
import type { PresetContext } from "../../firmware/protocol/sessions.ts";
import type { Clock } from "../../hal/ports/clock.ts";
import type { CryptoEngine } from "../../hal/ports/crypto.ts";
import type { Link, LinkTraits, Station } from "../../hal/ports/link.ts";
import type { Random } from "../../hal/ports/random.ts";
import { failure, unknownForm, unwanted, withinMs } from "./failures.ts";
import { GuardedEpochs } from "./guarded-epochs.ts";
import { type StopWatch, type Watcher, Watching, type WatchPlan } from "./watching.ts";

/** Whom to ask, how people call it, which meter must be there, and how long to wait for each answer. */
export interface Target {
  readonly station: Station;
  /** What whoever is at that station, and forwards for the meter, knows the meter by; nobody forwards without it. */
  readonly host?: string;
  readonly name: string;
  readonly expect?: string;
  readonly timeoutMs: number;
  /** How late the answer may be: until then the meter is asked again and again. At most {@link TOLERANCE_SECONDS_MAX}. */
  readonly toleranceSeconds?: number;
  /** True where whoever forwards has seen this head-end prove itself for its operator: he may keep requests so long. */
  readonly isOperator?: boolean;
  /** True where a DAP itself is asked, and no meter. */
  readonly isDap?: boolean;
}

const ONLY_CONTENT: readonly number[] = [CODE.content];
/** A week: a session's keys live for a day, and are made anew meanwhile. */
export const TOLERANCE_SECONDS_MAX = 604_800;

/** What one or more exchanges took: CoAP bytes without those of a handshake, and time. */
export interface ExchangeSize {
  readonly requestBytes: number;
  readonly responseBytes: number;
  readonly milliseconds: number;
  /** Present where these exchanges began with a handshake. */
  readonly handshake?: HandshakeSize;
}

/** An answer whose sender proved to be `meter`. */
export interface Answer<Body> {
  readonly meter: string;
  readonly body: Body;
  readonly size: ExchangeSize;
}

/** What a head-end stands on, and whom it serves. */
export interface HeadEndParts {
  readonly link: Link;
  readonly clock: Clock;
  readonly crypto: CryptoEngine;
  readonly random: Random;
  readonly identity: Identity;
  readonly trust: TrustList;
  /** Called before each ask, and as a watch is told of, to bring `trust` up to date; what it throws is how that ends. */
  readonly refreshTrust?: () => void;
  /** A context that needs no EDHOC; development only. */
  readonly preset?: PresetContext;
  /** Told whenever a meter has proved its key in a handshake, with its name at whoever forwards to it, where somebody does. */
  readonly onProved?: (meter: Credential, host: string | undefined) => void;
  /** Where sessions outlive this head-end; without it they end with it. */
  readonly keeping?: ClientKeeping | undefined;
  /** Remembers which starts meters have told of, as a {@link Registry} does; without it, as long as this head-end lives. */
  readonly epochs?: EpochMemory | undefined;
}

/** What to ask, and how long the answer will be at the most, where that is known. */
type Question = Pick<Ask, "content" | "answerBytes" | "nextKey" | "needsNewSession">;

/** A head-end's CoAP as another asker shares it. */
export interface SharedLine {
  readonly coap: SharedCoap;
  readonly traits: LinkTraits;
  /** To be called after requests were made, but from inside the asker's own methods. */
  run(): void;
}

type Outcome = Exclude<ClientEvent, { kind: "notification" }>;

/** Asks over one link, whoever is meant. */
export class Asking {
  readonly #client: SecureClient;
  readonly #drive: Drive<ClientEvent>;
  readonly #clock: Clock;
  readonly #traits: LinkTraits;
  readonly #onProved: NonNullable<HeadEndParts["onProved"]>;
  readonly #refreshTrust: () => void;
  readonly #trustIs: "credentials" | "preset";
  readonly #waiting = new Map<number, (outcome: Outcome) => void>();
  readonly #watching: Watching;
  readonly #epochs: GuardedEpochs | undefined;

  constructor({ link, clock, onProved = () => {}, refreshTrust = () => {}, ...parts }: HeadEndParts) {
    this.#clock = clock;
    this.#traits = link.traits;
    this.#refreshTrust = refreshTrust;
    this.#onProved = onProved;
    this.#trustIs = parts.preset === undefined ? "credentials" : "preset";
    this.#epochs = parts.epochs && new GuardedEpochs(parts.epochs);
    this.#client = new SecureClient({ ...parts, epochs: this.#epochs, traits: link.traits });
    this.#drive = new Drive(this.#client, link, clock, (event) => this.#take(event));
    this.#watching = new Watching({
      client: this.#client,
      drive: this.#drive,
      clock,
      trustIs: this.#trustIs,
      epochs: this.#epochs,
      isWanted: (peer) => {
        refreshTrust();
        return parts.preset !== undefined || parts.trust.has(peer);
      },
    });
  }

  /** See `HeadEnd.share`. */
  share(other: OtherAsker): SharedLine {
    return { coap: this.#client.line.share(other), traits: this.#traits, run: () => this.#drive.run() };
  }

  /** Watches until it is stopped, or there is an end to tell. */
  watch<Body>(target: Target, plan: WatchPlan<Body>, watcher: Watcher<Body>): StopWatch {
    return this.#watching.watch(target, plan, watcher);
  }

  /** See `HeadEnd.lateAnswers`. */
  get lateAnswers(): number {
    return this.#client.line.lateAnswers;
  }

  /** Ends all that is under way. */
  close(): void {
    this.#drive.stop();
    this.#client.settle();
  }

  /** What `decode` makes of an answer with a code of `wanted`, which it is told. Rejects with a HeadEndError. */
  async ask<Body>(
    target: Target,
    question: Question,
    decode: (body: Uint8Array, code: number) => Body | undefined,
    ...wanted: readonly number[]
  ): Promise<Answer<Body>> {
    this.#refreshTrust();
    const startMs = this.#clock.monotonicMs();
    const outcome = await this.#exchange(target, question);
    if (outcome.kind === "failed")
      throw (
        this.#epochs?.troubleBehind(outcome.reason) ??
        failure(outcome.reason, target, this.#trustIs, outcome.peer)
      );
    const { peer, content: answer, requestBytes, responseBytes } = outcome;
    const codes = wanted.length === 0 ? ONLY_CONTENT : wanted;
    if (!codes.includes(answer.code)) throw unwanted(answer, target, peer);
    const body = decode(answer.payload, answer.code);
    if (body === undefined) throw unknownForm(target);
    const milliseconds = this.#clock.monotonicMs() - startMs;
    const size = { requestBytes, responseBytes, milliseconds, ...handshakeSize(outcome) };
    return { meter: peer.id, body, size };
  }

  #exchange(target: Target, question: Question): Promise<Outcome> {
    const { station, host, expect, toleranceSeconds, isOperator } = target;
    return new Promise((resolve) => {
      const nowMs = this.#clock.monotonicMs();
      const ask = this.#client.ask(nowMs, {
        ...{ to: station, host, expect, toleranceSeconds, isOperator },
        ...question,
        untilMs: nowMs + withinMs(target),
      });
      if (ask === undefined) return resolve({ kind: "failed", ask: -1, reason: "busy" });
      this.#waiting.set(ask, resolve);
      this.#drive.run();
    });
  }

  #take(event: ClientEvent): void {
    const proved = provedBy(event);
    if (proved !== undefined) this.#onProved(proved.proved, proved.host);
    if (this.#watching.take(event) || event.kind === "notification") return;
    const resolve = this.#waiting.get(event.ask);
    this.#waiting.delete(event.ask);
    resolve?.(event);
  }
}

function provedBy(event: ClientEvent): Proved | undefined {
  if (event.kind === "notification") return event.handshake;
  return event.kind === "answer" ? event.handshake : undefined;
}

function handshakeSize({ handshake }: Extract<Outcome, { kind: "answer" }>): Pick<ExchangeSize, "handshake"> {
  if (handshake === undefined) return {};
  const { proved: _, host: __, ...size } = handshake;
  return { handshake: size };
}
