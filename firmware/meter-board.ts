// What a meter's runtime is composed of: the ports of its board, and what it is told.
import type { BoardSignals } from "../hal/ports/board-signals.ts";
import type { Clock } from "../hal/ports/clock.ts";
import type { CryptoEngine } from "../hal/ports/crypto.ts";
import type { KeyStore } from "../hal/ports/key-store.ts";
import type { Link } from "../hal/ports/link.ts";
import type { MeteringIc } from "../hal/ports/metering-ic.ts";
import type { Random } from "../hal/ports/random.ts";
import type { Relay } from "../hal/ports/relay.ts";
import type { Storage, StorageFault } from "../hal/ports/storage.ts";
import type { Supervisor } from "../hal/ports/supervisor.ts";
import type { MeterConfiguration } from "./configuration.ts";
import type { Identity } from "./identity/identity.ts";
import type { TrustList } from "./identity/trust.ts";
import type { TariffPlan } from "./protocol/readings/tariff.ts";
import type { ServerEvent } from "./protocol/secure-server.ts";
import type { PresetContext } from "./protocol/sessions.ts";
import type { Switching } from "./relay/switching.ts";
import type { UpdateParts } from "./resources/update.ts";

/** The ports that a composition root has picked. */
export interface MeterBoard {
  /** For the protocol: real time, always. */
  readonly clock: Clock;
  /** For measuring and for the meter's UTC; the same clock, unless a load is played faster than life. */
  readonly meterClock: Clock;
  /** Whether something keeps that UTC right (NTP, a modem's network time; so where not given), or it only has a battery. */
  readonly utc?: "disciplined" | "free-running" | undefined;
  readonly link: Link;
  readonly meteringIc: MeteringIc;
  readonly crypto: CryptoEngine;
  readonly random: Random;
  /** What survives a power cut; without it the meter begins anew at each start. */
  readonly storage?: Storage | undefined;
  /** Housing and supply; without them nothing is known of either. */
  readonly signals?: BoardSignals | undefined;
  /** Where the meter's key is, and the next one; without it the key stays as it is. */
  readonly keyStore?: KeyStore | undefined;
  /** What switches the installation behind the meter; without it there is nothing to order. */
  readonly relay?: Relay | undefined;
  /** Who starts the program again when it hangs; without it nobody does. */
  readonly supervisor?: Pick<Supervisor, "alive"> | undefined;
  /** The images that the board starts; without it none is taken from afar. */
  readonly updates?: BoardUpdates | undefined;
}

/** A board that can be given another image. */
export interface BoardUpdates extends Pick<UpdateParts, "slots"> {
  /** Ends the program in order, so that whoever starts it again starts what was installed. */
  readonly restart: () => void;
}

export interface RuntimeOptions {
  readonly configuration: MeterConfiguration;
  /** Takes the place of what the storage has; without either there is one rate. */
  readonly tariff?: TariffPlan | undefined;
  readonly identity: Identity;
  readonly trust: TrustList;
  /** Contexts that need no EDHOC; development only. */
  readonly presets?: readonly PresetContext[];
  /** Who may have the relay switched, and how; without it nobody switches it from afar. */
  readonly switching?: Switching | undefined;
  /** How often the metering part is asked; must not be above what its counter allows. */
  readonly pollIntervalMs: number;
  /** How often whoever observes registers is told; a minute unless given. */
  readonly observePeriodMs?: number | undefined;
  /** Told what happens on the line, for a console. */
  readonly onEvent?: (event: ServerEvent) => void;
  /** Told once, when the storage takes no more: the meter measures on and gives no readings. */
  readonly onStateFault?: (fault: StorageFault) => void;
}
