// A meter that looks at itself after its start: what makes it well, and that nothing of the look stays or is seen outside.
import { describe, expect, test } from "vitest";
import { EVENT_LOGS } from "../../../firmware/events/event-table.ts";
import { watchHealth } from "../../../firmware/health/health.ts";
import { SELF, SelfLink } from "../../../firmware/health/self-link.ts";
import { FREE } from "../../../hal/emulated/link-end.ts";
import { SeededRandom } from "../../../hal/emulated/seeded-random.ts";
import { opensslEngine } from "../../../hal/node/openssl.ts";
import { LINE, type Link, type LinkTraits } from "../../../hal/ports/link.ts";
import type { StorageResult } from "../../../hal/ports/storage.ts";
import { MemoryStorage } from "../../../hal/storage/memory-storage.ts";
import { settle } from "../../../host-tools/world/single-line.ts";
import { cut, IMPORT, MINUTE_MS, meter } from "../../support/whole-meter.ts";

interface Options {
  readonly storage?: MemoryStorage;
  readonly traits?: Partial<LinkTraits>;
  readonly wellWas?: readonly StorageResult[];
  readonly readings?: () => number;
  readonly onSelfSend?: () => void;
}

/** A meter on its line that looks at itself, what it says of that, and what went over the two lines meanwhile. */
function watched({ storage = new MemoryStorage(), traits = {}, wellWas = [], ...options }: Options = {}) {
  const onLine: Uint8Array[] = [];
  const onSelf: Uint8Array[] = [];
  let line: SelfLink | undefined;
  let fromOutside: (from: string, datagram: Uint8Array) => void = () => {};
  const world = meter({
    storage,
    wrapLink(link, sender, clock) {
      if (sender === "head-end") return link;
      const tapped: Link = {
        traits: { ...link.traits, ...traits },
        get counters() {
          return link.counters;
        },
        send(to, datagram) {
          onLine.push(datagram);
          return link.send(to, datagram);
        },
        listen(listener) {
          fromOutside = (...datagram) => listener.datagram(...datagram);
          link.listen(listener);
        },
        close: () => link.close(),
      };
      line = new SelfLink(tapped, clock);
      return line;
    },
  });
  const told: string[] = [];
  const results = [...wellWas];
  const { runtime, clock } = world;
  const reachSelf = (): Link => {
    const end = (line as SelfLink).reachSelf();
    return {
      ...{ traits: end.traits, counters: end.counters },
      send(to, datagram) {
        onSelf.push(datagram);
        options.onSelfSend?.();
        return end.send(to, datagram);
      },
      listen: (listener) => end.listen(listener),
      close: () => end.close(),
    };
  };
  const cancel = watchHealth({
    ...{ clock, crypto: opensslEngine, random: new SeededRandom(7), reachSelf, ...runtime.vitals },
    ...(options.readings !== undefined && { readings: options.readings }),
    onMissing: (missing) => told.push(missing),
    onWell: () => {
      const result = results.shift() ?? "done";
      told.push(`well: ${result}`);
      return result;
    },
  });
  return { ...world, told, cancel, storage, onLine, onSelf, fromOutside: () => fromOutside };
}

describe("a meter that is well", () => {
  test("says so within seconds, and nothing of its question is on its line or in its logs", () => {
    const { clock, told, onLine, onSelf, names, runtime } = watched();
    clock.advanceBy(10_000);
    expect(told).toEqual(["The metering part has not answered yet.", "well: done"]);
    expect(onSelf.length).toBeGreaterThan(0);
    expect(onLine).toEqual([]);
    expect(EVENT_LOGS.flatMap((log) => names(log))).toEqual([]);
    expect(runtime.state?.sessions.kept()).toEqual([]);
  });

  test("keeps no session of its own question over a restart, and those of its head-ends as ever", async () => {
    const { clock, headEnd, target, storage, runtime, told } = watched();
    await settle(clock, headEnd.readRegisters(target, [IMPORT]));
    const before = runtime.state?.sessions.kept();
    clock.advanceBy(10_000);
    expect(told.at(-1)).toBe("well: done");
    expect(runtime.state?.sessions.kept()).toEqual(before);
    const after = watched({ storage: cut(storage) });
    expect(after.runtime.state?.sessions.kept()).toHaveLength(1);
  });

  test("answers nobody who says the same on its line afterwards, from whatever station", () => {
    const { clock, onLine, onSelf, fromOutside, names, told } = watched();
    clock.advanceBy(10_000);
    const said = [...onSelf];
    for (const datagram of said) fromOutside()(SELF, datagram);
    clock.advanceBy(10_000);
    expect(onLine).toEqual([]);
    for (const datagram of said) fromOutside()(LINE, datagram);
    clock.advanceBy(10_000);
    // Message_1 is anybody's to send; what follows proves nothing to a meter that trusts nobody of this name any more.
    expect(onLine.length).toBeLessThanOrEqual(said.length);
    expect(told).toHaveLength(2);
    expect(names("security").every((name) => name !== "authentication-failed")).toBe(true);
  });

  test("asks itself by its name on a line that it shares with others", () => {
    const { clock, told } = watched({ traits: { addressing: "uri-host", halfDuplex: true } });
    clock.advanceBy(MINUTE_MS);
    expect(told.at(-1)).toBe("well: done");
  });

  test("is not kept from it by whoever begins handshakes on its line without end", () => {
    const recorded = watched();
    recorded.clock.advanceBy(10_000);
    const [message1 = new Uint8Array()] = recorded.onSelf;
    let count = 0;
    const { clock, told, onLine, fromOutside } = watched({
      onSelfSend() {
        for (let i = 0; i < 100; i++) {
          // Another message ID each time: the same would be a repetition.
          message1.set([++count >> 8, count & 0xff], 2);
          fromOutside()(LINE, message1.slice());
        }
      },
    });
    clock.advanceBy(10_000);
    expect(onLine.length).toBeLessThan(100);
    expect(told.at(-1)).toBe("well: done");
  });

  test("is confirmed once that can be kept", () => {
    const { clock, told } = watched({ wellWas: ["full"] });
    clock.advanceBy(MINUTE_MS);
    expect(told.slice(1)).toEqual([
      "well: full",
      "The meter is well, and its slot cannot be confirmed (full).",
      "well: done",
    ]);
  });
});

describe("a meter that is not well", () => {
  test("waits for its metering part, and says for what once", () => {
    let readings = 0;
    const { clock, told, onSelf } = watched({ readings: () => readings });
    clock.advanceBy(5 * MINUTE_MS);
    expect(told).toEqual(["The metering part has not answered yet."]);
    expect(onSelf).toEqual([]);
    readings = 2;
    clock.advanceBy(MINUTE_MS);
    expect(told.at(-1)).toBe("well: done");
  });

  test("is not confirmed while its storage takes nothing", () => {
    const storage = new MemoryStorage();
    const { clock, told } = watched({ storage });
    storage.failAt({ operation: 1, fault: "full", lasting: true });
    clock.advanceBy(5 * MINUTE_MS);
    expect(told.at(-1)).toBe("The meter's state cannot be kept (full).");
    expect(told).not.toContain("well: done");
  });

  test("looks no more once that is cancelled, also in the middle of its question", () => {
    const { clock, told, cancel } = watched();
    clock.advanceBy(3000);
    cancel();
    const before = told.length;
    clock.advanceBy(MINUTE_MS);
    expect(told.length).toBe(before);
  });
});

test("what a line brings from a station that is called as the meter calls itself is dropped", () => {
  const heard: string[] = [];
  let arrive: (from: string) => void = () => {};
  const { clock } = meter();
  const line: Link = {
    traits: FREE,
    counters: { sentDatagrams: 0, receivedDatagrams: 0, rejected: {} },
    send: () => "queued",
    listen(listener) {
      arrive = (from) => listener.datagram(from, Uint8Array.of(1));
    },
    close() {},
  };
  new SelfLink(line, clock).listen({ datagram: (from) => heard.push(from) });
  arrive("10.0.0.1:5683");
  arrive(SELF);
  expect(heard).toEqual(["10.0.0.1:5683"]);
});
