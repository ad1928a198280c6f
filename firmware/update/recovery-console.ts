// What a board's loader opens on a serial line when there is nothing to start, or somebody asks for it: slots, and a way in
// for an image that an author has signed. Nothing else of the board is behind it.
import type { Cancel, Clock } from "../../hal/ports/clock.ts";
import type { Link } from "../../hal/ports/link.ts";
import type { Random } from "../../hal/ports/random.ts";
import { READER, type Right } from "../identity/trust.ts";
import { Drive } from "../protocol/drive.ts";
import { PlainServer } from "../protocol/plain-server.ts";
import { MeterResources } from "../resources/resources.ts";
import { type AskedSlots, RESTART_AFTER_MS, updateResource } from "../resources/update.ts";

export interface RecoveryConsoleParts {
  /** Of two stations: what the loader has opened. */
  readonly link: Link;
  readonly clock: Clock;
  readonly random: Random;
  readonly slots: AskedSlots;
  /** Called a moment after an image was installed: the loader is to begin anew. */
  readonly restart: () => void;
}

/** Whoever is at the line is nobody in particular; the image's signature decides. */
const ANYBODY = { id: "recovery" };
const RIGHTS: ReadonlySet<Right> = new Set<Right>([...READER, "update"]);
/** One part of an image. */
const BODY_BYTES_MAX = 16_384;

/** Serves resource `u` in plain CoAP from construction until {@link RecoveryConsole.stop}. */
export class RecoveryConsole {
  readonly #drive: Drive<undefined>;
  #cancelRestart: Cancel = () => {};

  constructor({ link, clock, random, slots, restart }: RecoveryConsoleParts) {
    const onInstalled = (): void => {
      this.#cancelRestart();
      this.#cancelRestart = clock.after(RESTART_AFTER_MS, restart);
    };
    const u = updateResource({ slots, onInstalled, monotonicMs: () => clock.monotonicMs() });
    const resources = new MeterResources(
      { u },
      { inSenml: {}, rightsOf: () => RIGHTS, onForbidden: () => {}, otherLinks: [] },
    );
    const { traits } = link;
    const server = new PlainServer({
      ...{ random, traits, resources },
      ...{ peer: ANYBODY, bodyBytesMax: BODY_BYTES_MAX },
    });
    this.#drive = new Drive(server, link, clock, () => {});
  }

  /** Ends answering; the link is its owner's to close. */
  stop(): void {
    this.#cancelRestart();
    this.#drive.stop();
  }
}
