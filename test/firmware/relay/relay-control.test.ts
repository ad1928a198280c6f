import { describe, expect, test } from "vitest";
import type { EventName } from "../../../firmware/events/event-table.ts";
import type { ControlMode } from "../../../firmware/relay/control-state.ts";
import { RelayControl, type RelayOrder } from "../../../firmware/relay/relay-control.ts";
import type { RelayMemory } from "../../../firmware/relay/relay-memory.ts";
import { relayMemoryFromCbor, relayMemoryToCbor } from "../../../firmware/relay/relay-memory.ts";
import { EmulatedRelay, type EmulatedRelayOptions } from "../../../hal/emulated/relay.ts";
import { VirtualClock } from "../../../hal/emulated/virtual-clock.ts";
import type { StorageResult } from "../../../hal/ports/storage.ts";

const BY = { operator: "op", timeSeconds: 1_795_478_400 };
const LIMIT: RelayOrder = { kind: "limit", limit: { watts: 2000, seconds: 10 } };

/** A relay's control on a bench that polls each second and measures what the contacts let through. */
class Bench {
  readonly clock = new VirtualClock();
  readonly relay: EmulatedRelay;
  readonly events: [EventName, ...number[]][] = [];
  readonly control: RelayControl;
  /** What the installation would draw. */
  watts = 1000;
  stored: StorageResult = "done";
  /** What a cut would leave. */
  kept: RelayMemory | undefined;

  constructor(
    mode: ControlMode = 3,
    saved?: RelayMemory,
    relay: EmulatedRelayOptions = {},
    before?: EventName,
  ) {
    this.relay = new EmulatedRelay(this.clock, relay);
    this.kept = saved;
    this.control = new RelayControl(
      {
        ...{ relay: this.relay, mode },
        log: {
          record: (name, details = []) => void this.events.push([name, ...details]),
          newest: () => this.events.at(-1)?.[0] ?? before,
        },
        monotonicMs: () => this.clock.monotonicMs(),
        keep: () => {
          if (this.stored === "done") this.kept = this.control.memory();
          return this.stored;
        },
      },
      saved,
    );
  }

  pass(seconds: number): void {
    for (let i = 0; i < seconds; i++) {
      this.clock.advanceBy(1000);
      const value = this.relay.contacts === "closed" ? this.watts * 1000 : 0;
      const phases = [{ activePowerMilliwatts: { value, quality: "measured" } as const }];
      const reading = { atMs: 0, importMilliwattHours: 0, exportMilliwattHours: 0 };
      this.control.took(this.clock.monotonicMs(), { ...reading, energyQuality: "measured", phases });
      this.control.polled(this.clock.monotonicMs());
    }
  }

  names(): EventName[] {
    return this.events.map(([name]) => name);
  }
}

function order(bench: Bench, what: RelayOrder | "connect" | "disconnect"): StorageResult {
  return bench.control.order(typeof what === "string" ? { kind: what } : what, BY);
}

describe("orders", () => {
  test("open the contacts, make them ready, and the button closes them; each is logged", () => {
    const bench = new Bench(3);
    order(bench, "disconnect");
    bench.pass(2);
    expect([bench.control.state.is, bench.control.position]).toEqual(["disconnected", "open"]);
    expect(bench.control.press()).toBe(false);
    order(bench, "connect");
    bench.pass(2);
    expect([bench.control.state.is, bench.control.position]).toEqual(["ready", "open"]);
    expect(bench.control.press()).toBe(true);
    bench.pass(2);
    expect([bench.control.state.is, bench.control.position]).toEqual(["connected", "closed"]);
    expect(bench.names()).toEqual(["remote-disconnection", "ready-for-reconnection", "manual-connection"]);
    expect(bench.control.lastOrder).toEqual({ kind: "connect", ...BY });
  });

  test("to connect close at once in mode 4, also what the limiter has opened", () => {
    const bench = new Bench(4);
    order(bench, "disconnect");
    order(bench, "connect");
    bench.pass(1);
    expect(bench.control.position).toBe("closed");
    order(bench, { kind: "limit", limit: { watts: 500, seconds: 3 } });
    bench.pass(5);
    expect(bench.control.position).toBe("open");
    order(bench, "connect");
    bench.pass(1);
    expect(bench.control.position).toBe("closed");
  });

  test("are durable before the contacts move, and one that cannot be kept moves nothing", () => {
    const bench = new Bench();
    bench.stored = "full";
    expect(order(bench, "disconnect")).toBe("full");
    expect(order(bench, LIMIT)).toBe("full");
    bench.pass(2);
    expect([bench.control.state.is, bench.relay.contacts, bench.relay.drives]).toEqual([
      "connected",
      "closed",
      0,
    ]);
    expect(bench.control.limit).toBeUndefined();
    expect(bench.events).toEqual([]);
    bench.stored = "done";
    expect(order(bench, "disconnect")).toBe("done");
    expect(bench.kept?.state.is).toBe("disconnected");
  });

  test("that change nothing drive all the same: somebody may have moved the contacts", () => {
    const bench = new Bench(3);
    order(bench, "disconnect");
    bench.pass(1);
    bench.relay.force("closed");
    order(bench, "disconnect");
    bench.pass(1);
    expect(bench.relay.contacts).toBe("open");
  });
});

describe("the limiter", () => {
  test("opens after so long over the limit, and stays open until the button is pressed", () => {
    const bench = new Bench(3);
    order(bench, LIMIT);
    bench.pass(60);
    bench.watts = 2500;
    bench.pass(10);
    expect(bench.relay.contacts).toBe("closed");
    bench.pass(2);
    expect([bench.control.state, bench.control.position]).toEqual([{ is: "ready", by: "limiter" }, "open"]);
    expect(bench.events.slice(1)).toEqual([["limit-exceeded", 2500], ["local-disconnection"]]);
    bench.pass(3600);
    expect(bench.control.position).toBe("open");
    bench.watts = 100;
    bench.control.press();
    bench.pass(100);
    expect(bench.control.position).toBe("closed");
  });

  test("closes again after a minute in mode 6, five times in an hour, and never what an order opened", () => {
    const bench = new Bench(6);
    order(bench, LIMIT);
    bench.watts = 2500;
    bench.pass(3000);
    expect(bench.names().filter((name) => name === "local-connection")).toHaveLength(5);
    expect(bench.relay.contacts).toBe("open");
    order(bench, "disconnect");
    bench.pass(7200);
    expect(bench.relay.contacts).toBe("open");
    order(bench, "connect");
    bench.pass(7200);
    expect(bench.control.state).toEqual({ is: "ready", by: "order" });
    expect(bench.relay.contacts).toBe("open");
  });

  test("an order ends what the limiter was about to do, and --off what it watches", () => {
    const bench = new Bench(3);
    order(bench, LIMIT);
    bench.watts = 2500;
    bench.pass(9);
    order(bench, { kind: "no-limit" });
    bench.pass(60);
    expect(bench.relay.contacts).toBe("closed");
    expect(bench.events.at(-1)).toEqual(["limit-changed"]);
  });
});

describe("a start", () => {
  const memoryOf = (...orders: (RelayOrder | "connect" | "disconnect")[]): RelayMemory | undefined => {
    const bench = new Bench(3);
    for (const each of orders) order(bench, each);
    return relayMemoryFromCbor(bench.kept && relayMemoryToCbor(bench.kept));
  };

  test.each([
    ["disconnect", "closed", "open", ["relay-restored"]],
    ["disconnect", "open", "open", []],
    ["connect", "open", "closed", ["relay-restored"]],
    ["connect", "closed", "closed", []],
  ] as const)("after an order to %s that finds the contacts %s leaves them %s", (...row) => {
    const [last, found, after, events] = row;
    const saved = memoryOf("disconnect", last);
    const bench = new Bench(
      4,
      saved && (last === "connect" ? { ...saved, state: { is: "connected" } } : saved),
      {
        startsAt: found,
      },
    );
    bench.pass(3);
    expect(bench.relay.contacts).toBe(after);
    expect(bench.names()).toEqual(events);
  });

  test("keeps limit, last order and who opened", () => {
    const saved = memoryOf(LIMIT, "disconnect", "connect");
    const { control } = new Bench(3, saved, { startsAt: "open" });
    expect(control.state).toEqual({ is: "ready", by: "order" });
    expect(control.limit).toEqual({ watts: 2000, seconds: 10 });
    expect(control.lastOrder).toEqual({ kind: "connect", ...BY });
  });

  test("without a memory takes the contacts for what they are, and moves nothing", () => {
    for (const startsAt of ["open", "closed"] as const)
      for (const mode of [0, 3, 4, 6] as const) {
        const bench = new Bench(mode, undefined, { startsAt });
        bench.pass(120);
        expect([bench.relay.contacts, bench.relay.drives]).toEqual([startsAt, 0]);
        expect(bench.control.state.is).toBe(startsAt === "open" ? "disconnected" : "connected");
      }
  });

  test("of a meter that is no longer switched from afar closes nothing that an order opened", () => {
    const bench = new Bench(0, memoryOf("disconnect"), { startsAt: "open" });
    bench.pass(3600);
    bench.control.press();
    expect(bench.relay.contacts).toBe("open");
  });
});

describe("contacts that are not where they have to be", () => {
  test("are told once, driven three times and no more, and told again when they obey", () => {
    const bench = new Bench(3);
    bench.relay.breakBy("welded");
    order(bench, "disconnect");
    bench.pass(30);
    expect(bench.events).toEqual([["remote-disconnection"], ["relay-failure", 0]]);
    expect(bench.relay.drives).toBe(3);
    expect([bench.control.state.is, bench.control.position]).toEqual(["disconnected", "closed"]);
    bench.relay.mend("welded");
    order(bench, "disconnect");
    bench.pass(3);
    expect(bench.events.slice(2)).toEqual([["remote-disconnection"], ["relay-obeys"]]);
  });

  test("are found by the current through them where there is no feedback, or a feedback that lies", () => {
    const bench = new Bench(3);
    bench.relay.breakBy("welded");
    bench.relay.breakBy("blind");
    order(bench, "disconnect");
    bench.pass(5);
    expect(bench.names()).toContain("relay-failure");
  });

  test("without load behind them nor a feedback tell nothing", () => {
    const bench = new Bench(3);
    bench.relay.breakBy("blind");
    order(bench, "disconnect");
    bench.pass(60);
    expect(bench.names()).toEqual(["remote-disconnection"]);
  });

  test("that somebody forces are driven back, and it is told", () => {
    const bench = new Bench(3);
    order(bench, "disconnect");
    bench.pass(5);
    bench.relay.force("closed");
    bench.pass(5);
    expect(bench.relay.contacts).toBe("open");
    expect(bench.names()).toEqual(["remote-disconnection", "relay-failure", "relay-obeys"]);
  });

  test("with a coil that cannot be driven are told at once", () => {
    const bench = new Bench(3);
    bench.relay.breakBy("dead");
    order(bench, "disconnect");
    expect(bench.events).toEqual([["remote-disconnection"], ["relay-failure", 0]]);
    bench.pass(10);
    expect(bench.events).toHaveLength(2);
  });

  test("while they are slow or bounce are not where they have to be, and no alarm is raised for that", () => {
    const bench = new Bench(3, undefined, { travelMs: 90 });
    bench.relay.breakBy("bouncing");
    order(bench, "disconnect");
    expect(bench.control.position).toBe("unknown");
    bench.pass(10);
    expect(bench.names()).toEqual(["remote-disconnection"]);
    expect(bench.control.position).toBe("open");
  });

  test("are told once over restarts", () => {
    const first = new Bench(3);
    first.relay.breakBy("welded");
    order(first, "disconnect");
    first.pass(10);
    const again = new Bench(3, first.kept, {}, "relay-failure");
    again.relay.breakBy("welded");
    again.pass(10);
    expect(again.names()).toEqual(["relay-restored"]);
  });
});
