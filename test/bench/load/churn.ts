// What a meter keeps of those who come and go: head-ends that begin anew, observers, strangers. In virtual time, as a
// meter of this world computes no more than 20 handshakes a second.
import { CODE, resourceRequest } from "../../../firmware/protocol/coap/message.ts";
import type { ServedRequest } from "../../../firmware/protocol/served-request.ts";
import { integerBelow, SeededRandom } from "../../../hal/emulated/seeded-random.ts";
import { securedLine } from "../../support/secured-line.ts";
import { type Growth, POINTS, sampled } from "./memory.ts";

/** Longer than the limits on what anybody makes a meter compute take to recover. */
const APART_MS = 100;
/** A notification that nobody acknowledges is repeated for so long at the most. */
const GONE_MS = 120_000;
const PERIOD_MS = 60_000;
/** A meter takes eight watches of one session. */
const WATCHES = 4;
const JUNK_BYTES_MAX = 120;

export interface ChurnOptions {
  /** Of each kind. */
  readonly times: number;
  /** Sees each request that is served. */
  readonly onServed?: (request: ServedRequest["content"]) => void;
}

/** Growth over so many handshakes, over as many watches that end by a word or without, and over as many strangers' datagrams. */
export function churn({ times, onServed = () => {} }: ChurnOptions): Record<string, Growth> {
  const line = securedLine({
    serve: (content) => {
      onServed(content);
      return { code: CODE.content, options: [], payload: content.payload };
    },
    observe: () => ({
      answer: () => ({ code: CODE.content, options: [], payload: Uint8Array.of(1) }),
      hasNews: () => false,
      atLatestMs: PERIOD_MS,
      atSoonestMs: PERIOD_MS,
    }),
  });
  const random = new SeededRandom("junk");
  const share = times / POINTS;
  const forget = (): void => {
    for (const list of [line.served, line.clientEvents, line.serverEvents]) list.length = 0;
  };
  const handshake = (): void => {
    line.restartHeadEnd();
    if (line.ask(Uint8Array.of(1))?.kind !== "answer") throw new Error("a handshake came to nothing");
    line.clock.advanceBy(APART_MS);
    forget();
  };
  const watches = (): void => {
    line.restartHeadEnd();
    const ids = Array.from({ length: WATCHES }, () => line.watch(resourceRequest(CODE.get, "r")));
    line.clock.advanceBy(PERIOD_MS + 1);
    for (const id of ids.slice(0, WATCHES / 2)) line.unwatch(id);
    line.clock.advanceBy(APART_MS);
    const told = line.clientEvents.filter(({ kind }) => kind === "notification").length;
    if (told !== 2 * WATCHES) throw new Error(`${told} notifications to ${WATCHES} watches`);
    forget();
  };
  const junk = (): void => {
    const bytes = random.bytes(1 + integerBelow(random, JUNK_BYTES_MAX));
    // Half of it begins as a message of CoAP does.
    if (integerBelow(random, 2) === 0) bytes[0] = 0x41;
    line.inject(bytes);
    line.clock.advanceBy(APART_MS);
    forget();
  };
  return {
    handshakes: sampled(() => repeat(share, handshake)),
    observers: sampled(() => {
      repeat(share / WATCHES, watches);
      line.restartHeadEnd();
      line.clock.advanceBy(GONE_MS);
    }),
    strangers: sampled(() => repeat(share, junk)),
  };
}

function repeat(times: number, work: () => void): void {
  for (let i = 0; i < times; i++) work();
}
