// Housing and supply of served meters.
import { EmulatedBoardSignals } from "../../hal/emulated/board-signals.ts";
import { systemBoardSignals } from "../../hal/node/board-signals.ts";
import type { BoardSignals } from "../../hal/ports/board-signals.ts";
import { boardKeys } from "./board-keys.ts";
import type { FaceplateOptions } from "./faceplate.ts";

/**
 * Emulated meters have a housing each, and all hear of this machine's failing supply (SIGPWR). A meter with a real part
 * has what the machine tells, and no housing.
 */
export class ServedSignals {
  readonly #system = systemBoardSignals();
  readonly #emulated: readonly EmulatedBoardSignals[];

  /** So many emulated meters; 0 where the meter has a real part. */
  constructor(emulated: number) {
    this.#emulated = Array.from({ length: emulated }, () => new EmulatedBoardSignals());
    if (emulated === 0) return;
    this.#system.listen({
      powerFail: () => {
        for (const signals of this.#emulated) signals.failSupply();
      },
    });
  }

  of(meter: number): BoardSignals {
    return this.#emulated[meter] ?? this.#system;
  }

  /** What a faceplate's keys do: nothing to a real housing. `reconnect` is the meter's button for its relay. */
  keys(reconnect: () => void): Pick<FaceplateOptions, "onKey" | "status"> {
    const [first] = this.#emulated;
    return first === undefined ? { onKey: () => {}, status: () => "" } : boardKeys(first, reconnect);
  }

  close(): void {
    this.#system.close();
  }
}
