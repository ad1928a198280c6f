import type { Cancel, Clock } from "../ports/clock.ts";
import type { Link, LinkCounters, LinkListener, LinkSend, LinkTraits, Station } from "../ports/link.ts";
import type { Random } from "../ports/random.ts";
import { integerBelow, uniform } from "./seeded-random.ts";

/** Datagrams held back at once; one more goes without delay. Far above what a protocol has open. */
const HELD_BACK_MAX = 64;

/** `reorder` holds a datagram back, so that later ones pass it; `flip` turns one bit of it. */
export type LinkFault = "lose" | "repeat" | "reorder" | "flip";

/** The probability of each fault for each datagram, 0 to 1; 0 if not given. */
export interface LinkFaults extends Readonly<Partial<Record<LinkFault, number>>> {
  /** How long `reorder` holds a datagram back, in milliseconds; 0 if not given. */
  readonly reorderDelayMs?: number;
}

/**
 * A link that does to datagrams, as they are sent, what bad links do. Each fault draws from its own
 * stream of `random`, so that changing one probability leaves the others' turns where they were.
 * Put one around each end for faults both ways.
 */
export class FaultyLink implements Link {
  readonly #link: Link;
  readonly #clock: Clock;
  readonly #random: Readonly<Record<LinkFault, Random>>;
  readonly #faults: LinkFaults;
  #state: "open" | "closed" = "open";
  readonly #heldBack = new Set<Cancel>();
  readonly #injected: Record<LinkFault, number> = { lose: 0, repeat: 0, reorder: 0, flip: 0 };

  constructor(link: Link, clock: Clock, random: Random, faults: LinkFaults) {
    this.#link = link;
    this.#clock = clock;
    this.#faults = faults;
    this.#random = {
      lose: random.fork("lose"),
      repeat: random.fork("repeat"),
      reorder: random.fork("reorder"),
      flip: random.fork("flip"),
    };
  }

  get traits(): LinkTraits {
    return this.#link.traits;
  }

  /** Those of the link inside: a lost datagram was never sent there. */
  get counters(): LinkCounters {
    return this.#link.counters;
  }

  /** How often each fault struck. */
  get injected(): Readonly<Record<LinkFault, number>> {
    return this.#injected;
  }

  send(to: Station, datagram: Uint8Array): LinkSend {
    if (this.#state === "closed") return "down";
    if (datagram.length > this.traits.mtuBytes) return "too-long";
    if (this.#strikes("lose")) return "queued";
    const bytes = this.#strikes("flip") ? withOneBitFlipped(datagram, this.#random.flip) : datagram;
    const sent =
      this.#heldBack.size < HELD_BACK_MAX && this.#strikes("reorder")
        ? this.#holdBack(to, bytes.slice())
        : this.#link.send(to, bytes);
    if (this.#strikes("repeat")) this.#link.send(to, bytes);
    return sent;
  }

  listen(listener: LinkListener): void {
    this.#link.listen(listener);
  }

  close(): void {
    this.#state = "closed";
    for (const cancel of this.#heldBack) cancel();
    this.#heldBack.clear();
    this.#link.close();
  }

  #strikes(fault: LinkFault): boolean {
    const strikes = uniform(this.#random[fault]) < (this.#faults[fault] ?? 0);
    if (strikes) this.#injected[fault]++;
    return strikes;
  }

  #holdBack(to: Station, datagram: Uint8Array): LinkSend {
    const cancel = this.#clock.after(this.#faults.reorderDelayMs ?? 0, () => {
      this.#heldBack.delete(cancel);
      this.#link.send(to, datagram);
    });
    this.#heldBack.add(cancel);
    return "queued";
  }
}

function withOneBitFlipped(datagram: Uint8Array, random: Random): Uint8Array {
  const flipped = datagram.slice();
  const bit = integerBelow(random, datagram.length * 8);
  if (datagram.length > 0) flipped[bit >> 3] = (datagram[bit >> 3] as number) ^ (1 << (bit & 7));
  return flipped;
}
