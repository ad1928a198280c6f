// A whole meter on its serial line, and somebody between it and its head-end.
import { EVENT_LOGS, eventNameOf } from "../../firmware/events/event-table.ts";
import type { VirtualClock } from "../../hal/emulated/virtual-clock.ts";
import { opensslEngine } from "../../hal/node/openssl.ts";
import { LINE, type Link } from "../../hal/ports/link.ts";
import { parseLoad } from "../../host-tools/loads/index.ts";
import { type SingleLineOptions, settle, singleLine } from "../../host-tools/world/single-line.ts";
import { configuration } from "../support/configuration.ts";

export const START_MS = Date.UTC(2026, 10, 24);
export const IMPORT = "1-0:1.8.0*255";

/** A datagram, or one that arrives later than it would. */
export type Passed = Uint8Array | { readonly bytes: Uint8Array; readonly lateMs: number };

/** What the other end gets in place of a datagram. */
export type Between = (bytes: Uint8Array, towards: "meter" | "head-end") => readonly Passed[];

/** A meter that draws 1 kW, its head-end, and what passes between them. */
export function attackedMeter({
  between = (bytes) => [bytes],
  ...options
}: { readonly between?: Between } & Partial<SingleLineOptions> = {}) {
  const load = parseLoad("watts:1000", { annualKilowattHours: 3500 });
  if ("error" in load) throw new Error(load.error);
  let toMeter: (bytes: Uint8Array) => void = () => {};
  const requests: Uint8Array[] = [];
  const answers: Uint8Array[] = [];
  const attacked = (link: Link, clock: VirtualClock): Link => ({
    traits: link.traits,
    get counters() {
      return link.counters;
    },
    send: (to, datagram) => {
      answers.push(datagram.slice());
      for (const passed of between(datagram, "head-end"))
        afterwards(clock, passed, (bytes) => void link.send(to, bytes));
      return "queued";
    },
    listen: (listener) => {
      toMeter = (bytes) => listener.datagram(LINE, bytes);
      link.listen({
        datagram: (_, datagram) => {
          requests.push(datagram.slice());
          for (const passed of between(datagram, "meter")) afterwards(clock, passed, toMeter);
        },
      });
    },
    close: () => link.close(),
  });
  const world = singleLine({
    ...{ seed: 1, load, startUtcMs: START_MS, crypto: opensslEngine, baud: 115_200, pollIntervalMs: 5000 },
    ...{ configuration, ...options },
    wrapLink: (link, sender, clock) => (sender === "meter" ? attacked(link, clock) : link),
  });
  const { clock, headEnd, target, runtime } = world;
  return {
    ...world,
    requests,
    answers,
    /** The attacker sends something of his own to the meter; what it replies within a second. */
    inject(bytes: Uint8Array): Uint8Array[] {
      const before = answers.length;
      toMeter(bytes);
      clock.advanceBy(1000);
      return answers.slice(before);
    },
    read: (timeoutMs = 8000) => settle(clock, headEnd.readRegisters({ ...target, timeoutMs }, [IMPORT])),
    /** Names of all events that the meter logged. */
    logged: () =>
      EVENT_LOGS.flatMap((log) => runtime.log.read(log, 0, 1000).events.map(({ code }) => eventNameOf(code))),
    /** The counter of refused messages, as the nameplate tells it. */
    refused: async () => (await settle(clock, headEnd.readNameplate(target))).body.counters.refusedMessages,
  };
}

function afterwards(clock: VirtualClock, passed: Passed, give: (bytes: Uint8Array) => void): void {
  if (passed instanceof Uint8Array) give(passed);
  else clock.after(passed.lateMs, () => give(passed.bytes));
}
