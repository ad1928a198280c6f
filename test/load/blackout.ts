// A block's supply fails for a minute, and all its meters are asked again through the one DAP that they are behind.
import { equal } from "../../firmware/protocol/bytes.ts";
import type { CarriedDatagram } from "../../hal/emulated/backhaul.ts";
import { opensslEngine } from "../../hal/node/openssl.ts";
import type { Storage } from "../../hal/ports/storage.ts";
import { ASKED_AT_ONCE } from "../../host-tools/head-end/groups/group-reading.ts";
import { inTurns } from "../../host-tools/head-end/groups/turns.ts";
import { Block } from "../../host-tools/world/block.ts";
import { settle } from "../../host-tools/world/single-line.ts";
import type { SouthKind } from "../../host-tools/world/south.ts";
import { configuration } from "../support/configuration.ts";

export interface BlackoutOptions {
  readonly south: SouthKind;
  readonly meters?: number;
  readonly loss?: number;
  readonly storage?: (meter: string) => Storage;
  /** How many meters the head-end asks at a time; as many as a group read does unless given. */
  readonly atOnce?: number;
}

export interface Blackout {
  /** Until all meters have proved themselves and were read, from the first question on. */
  readonly seconds: number;
  readonly read: number;
  readonly handshakes: number;
  /** Of meters that refused to compute one. */
  readonly handshakesRefused: number;
  /** CoAP bytes between the head-end and the DAP. */
  readonly downBytes: number;
  readonly upBytes: number;
  readonly datagrams: number;
  /** Copies of datagrams that were sent before. */
  readonly copies: number;
  readonly datagramsInASecond: number;
}

const BLACKOUT_MS = 60_000;
const TIMEOUT_MS = 60_000;

/** Reads all meters, takes their supply away and gives it back, and reads them again: that is what is told of. */
export async function blackout(options: BlackoutOptions): Promise<Blackout> {
  const { south, meters = 50, loss = 0, storage, atOnce = ASKED_AT_ONCE } = options;
  const carried: CarriedDatagram[] = [];
  const counts = { handshakes: 0, handshakesRefused: 0 };
  const block = new Block({
    ...{ seed: 1, meters, south, southLoss: loss, northLoss: loss, configuration },
    ...{ crypto: opensslEngine, startUtcMs: Date.UTC(2026, 10, 24), ...(storage && { storage }) },
    onNorth: (datagram) => carried.push({ ...datagram, bytes: datagram.bytes.slice() }),
    onMeterEvent: (_, event) => {
      if (event.kind === "session") counts.handshakes++;
      if (event.kind === "refused" && event.reason === "handshakes") counts.handshakesRefused++;
    },
  });
  const { clock, headEnd } = block;
  const readAll = async (): Promise<number> => {
    const read = (id: string) =>
      headEnd.readRegisters({ ...block.target(id, TIMEOUT_MS), expect: id }).then(
        () => 1,
        () => 0,
      );
    const done: readonly number[] = await settle(clock, inTurns(block.ids, atOnce, read));
    return done.reduce((sum, one) => sum + one, 0);
  };
  await readAll();
  block.powerOff();
  clock.advanceBy(BLACKOUT_MS);
  block.powerOn();
  carried.length = 0;
  counts.handshakes = 0;
  const startMs = clock.monotonicMs();
  const read = await readAll();
  const seconds = (clock.monotonicMs() - startMs) / 1000;
  block.stop();
  return { seconds, read, ...counts, ...trafficOf(carried) };
}

function trafficOf(
  carried: readonly CarriedDatagram[],
): Omit<Blackout, "seconds" | "read" | "handshakes" | "handshakesRefused"> {
  const bySecond = new Map<number, number>();
  const sent = { station: [] as Uint8Array[], "far end": [] as Uint8Array[] };
  const bytesOf = { station: 0, "far end": 0 };
  let copies = 0;
  for (const { from, atMs, bytes } of carried) {
    const second = Math.floor(atMs / 1000);
    bySecond.set(second, (bySecond.get(second) ?? 0) + 1);
    bytesOf[from] += bytes.length;
    if (sent[from].some((other) => equal(other, bytes))) copies++;
    else sent[from].push(bytes);
  }
  return {
    ...{ downBytes: bytesOf.station, upBytes: bytesOf["far end"], datagrams: carried.length, copies },
    datagramsInASecond: Math.max(0, ...bySecond.values()),
  };
}
