import type { FixedLengthFramer } from "../../framing/fixed-length.ts";
import type { MeteringIc, MeteringIcCounters, MeteringIcListener } from "../../ports/metering-ic.ts";
import {
  type BookedEnergy,
  CounterAccumulator,
  type CounterPolicy,
  faultOfStep,
  maxPollIntervalMs,
} from "../accumulator.ts";
import { largestPowerMilliwatts } from "../installation.ts";
import { lineFault } from "../line-settings.ts";
import { MeteringReports } from "../reports.ts";
import type { Station, UartBus } from "../uart-bus.ts";
import {
  frequencyMillihertz,
  isPlausible,
  type Packet,
  parsePacket,
  phaseReading,
  unsigned,
} from "./decode.ts";
import { packetFramer, readAllRequest, readRequest, registerFramer, writeRequest } from "./framer.ts";
import {
  BL0942_LINE,
  type Bl0942Profile,
  CF_CNT_BITS,
  MODE,
  REGISTER,
  STATUS,
  WRITE_UNLOCK,
} from "./registers.ts";

/** Set-up or packet take 60 ms on the line; the rest is for USB adapters, PTYs and busy hosts. */
const ANSWER_TIMEOUT_MS = 400;
const LATE_ANSWER_MS = 400;

/**
 * The part at the profile's address, alone on its bus or with up to three others. Never resets it: a
 * soft reset would lose what the part counted while nobody looked. A drop of the counter, or a step
 * that was taken as a new start, gives a fault and, after it, the reading.
 */
export class Bl0942 implements MeteringIc {
  readonly part = "bl0942";
  readonly maxPollIntervalMs: number;
  readonly largestPowerMilliwatts: number;
  readonly #bus: UartBus;
  readonly #station: Station;
  readonly #profile: Bl0942Profile;
  readonly #accumulator: CounterAccumulator;
  readonly #reports = new MeteringReports();
  /** `absent`: not set up, or silent or reset since. */
  #state: "absent" | "ready" = "absent";

  /** Throws where the line is not set as the part needs it: wrong parity seems to work, and damages bytes. */
  constructor(bus: UartBus, profile: Bl0942Profile) {
    const fault = lineFault("BL0942", BL0942_LINE, bus.settings);
    if (fault !== undefined) throw new Error(fault);
    const policy = counterPolicy(profile);
    this.#bus = bus;
    this.#profile = profile;
    this.#accumulator = new CounterAccumulator(policy);
    this.maxPollIntervalMs = maxPollIntervalMs(policy);
    this.largestPowerMilliwatts = policy.largestPowerMilliwatts;
    this.#station = bus.station({
      answerTimeoutMs: ANSWER_TIMEOUT_MS,
      lateAnswerMs: LATE_ANSWER_MS,
      lineDown: () => {
        this.#state = "absent";
      },
    });
  }

  get counters(): MeteringIcCounters {
    return this.#reports.counters;
  }

  listen(listener: MeteringIcListener): void {
    this.#reports.listen(listener);
  }

  poll(): "started" | "busy" | "down" {
    return this.#state === "ready" ? this.#readPacket() : this.#setUp();
  }

  #setUp(): "started" | "busy" | "down" {
    const framer = registerFramer(this.#profile.address, REGISTER.MODE);
    return this.#station.ask({
      request: setUpRequest(this.#profile),
      framer,
      answered: (answer) => this.#modeRead(unsigned(answer, 0, 3)),
      failed: (why) => this.#failed(why, framer),
    });
  }

  #readPacket(): "started" | "busy" | "down" {
    const { address } = this.#profile;
    const framer = packetFramer(address);
    return this.#station.ask({
      request: readAllRequest(address),
      framer,
      answered: (answer) => this.#packetRead(answer),
      failed: (why) => this.#failed(why, framer),
    });
  }

  /** A damaged packet does not tell of a part that needs set-up; silence may. */
  #failed(why: "timed-out" | "down", framer: FixedLengthFramer): void {
    const isSilent = why === "down" || framer.bytesSeen === 0;
    if (isSilent) this.#state = "absent";
    this.#reports.fault(isSilent ? "silent" : "bad-frame");
  }

  #modeRead(mode: number): void {
    if (mode !== wantedMode(this.#profile)) {
      this.#reports.fault("bad-frame");
      return;
    }
    this.#state = "ready";
    this.#readPacket();
  }

  #packetRead(bytes: Uint8Array): void {
    const packet = parsePacket(bytes);
    if (packet === undefined) {
      this.#state = "absent";
      this.#reports.fault("bad-frame");
    } else if (isPlausible(packet, this.#profile)) {
      this.#book(packet);
    } else {
      this.#reports.fault("implausible");
    }
  }

  #book(packet: Packet): void {
    const atMs = this.#bus.clock.monotonicMs();
    const isReverse = (packet.STATUS & STATUS.CF_REVP_F) !== 0;
    const step = this.#accumulator.accept({ atMs, count: packet.CF_CNT, isReverse });
    if (step.verdict === "reset") this.#state = "absent";
    const fault = faultOfStep(step);
    if (fault !== undefined) this.#reports.fault(fault);
    if (step.verdict !== "implausible") this.#report(atMs, packet, step.energy);
  }

  #report(atMs: number, packet: Packet, energy: BookedEnergy): void {
    const frequency = frequencyMillihertz(packet);
    this.#reports.reading({
      atMs,
      importMilliwattHours: energy.importMilliwattHours,
      exportMilliwattHours: energy.exportMilliwattHours,
      energyQuality: energy.quality,
      ...(frequency && { frequencyMillihertz: frequency }),
      phases: [phaseReading(packet, this.#profile)],
    });
  }
}

function counterPolicy(profile: Bl0942Profile): CounterPolicy {
  return {
    widthBits: CF_CNT_BITS,
    nanowattHoursPerCount: Math.round(1e12 / profile.energyCountsPerKilowattHour),
    largestPowerMilliwatts: largestPowerMilliwatts(profile),
    adds: profile.counterAdds,
  };
}

function wantedMode(profile: Bl0942Profile): number {
  const mode = MODE.RESERVED | MODE.CF_EN | MODE.RMS_UPDATE_SEL | MODE.CF_CNT_ADD_SEL;
  return profile.mainsHertz === 60 ? mode | MODE.AC_FREQ_SEL : mode;
}

/** Unlocks, sets MODE, locks, and asks for MODE: nothing but the read-back is answered. */
function setUpRequest(profile: Bl0942Profile): Uint8Array {
  const { address } = profile;
  return Uint8Array.of(
    ...writeRequest(address, REGISTER.USR_WRPROT, WRITE_UNLOCK),
    ...writeRequest(address, REGISTER.MODE, wantedMode(profile)),
    ...writeRequest(address, REGISTER.USR_WRPROT, 0),
    ...readRequest(address, REGISTER.MODE),
  );
}
