// A meter's board given another image, over the meter's own protected line.
import type { SlotsReport } from "../../firmware/update/slots-report.ts";
import { AskedBoard } from "../flash/asked-board.ts";
import { protectedAsker } from "../flash/board-askers.ts";
import { type FlashResult, flash } from "../flash/flash.ts";
import { readFlashImage } from "../flash/image-file.ts";
import { refusedBy } from "../flash/target.ts";
import type { LinePlace } from "../head-end/groups/group-reader.ts";
import type { RigFlash } from "./rig.ts";
import type { Wiring } from "./wiring.ts";

export interface MeterFlashParts {
  readonly wiring: Wiring;
  readonly place: () => LinePlace;
  /** An image file that the board has not had yet; throws an InfrastructureFault where there is none. */
  readonly image: RigFlash["image"];
}

export class MeterFlash implements RigFlash {
  readonly image: RigFlash["image"];
  readonly #parts: MeterFlashParts;

  constructor(parts: MeterFlashParts) {
    this.#parts = parts;
    this.image = parts.image;
  }

  async flash(file: Uint8Array): Promise<FlashResult> {
    const { wiring } = this.#parts;
    const { time, crypto } = wiring;
    const board = this.#board();
    const image = readFlashImage(crypto, file);
    if ("refusal" in image) throw refusedBy(board.name, image);
    return time.wait(flash(board, image, { clock: time.clock, wait: true }));
  }

  report(): Promise<SlotsReport> {
    return this.#parts.wiring.time.wait(this.#board().report());
  }

  #board(): AskedBoard {
    const { wiring, place } = this.#parts;
    const { headEnd, target } = place();
    return new AskedBoard(protectedAsker({ headEnd, target, clock: wiring.time.clock }));
  }
}
