// A block between two taps: what each piece of work takes on the backhaul, and what it must take at least on the line.
import { packetMs } from "../../../hal/emulated/air-time.ts";
import { encodeSlip } from "../../../hal/framing/slip.ts";
import { encodeCoapFrame } from "../../../hal/framing/slipmux.ts";
import { silenceMs } from "../../../hal/modems/rs485/driver.ts";
import { opensslEngine } from "../../../hal/node/openssl.ts";
import { bitsPerCharacter } from "../../../hal/ports/uart.ts";
import { MemoryStorage } from "../../../hal/storage/memory-storage.ts";
import { Block, type BlockOptions } from "../../../host-tools/world/block.ts";
import { AIR_BITS_PER_SECOND, RS485_LINE, type SouthKind } from "../../../host-tools/world/south.ts";
import { configuration } from "../../support/configuration.ts";

export const START_MS = Date.UTC(2026, 10, 24);

/** What a piece of work took. */
export interface Took {
  /** CoAP bytes between the head-end and the DAP, repetitions and acknowledgements too. */
  readonly downBytes: number;
  readonly upBytes: number;
  readonly datagrams: number;
  readonly virtualSeconds: number;
  /** What the line or the air towards the meters was taken for by what was sent there, if nobody had ever waited. */
  readonly boundSeconds: number | undefined;
}

/** How long a datagram has the medium of all meters, in ms; undefined where each has one of its own. */
const ALONE_MS: Readonly<Record<SouthKind, ((datagram: Uint8Array) => number) | undefined>> = {
  rs485: (datagram) => {
    const characters = encodeSlip(encodeCoapFrame(datagram)).length;
    return (characters * bitsPerCharacter(RS485_LINE) * 1000) / RS485_LINE.baud + silenceMs(RS485_LINE);
  },
  xbee: (datagram) => packetMs(AIR_BITS_PER_SECOND, datagram.length, 1),
  slipmux: undefined,
  ip: undefined,
};

export class WatchedBlock {
  readonly block: Block;
  readonly #kind: SouthKind;
  readonly #counts = { downBytes: 0, upBytes: 0, datagrams: 0, southMs: 0 };

  /** Each meter keeps what it has over a blackout. */
  constructor(options: Pick<BlockOptions, "south" | "meters" | "southLoss" | "babbling">) {
    this.#kind = options.south;
    const aloneMs = ALONE_MS[options.south];
    const disks = new Map<string, MemoryStorage>();
    this.block = new Block({
      ...{ seed: 1, crypto: opensslEngine, startUtcMs: START_MS, configuration, ...options },
      storage: (meter) => {
        const disk = disks.get(meter) ?? new MemoryStorage();
        disks.set(meter, disk);
        return disk;
      },
      onNorth: ({ from, bytes }) => {
        this.#counts[from === "station" ? "downBytes" : "upBytes"] += bytes.length;
        this.#counts.datagrams++;
      },
      onSouth: (_, __, bytes) => {
        this.#counts.southMs += aloneMs?.(bytes) ?? 0;
      },
    });
  }

  /** Does something and tells what it took; `seconds` says it where the work itself knows better. */
  async watch<Result>(
    work: () => Promise<Result>,
    seconds?: (result: Result) => number,
  ): Promise<{ readonly took: Took; readonly result: Result }> {
    const { clock } = this.block;
    const before = { ...this.#counts, atMs: clock.monotonicMs() };
    const result = await work();
    const { downBytes, upBytes, datagrams, southMs } = this.#counts;
    const took = {
      downBytes: downBytes - before.downBytes,
      upBytes: upBytes - before.upBytes,
      datagrams: datagrams - before.datagrams,
      virtualSeconds: seconds?.(result) ?? (clock.monotonicMs() - before.atMs) / 1000,
      boundSeconds: ALONE_MS[this.#kind] === undefined ? undefined : (southMs - before.southMs) / 1000,
    };
    return { took, result };
  }
}
