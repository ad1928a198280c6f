// The supply as its two watches see it: the board's own signal, and a metering part that falls silent with the line.
import { expect, test } from "vitest";
import { EventLog } from "../../../firmware/events/event-log.ts";
import { eventNameOf } from "../../../firmware/events/event-table.ts";
import { EventWatch } from "../../../firmware/events/event-watch.ts";
import { SupplyWatch } from "../../../firmware/events/supply-events.ts";
import { EmulatedBoardSignals } from "../../../hal/emulated/board-signals.ts";
import type { MeteringReading } from "../../../hal/ports/metering-ic.ts";

const SECOND_MS = 1000;

/** A board with a battery, which lives on without the line, polled once a second. */
class Board {
  readonly signals = new EmulatedBoardSignals();
  readonly #log: EventLog;
  readonly #watch: EventWatch;
  readonly #supply: SupplyWatch;
  #nowMs = 0;

  constructor() {
    const time = () => ({ utcSeconds: undefined, clockStatus: 0 });
    this.#log = new EventLog({ time, monotonicMs: () => this.#nowMs });
    this.#watch = new EventWatch({ log: this.#log, hasGeneration: false, signals: this.signals });
    this.#supply = new SupplyWatch(this.#log, this.signals);
    this.signals.listen({ powerFail: () => this.#supply.fails(this.#nowMs) });
  }

  /** The part answers as long as there is a line to feed it. */
  live(seconds: number): void {
    for (let i = 0; i < seconds; i++) {
      this.#nowMs += SECOND_MS;
      this.#supply.polled(this.#nowMs);
      this.#watch.polled(this.#nowMs);
      if (this.signals.line() === "up") this.#watch.took(this.#nowMs, READING);
    }
  }

  names(): (string | undefined)[] {
    return this.#log.read("standard", 0, 100).events.map(({ code }) => eventNameOf(code));
  }
}

const READING: MeteringReading = {
  atMs: 0,
  importMilliwattHours: 0,
  exportMilliwattHours: 0,
  energyQuality: "measured",
  phases: [],
};

test("one outage that the supply tells and the silent part shows is one power-down and one power-up", () => {
  const board = new Board();
  board.live(10);
  for (let outage = 1; outage <= 2; outage++) {
    board.signals.failSupply();
    board.signals.setLine("down");
    board.live(60);
    board.signals.setLine("up");
    board.live(60);
    expect(board.names()).toEqual(Array.from({ length: outage }, () => ["power-down", "power-up"]).flat());
  }
});

test("a supply that fails at last, long after its line, has been told as down already", () => {
  const board = new Board();
  board.live(10);
  board.signals.setLine("down");
  board.live(60);
  board.signals.failSupply();
  expect(board.names()).toEqual(["power-down"]);
});
