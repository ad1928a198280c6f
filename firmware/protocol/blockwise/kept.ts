// What a server keeps between the blocks of one body.
import { toHex } from "../bytes.ts";
import { type CoapContent, OPTION } from "../coap/message.ts";

/**
 * Options in which requests for blocks of the same body may differ: the blocks themselves, what is of one
 * message only, and what a proxy may change on the way.
 */
const OF_ONE_MESSAGE: ReadonlySet<number> = new Set([
  OPTION.uriHost,
  OPTION.uriPort,
  OPTION.observe,
  OPTION.hopLimit,
  OPTION.block1,
  OPTION.block2,
  OPTION.size1,
  OPTION.echo,
  OPTION.noResponse,
]);

/** Equal for the requests of one operation, which its Request-Tag sets apart from others (RFC 9175 3.3). */
export function operationKey({ code, options }: CoapContent): string {
  const kept = options.filter(({ number }) => !OF_ONE_MESSAGE.has(number));
  return [code, ...kept.map(({ number, value }) => `${number}:${toHex(value)}`)].join(" ");
}

interface Kept<Value> {
  readonly owner: object;
  readonly key: string;
  readonly value: Value;
  readonly untilMs: number;
}

/** A few values, each for a while after its last use; those that were not used for longest make room. */
export class KeptAWhile<Value> {
  readonly #most: number;
  readonly #forMs: number;
  /** Last used last. */
  #kept: Kept<Value>[] = [];

  constructor(most: number, forMs: number) {
    this.#most = most;
    this.#forMs = forMs;
  }

  /** Keeps a value, in place of one with the same owner and key. */
  set(nowMs: number, owner: object, key: string, value: Value): void {
    this.forget(owner, key);
    const others = this.#kept.filter(({ untilMs }) => nowMs < untilMs).slice(1 - this.#most);
    this.#kept = [...others, { owner, key, value, untilMs: nowMs + this.#forMs }];
  }

  /** The value, which is then kept for as long again. */
  use(nowMs: number, owner: object, key: string): Value | undefined {
    const found = this.#kept.find((kept) => kept.owner === owner && kept.key === key);
    if (found === undefined || nowMs >= found.untilMs) return undefined;
    this.set(nowMs, owner, key, found.value);
    return found.value;
  }

  forget(owner: object, key: string): void {
    this.#kept = this.#kept.filter((kept) => kept.owner !== owner || kept.key !== key);
  }
}
