import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { integerBelow, SeededRandom } from "../../hal/emulated/seeded-random.ts";
import { encodeSlip } from "../../hal/framing/slip.ts";
import { encodeCoapFrame } from "../../hal/framing/slipmux.ts";
import { SlipmuxLink } from "../../hal/modems/slipmux/driver.ts";
import type { Random } from "../../hal/ports/random.ts";
import type { Uart, UartListener } from "../../hal/ports/uart.ts";
import { FUZZ_INPUTS } from "../support/fuzz.ts";

// Repeat one run with: SEED=<seed> npx vitest run test/fuzz/slipmux.test.ts
const SEED = process.env["SEED"] ?? "slipmux";
const FRAMES = FUZZ_INPUTS;
const MTU_BYTES = 64;
const HEAP_GROWTH_MAX_BYTES = 1_000_000;

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

/** A UART whose received bytes are handed in by the test. */
class FedUart implements Uart {
  readonly settings = { baud: 9600, dataBits: 8, parity: "none", stopBits: 1 } as const;
  readonly state = "open";
  #listener: UartListener | undefined;
  feed(bytes: Uint8Array): void {
    this.#listener?.bytes(bytes);
  }
  write(): "queued" {
    return "queued";
  }
  listen(listener: UartListener): void {
    this.#listener = listener;
  }
  close(): void {}
}

function goodLine(random: Random): Uint8Array {
  return encodeSlip(encodeCoapFrame(random.bytes(4 + integerBelow(random, 28))));
}

/** One frame of garbage as it stands on the line. */
const GARBAGE: Readonly<Record<string, (random: Random) => Uint8Array>> = {
  /** At least its type arrives, at most all but the last byte of the FCS. */
  truncated: (random) => {
    const line = goodLine(random);
    return line.subarray(0, 2 + integerBelow(random, line.length - 3));
  },
  "bit-flipped": (random) => {
    const line = goodLine(random);
    const bit = integerBelow(random, line.length * 8);
    line[bit >> 3] = (line[bit >> 3] as number) ^ (1 << (bit & 7));
    return line;
  },
  oversized: (random) => {
    return encodeSlip(encodeCoapFrame(random.bytes(MTU_BYTES + 1 + integerBelow(random, 16))));
  },
  /** Any bytes after the type of a CoAP message or one that is not served. */
  random: (random) => {
    const type = integerBelow(random, 2) === 0 ? 0xa9 : 0x55;
    return Uint8Array.of(0xc0, type, ...random.bytes(integerBelow(random, 48)), 0xc0);
  },
};

/** Feeds `frames` frames of garbage, in bursts with a good frame after each; gives how many passed as good. */
function feedBursts(
  random: Random,
  garbage: (random: Random) => Uint8Array,
  frames: number,
  run: Run,
): number {
  let passedAsGood = 0;
  for (let fed = 0; fed < frames; ) {
    const before = run.received();
    for (let left = Math.min(1 + integerBelow(random, 4), frames - fed); left > 0; left--, fed++) {
      const line = garbage(random);
      const cut = integerBelow(random, line.length + 1);
      run.uart.feed(line.subarray(0, cut));
      run.uart.feed(line.subarray(cut));
    }
    const good = random.bytes(16);
    run.uart.feed(encodeSlip(encodeCoapFrame(good)));
    if (Buffer.compare(run.last(), good) !== 0) throw new Error(`a good frame was lost after ${fed} frames`);
    passedAsGood += run.received() - before - 1;
  }
  return passedAsGood;
}

interface Run {
  readonly uart: FedUart;
  received(): number;
  last(): Uint8Array;
}

function heapBytes(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

test.each(Object.entries(GARBAGE))(
  `${FRAMES} %s frames never throw, never cost a good frame, are counted and leave nothing in memory (seed ${SEED})`,
  (kind, garbage) => {
    const random = new SeededRandom(SEED).fork(kind);
    const uart = new FedUart();
    const link = new SlipmuxLink(uart, { mtuBytes: MTU_BYTES });
    let last = new Uint8Array(0);
    link.listen({
      datagram: (_, datagram) => {
        last = Uint8Array.from(datagram);
      },
    });
    const run: Run = { uart, last: () => last, received: () => link.counters.receivedDatagrams };

    let passedAsGood = feedBursts(random, garbage, FRAMES / 2, run);
    const heapHalfwayBytes = heapBytes();
    passedAsGood += feedBursts(random, garbage, FRAMES / 2, run);
    expect(heapBytes() - heapHalfwayBytes).toBeLessThan(HEAP_GROWTH_MAX_BYTES);

    const rejected = Object.values(link.counters.rejected).reduce((sum, count) => sum + count, 0);
    expect(rejected + passedAsGood).toBeGreaterThanOrEqual(FRAMES);
    // A CRC of 16 bits lets one in 65,536 of the badly damaged pass.
    expect(passedAsGood).toBeLessThan(12);
  },
);
