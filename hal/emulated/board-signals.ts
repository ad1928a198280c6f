import type { BoardSignals, BoardSignalsListener, LineSensed, Sensed } from "../ports/board-signals.ts";

/** The sensors of a housing by their names in the port. */
export type HousingSensor = "cover" | "terminalCover" | "magnet";

/** A board whose housing somebody else opens and whose supply somebody else cuts; whole and supplied at first. */
export class EmulatedBoardSignals implements BoardSignals {
  readonly #sensed: Record<HousingSensor, Sensed> = {
    cover: "clear",
    terminalCover: "clear",
    magnet: "clear",
  };
  #line: LineSensed = "up";
  #listener: BoardSignalsListener | undefined;
  #isClosed = false;

  cover(): Sensed {
    return this.#sensed.cover;
  }

  terminalCover(): Sensed {
    return this.#sensed.terminalCover;
  }

  magnet(): Sensed {
    return this.#sensed.magnet;
  }

  line(): LineSensed {
    return this.#line;
  }

  listen(listener: BoardSignalsListener): void {
    if (this.#listener !== undefined) throw new Error("the board's signals have their listener already");
    this.#listener = listener;
  }

  close(): void {
    this.#isClosed = true;
  }

  /** From now on the sensor says this. */
  setSensor(sensor: HousingSensor, sensed: Sensed): void {
    this.#sensed[sensor] = sensed;
  }

  setLine(line: LineSensed): void {
    this.#line = line;
  }

  /** The supply begins to fail; returns when the meter has done what it does in its last gasp. */
  failSupply(): void {
    if (!this.#isClosed) this.#listener?.powerFail();
  }
}
