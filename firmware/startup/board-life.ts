// What a meter in a board's slot has beside: who starts it again, other images, and the check that confirms its own.
import { opensslEngine } from "../../hal/node/openssl.ts";
import { systemClock } from "../../hal/node/system-clock.ts";
import { systemRandom } from "../../hal/node/system-random.ts";
import { systemdSupervisor } from "../../hal/node/systemd.ts";
import type { StorageResult } from "../../hal/ports/storage.ts";
import type { Supervisor } from "../../hal/ports/supervisor.ts";
import { recordUpdates } from "../events/update-events.ts";
import { watchHealth } from "../health/health.ts";
import type { SelfLink } from "../health/self-link.ts";
import type { BoardUpdates } from "../meter-board.ts";
import type { MeterRuntime } from "../runtime.ts";
import type { BoardSlots } from "../update/board-slots.ts";
import type { BoardOptions } from "./board-options.ts";
import { openSlots } from "./open-slots.ts";

/** Long enough to be seen, and no busy loop of starts where a disk is full for good. */
const RESTART_AFTER_FAULT_MS = 30_000;
/** Before the meter can have confirmed itself, as that is the end of its trial. */
const RECORD_AFTER_MS = 200;

export class BoardLife {
  readonly supervisor: Supervisor = systemdSupervisor();
  readonly updates: BoardUpdates;
  readonly #slots: BoardSlots;
  readonly #options: Pick<BoardOptions, "trial" | "profile">;

  /** `restart` ends the program in order, so that it is started again. */
  constructor(root: string, options: Pick<BoardOptions, "trial" | "profile">, restart: () => void) {
    this.#slots = openSlots(root, options.profile);
    this.#options = options;
    this.updates = { slots: this.#slots, restart };
  }

  /** The storage takes no more: what it still has is read by another start. */
  stateFailed(): void {
    systemClock.after(RESTART_AFTER_FAULT_MS, this.updates.restart);
  }

  /** Begins with a meter that has just been started, and gives what ends it. */
  begin(runtime: MeterRuntime, link: SelfLink): () => void {
    const { supervisor } = this;
    // It reads both slots: first the meter is to answer.
    const cancelRecord = systemClock.after(RECORD_AFTER_MS, () =>
      recordUpdates(runtime.log, this.#slots.report()),
    );
    const { id } = runtime.vitals.meter().credential;
    const name = this.#options.profile === "development" ? `${id} (a board for development)` : id;
    supervisor.ready(`${name} is started, and looks at itself.`);
    const endCheck = watchHealth({
      ...{ clock: systemClock, crypto: opensslEngine, random: systemRandom.fork("self") },
      ...runtime.vitals,
      reachSelf: () => link.reachSelf(),
      onMissing: (missing) => supervisor.status(`${name}: ${missing}`),
      onWell: () => {
        const confirmed = this.#confirm();
        if (confirmed === "done")
          supervisor.status(`${name} measures and answers; its clock is ${runtime.clock.state.kind}.`);
        return confirmed;
      },
    });
    return () => {
      cancelRecord();
      endCheck();
      supervisor.stopping();
    };
  }

  #confirm(): StorageResult {
    const { trial } = this.#options;
    return trial === undefined ? "done" : this.#slots.confirm(trial);
  }
}
