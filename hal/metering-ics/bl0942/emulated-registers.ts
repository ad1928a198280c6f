import { activePowerWatts, type Mains } from "../../emulated/mains.ts";
import type { Clock } from "../../ports/clock.ts";
import { EmulatedCounter, isBelowCreep } from "./emulated-counter.ts";
import {
  type Bl0942Profile,
  FREQ_CLOCK_HERTZ,
  MODE,
  MODE_DEFAULT,
  REGISTER,
  SOFT_RESET_KEY,
  STATUS,
  WA_CREEP_DEFAULT,
  WRITE_UNLOCK,
} from "./registers.ts";

/** Why a write was not done: no such register to write, locked, or a value that the part cannot follow. */
export type WriteRefusal = "register" | "locked" | "value";

const MODE_LARGEST = 0x3ff;
const WA_CREEP_LARGEST = 0xff;

/** The emulated part's register file over its mains. Measured registers end at their last value, as counted. */
export class EmulatedRegisters {
  readonly #clock: Clock;
  readonly #mains: Mains;
  readonly #profile: Bl0942Profile;
  readonly #counter: EmulatedCounter;
  #mode = MODE_DEFAULT;
  #waCreep = WA_CREEP_DEFAULT;
  #isUnlocked = false;

  constructor(clock: Clock, mains: Mains, profile: Bl0942Profile) {
    this.#clock = clock;
    this.#mains = mains;
    this.#profile = profile;
    this.#counter = new EmulatedCounter(mains, profile, clock.monotonicMs());
  }

  /** A register's value at this instant; undefined where there is none to read. */
  read(register: number): number | undefined {
    this.#settle();
    const profile = this.#profile;
    const state = this.#mains.at(this.#clock.monotonicMs());
    switch (register) {
      case REGISTER.I_RMS:
        return rounded(state.currentAmperes * profile.currentCountsPerAmpere, 0, 0xffffff);
      case REGISTER.V_RMS:
        return rounded(state.voltageVolts * profile.voltageCountsPerVolt, 0, 0xffffff);
      case REGISTER.I_FAST_RMS:
        return 0;
      case REGISTER.WATT:
        return rounded(activePowerWatts(state) * profile.powerCountsPerWatt, -0x800000, 0x7fffff);
      case REGISTER.CF_CNT:
        return this.#counter.count;
      case REGISTER.FREQ:
        return state.frequencyHertz > 0 ? rounded(FREQ_CLOCK_HERTZ / state.frequencyHertz, 0, 0xffff) : 0;
      case REGISTER.STATUS:
        return this.#status(activePowerWatts(state));
      case REGISTER.WA_CREEP:
        return this.#waCreep;
      case REGISTER.MODE:
        return this.#mode;
      case REGISTER.USR_WRPROT:
        return this.#isUnlocked ? 1 : 0;
      default:
        return undefined;
    }
  }

  /** Writes 24 bits; gives the reason where that was not done. */
  write(register: number, value: number): WriteRefusal | undefined {
    this.#settle();
    switch (register) {
      case REGISTER.USR_WRPROT:
        this.#isUnlocked = value === WRITE_UNLOCK;
        return undefined;
      case REGISTER.MODE:
      case REGISTER.WA_CREEP:
      case REGISTER.SOFT_RESET:
        return this.#isUnlocked ? this.#configure(register, value) : "locked";
      default:
        return "register";
    }
  }

  /** CF_CNT went out to the host, which clears it where MODE says so. */
  counterWasRead(): void {
    if ((this.#mode & MODE.CF_CNT_CLR_SEL) !== 0) this.presetCounter(0);
  }

  /** Sets CF_CNT, 0 to 2^24 - 1. */
  presetCounter(count: number): void {
    this.#settle();
    this.#counter.preset(count);
  }

  /** The counter is 0, settings are the default ones, locked. */
  restart(): void {
    this.presetCounter(0);
    this.#mode = MODE_DEFAULT;
    this.#waCreep = WA_CREEP_DEFAULT;
    this.#isUnlocked = false;
  }

  #settle(): void {
    this.#counter.advanceTo(this.#clock.monotonicMs(), this.#mode, this.#waCreep);
  }

  #status(watts: number): number {
    const reverse = this.#counter.isReverse ? STATUS.CF_REVP_F : 0;
    return isBelowCreep(watts, this.#waCreep, this.#profile) ? reverse | STATUS.CREEP_F : reverse;
  }

  #configure(register: number, value: number): WriteRefusal | undefined {
    if (register === REGISTER.SOFT_RESET) {
      if (value !== SOFT_RESET_KEY) return "value";
      this.restart();
    } else if (register === REGISTER.WA_CREEP) {
      if (value > WA_CREEP_LARGEST) return "value";
      this.#waCreep = value;
    } else {
      // The emulated line has one rate: a part that left it would be gone.
      if (value > MODE_LARGEST || (value & MODE.UART_RATE_SEL) !== 0) return "value";
      this.#mode = value;
    }
    return undefined;
  }
}

/** Rounds to a whole count within a register's range. */
function rounded(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, Math.round(value)));
}
