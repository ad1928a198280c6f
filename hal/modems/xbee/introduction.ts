import type { Cancel, Clock } from "../../ports/clock.ts";
import type { Station } from "../../ports/link.ts";
import { atQuery, type FromModule, stationOf } from "./frames.ts";
import type { XbeeLine } from "./line.ts";
import { type ApiMode, AT, PAYLOAD_MAX_BYTES } from "./registers.ts";

/** What a module says of itself. */
export interface ModuleFacts {
  /** Its own address. */
  readonly station: Station;
  readonly maxPayloadBytes: number;
}

/** Why there is no module to work with: no answer in API mode, or one that makes no sense. */
export type XbeeRefusal = "silent" | "senseless";

/** A module answers within some milliseconds; at 1200 baud the frames take 200 ms. */
const ANSWER_MS = 500;
/** For a line that is noisy, or a module that is just starting. */
const ATTEMPTS = 3;
const ADDRESS_HALF_BYTES = 4;

/** The API mode comes first: its question and answer look the same in both. */
const QUESTIONS = [AT.apiMode, AT.addressHigh, AT.addressLow, AT.maxPayload] as const;
type Question = (typeof QUESTIONS)[number];

/** Asks a module what a driver has to know, one question after the other. */
export class Introduction {
  readonly #line: XbeeLine;
  readonly #clock: Clock;
  readonly #done: (end: ModuleFacts | XbeeRefusal) => void;
  readonly #answers = new Map<Question, Uint8Array>();
  #attempts = 0;
  #cancelTimeout: Cancel = () => {};

  /** `done` is called once, later, unless it is cancelled. */
  constructor(line: XbeeLine, clock: Clock, done: (end: ModuleFacts | XbeeRefusal) => void) {
    this.#line = line;
    this.#clock = clock;
    this.#done = done;
    line.mode = 1;
    this.#ask();
  }

  /** What the module has answered; to another question it is nothing. */
  take(answer: FromModule & { readonly kind: "at" }): void {
    const question = this.#question();
    if (question === undefined || answer.id !== this.#id() || answer.name !== question) return;
    this.#cancelTimeout();
    if (answer.value === undefined || !this.#understands(question, answer.value)) {
      return this.#done("senseless");
    }
    this.#answers.set(question, answer.value);
    this.#attempts = 0;
    if (this.#question() === undefined) this.#done(this.#facts());
    else this.#ask();
  }

  cancel(): void {
    this.#cancelTimeout();
  }

  #ask(): void {
    if (this.#attempts++ === ATTEMPTS) return this.#done("silent");
    this.#cancelTimeout = this.#clock.after(ANSWER_MS, () => this.#ask());
    this.#line.send(atQuery(this.#id(), this.#question() as Question));
  }

  #question(): Question | undefined {
    return QUESTIONS[this.#answers.size];
  }

  #id(): number {
    return this.#answers.size + 1;
  }

  #understands(question: Question, value: Uint8Array): boolean {
    if (question === AT.apiMode) {
      const mode = toNumber(value);
      if (mode !== 1 && mode !== 2) return false;
      this.#line.mode = mode satisfies ApiMode;
      return true;
    }
    if (question === AT.maxPayload) return value.length <= 2 && toNumber(value) > 0;
    return value.length === ADDRESS_HALF_BYTES;
  }

  #facts(): ModuleFacts {
    const of = (question: Question): Uint8Array => this.#answers.get(question) as Uint8Array;
    return {
      station: stationOf(Uint8Array.of(...of(AT.addressHigh), ...of(AT.addressLow))),
      maxPayloadBytes: Math.min(toNumber(of(AT.maxPayload)), PAYLOAD_MAX_BYTES),
    };
  }
}

function toNumber(bytes: Uint8Array): number {
  return bytes.reduce((value, byte) => value * 256 + byte, 0);
}
