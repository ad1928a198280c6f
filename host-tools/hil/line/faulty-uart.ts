// A serial line that is made bad at one of its ends, whatever it is made of.
import { integerBelow, uniform } from "../../../hal/emulated/seeded-random.ts";
import { SLIP_END } from "../../../hal/framing/slip.ts";
import type { Cancel, Clock } from "../../../hal/ports/clock.ts";
import type { Random } from "../../../hal/ports/random.ts";
import type { Uart, UartListener, UartSettings, UartState, UartWrite } from "../../../hal/ports/uart.ts";
import type { LineFaults } from "../rig.ts";

/** Between the halves of a frame that comes in two: longer than two characters of a line that meters are on. */
const SPLIT_MS = 5;
/** What somebody who babbles says at once. */
const BABBLE_BYTES_MAX = 24;

/** Passes bytes on as they are until it is told of faults; those then hold for both ways. */
export class FaultyUart implements Uart {
  readonly #uart: Uart;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #out: Way;
  readonly #in: Way;
  #faults: LineFaults | undefined;
  #listener: UartListener | undefined;
  #cancelBabble: Cancel = () => {};

  constructor(uart: Uart, clock: Clock, random: Random) {
    this.#uart = uart;
    this.#clock = clock;
    this.#random = random.fork("babble");
    this.#out = new Way(clock, random.fork("out"), (bytes) => uart.write(bytes));
    this.#in = new Way(clock, random.fork("in"), (bytes) => this.#listener?.bytes(bytes));
  }

  get settings(): UartSettings {
    return this.#uart.settings;
  }

  get state(): UartState {
    return this.#uart.state;
  }

  setFaults(faults: LineFaults | undefined): void {
    this.#faults = faults;
    this.#cancelBabble();
    this.#cancelBabble = () => {};
    if (faults?.babbleEveryMs !== undefined) this.#babbleLater(faults.babbleEveryMs);
  }

  write(bytes: Uint8Array): UartWrite {
    if (this.#faults === undefined && this.#out.isClear) return this.#uart.write(bytes);
    this.#out.take(bytes, this.#faults ?? {});
    return "queued";
  }

  listen(listener: UartListener): void {
    this.#listener = listener;
    this.#uart.listen({
      bytes: (bytes) => {
        if (this.#faults === undefined && this.#in.isClear) listener.bytes(bytes);
        else this.#in.take(bytes, this.#faults ?? {});
      },
      state: (state) => listener.state?.(state),
    });
  }

  close(): void {
    this.setFaults(undefined);
    this.#listener = undefined;
    this.#uart.close();
  }

  #babbleLater(meanMs: number): void {
    const pauseMs = -Math.log(1 - uniform(this.#random)) * meanMs;
    this.#cancelBabble = this.#clock.after(pauseMs, () => {
      const babble = (): Uint8Array => this.#random.bytes(1 + integerBelow(this.#random, BABBLE_BYTES_MAX));
      this.#uart.write(babble());
      this.#listener?.bytes(babble());
      this.#babbleLater(meanMs);
    });
  }
}

/** What becomes of a frame, whatever portions it comes in. */
interface Fate {
  readonly isLost: boolean;
  readonly isFlipped: boolean;
  readonly isSplit: boolean;
}

/** One way of the line: what is held back on it leaves in its order, as on any line. */
class Way {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #deliver: (bytes: Uint8Array) => void;
  /** Of the frame under way; undefined between frames. */
  #fate: Fate | undefined;
  #lastDueMs = Number.NEGATIVE_INFINITY;
  #held = 0;

  constructor(clock: Clock, random: Random, deliver: (bytes: Uint8Array) => void) {
    this.#clock = clock;
    this.#random = random;
    this.#deliver = deliver;
  }

  get isClear(): boolean {
    return this.#held === 0;
  }

  take(bytes: Uint8Array, faults: LineFaults): void {
    for (let from = 0; from < bytes.length; ) {
      const end = bytes.indexOf(SLIP_END, from);
      const to = end < 0 ? bytes.length : end + 1;
      this.#pass(bytes.subarray(from, to), faults);
      from = to;
    }
  }

  /** A frame, or a part of one; its END comes with its last part. */
  #pass(part: Uint8Array, faults: LineFaults): void {
    const { delayMs = 0 } = faults;
    const isEnd = part[part.length - 1] === SLIP_END;
    if (isEnd && part.length === 1 && this.#fate === undefined) return this.#send(part, delayMs);
    const { isLost, isFlipped, isSplit } = this.#fate ?? this.#newFate(faults);
    // One bit of a frame is turned, and it is cut once: in its first part.
    this.#fate = isEnd ? undefined : { isLost, isFlipped: false, isSplit: false };
    if (isLost) return;
    const sent = isFlipped ? flipped(part, this.#random) : part;
    const cut = isSplit ? integerBelow(this.#random, sent.length + 1) : 0;
    this.#send(sent.subarray(0, cut), delayMs);
    this.#send(sent.subarray(cut), cut > 0 ? delayMs + SPLIT_MS : delayMs);
  }

  #newFate({ drop = 0, flip = 0, split = 0 }: LineFaults): Fate {
    return {
      isLost: uniform(this.#random) < drop,
      isFlipped: uniform(this.#random) < flip,
      isSplit: uniform(this.#random) < split,
    };
  }

  #send(bytes: Uint8Array, delayMs: number): void {
    if (bytes.length === 0) return;
    const nowMs = this.#clock.monotonicMs();
    const dueMs = Math.max(nowMs + delayMs, this.#lastDueMs);
    if (dueMs <= nowMs && this.isClear) return this.#deliver(bytes);
    this.#lastDueMs = dueMs;
    this.#held++;
    this.#clock.after(dueMs - nowMs, () => {
      this.#held--;
      this.#deliver(bytes);
    });
  }
}

function flipped(bytes: Uint8Array, random: Random): Uint8Array {
  const wrong = bytes.slice();
  const bit = integerBelow(random, bytes.length * 8);
  wrong[bit >> 3] = (wrong[bit >> 3] as number) ^ (1 << (bit & 7));
  return wrong;
}
