// Proof that a request is of now and was not held on its way: the Echo option, RFC 9175 section 2.
import type { LinkTraits } from "../../hal/ports/link.ts";
import type { Random } from "../../hal/ports/random.ts";
import { EMPTY, equal } from "./bytes.ts";
import { CODE, type CoapContent, findOption, OPTION } from "./coap/message.ts";
import { longestRoundTripMs } from "./coap/timing.ts";

/** RFC 9175 2.2.1 lets the server choose; eight bytes cannot be guessed in a session's life. */
const ECHO_BYTES = 8;
/** A command held longer than this is dead, unless the link itself takes as long. */
const FRESH_MS = 10_000;
const FRESH_ROUND_TRIPS = 3;

interface Issued {
  readonly value: Uint8Array;
  readonly atMs: number;
}

/** True for methods that change something; a reading that came late does no harm. */
export function changesSomething(code: number): boolean {
  return code !== CODE.get && code !== CODE.fetch;
}

/** What a server asks its sessions to repeat, and what it takes for fresh. */
export class EchoChallenges {
  readonly #random: Random;
  readonly #freshMs: number;
  /** At most three values a session, oldest first. */
  readonly #issued = new WeakMap<object, readonly Issued[]>();

  constructor(random: Random, traits: LinkTraits) {
    this.#random = random;
    this.#freshMs = Math.max(FRESH_MS, FRESH_ROUND_TRIPS * longestRoundTripMs(traits));
  }

  /** True where the request carries a value that its session was asked to repeat a short while ago. */
  isAnswered(nowMs: number, session: object, request: CoapContent): boolean {
    const echo = findOption(request, OPTION.echo);
    return echo !== undefined && this.#fresh(nowMs, session).some(({ value }) => equal(value, echo));
  }

  /**
   * 4.01 with a value to repeat. The newest serves for half of its time: whoever makes a meter ask again and
   * again makes no earlier value worthless.
   */
  challenge(nowMs: number, session: object): CoapContent {
    const fresh = this.#fresh(nowMs, session);
    const newest = fresh.at(-1);
    const isYoung = newest !== undefined && nowMs < newest.atMs + this.#freshMs / 2;
    const issued = isYoung ? newest : { value: this.#random.bytes(ECHO_BYTES), atMs: nowMs };
    if (!isYoung) this.#issued.set(session, [...fresh, issued]);
    const options = [{ number: OPTION.echo, value: issued.value }];
    return { code: CODE.unauthorized, options, payload: EMPTY };
  }

  #fresh(nowMs: number, session: object): readonly Issued[] {
    return (this.#issued.get(session) ?? []).filter(({ atMs }) => nowMs < atMs + this.#freshMs);
  }
}
