import type { Cancel, Clock } from "../../ports/clock.ts";
import type {
  MeteringFault,
  MeteringIc,
  MeteringIcCounters,
  MeteringIcListener,
} from "../../ports/metering-ic.ts";
import type { Uart } from "../../ports/uart.ts";
import {
  type BookedEnergy,
  CounterAccumulator,
  type CounterPolicy,
  maxPollIntervalMs,
} from "../accumulator.ts";
import {
  frequencyMillihertz,
  isPlausible,
  largestPowerMilliwatts,
  type Packet,
  parsePacket,
  phaseReading,
  unsigned,
} from "./decode.ts";
import {
  type AnswerFramer,
  packetFramer,
  readAllRequest,
  readRequest,
  registerFramer,
  writeRequest,
} from "./framer.ts";
import {
  BL0942_LINE,
  type Bl0942Profile,
  CF_CNT_BITS,
  MODE,
  REGISTER,
  STATUS,
  WRITE_UNLOCK,
} from "./registers.ts";

/**
 * `absent`: not set up, or silent or reset since. `draining`: an answer failed to come in time, and
 * may still come; until it cannot any more, a new request would be answered by it.
 */
type State =
  | { readonly kind: "absent" | "ready" }
  | { readonly kind: "setting-up" | "reading"; readonly framer: AnswerFramer }
  | { readonly kind: "draining"; readonly then: "absent" | "ready" };

/** Set-up or packet take 60 ms on the line; the rest is for USB adapters, PTYs and busy hosts. */
const ANSWER_TIMEOUT_MS = 400;
const LATE_ANSWER_MS = 400;

/**
 * The part on a line of its own. Never resets it: a soft reset would lose what the part counted while
 * nobody looked. A drop of the counter, or a step that was taken as a new start, gives a fault and,
 * after it, the reading.
 */
export class Bl0942 implements MeteringIc {
  readonly part = "bl0942";
  readonly maxPollIntervalMs: number;
  readonly #uart: Uart;
  readonly #clock: Clock;
  readonly #profile: Bl0942Profile;
  readonly #accumulator: CounterAccumulator;
  readonly #faults: Record<MeteringFault, number> = {
    silent: 0,
    "bad-frame": 0,
    "counter-reset": 0,
    implausible: 0,
  };
  #readings = 0;
  #state: State = { kind: "absent" };
  #cancelTimer: Cancel = () => {};
  #listener: MeteringIcListener | undefined;

  /** Takes the line over. Throws where it is not set as the part needs it: wrong parity seems to work, and damages bytes. */
  constructor(uart: Uart, clock: Clock, profile: Bl0942Profile) {
    const { baud, dataBits, parity } = uart.settings;
    const isRight =
      baud === BL0942_LINE.baud && dataBits === BL0942_LINE.dataBits && parity === BL0942_LINE.parity;
    if (!isRight) throw new Error(`a BL0942 talks 4800 8N1, not ${baud} ${dataBits} ${parity}`);
    const policy = counterPolicy(profile);
    this.#uart = uart;
    this.#clock = clock;
    this.#profile = profile;
    this.#accumulator = new CounterAccumulator(policy);
    this.maxPollIntervalMs = maxPollIntervalMs(policy);
    uart.listen({
      bytes: (bytes) => this.#received(bytes),
      state: (state) => {
        if (state === "down") this.#lineWentDown();
      },
    });
  }

  get counters(): MeteringIcCounters {
    return { readings: this.#readings, faults: { ...this.#faults } };
  }

  listen(listener: MeteringIcListener): void {
    if (this.#listener !== undefined) throw new Error("the driver has a listener already");
    this.#listener = listener;
  }

  poll(): "started" | "busy" | "down" {
    const { kind } = this.#state;
    if (kind !== "absent" && kind !== "ready") return "busy";
    const { address } = this.#profile;
    const written = this.#uart.write(
      kind === "ready" ? readAllRequest(address) : setUpRequest(this.#profile),
    );
    if (written !== "queued") return written;
    if (kind === "ready") this.#enter({ kind: "reading", framer: packetFramer(address) });
    else this.#enter({ kind: "setting-up", framer: registerFramer(address, REGISTER.MODE) });
    return "started";
  }

  #enter(state: State): void {
    this.#cancelTimer();
    this.#state = state;
    if (state.kind === "draining") {
      this.#cancelTimer = this.#clock.after(LATE_ANSWER_MS, () => this.#enter({ kind: state.then }));
    } else if (state.kind === "setting-up" || state.kind === "reading") {
      this.#cancelTimer = this.#clock.after(ANSWER_TIMEOUT_MS, () => this.#timedOut(state.framer));
    }
  }

  /** Bytes outside an exchange are late or nobody's, and are dropped. */
  #received(bytes: Uint8Array): void {
    const state = this.#state;
    if (state.kind !== "setting-up" && state.kind !== "reading") return;
    const answer = state.framer.push(bytes)[0];
    if (answer === undefined) return;
    if (state.kind === "setting-up") this.#modeRead(unsigned(answer, 0, 3));
    else this.#packetRead(answer);
  }

  #modeRead(mode: number): void {
    if (mode !== wantedMode(this.#profile)) {
      this.#fail("bad-frame", "absent");
      return;
    }
    const { address } = this.#profile;
    // A request that found no room or no line is answered by the time-out.
    this.#uart.write(readAllRequest(address));
    this.#enter({ kind: "reading", framer: packetFramer(address) });
  }

  #packetRead(bytes: Uint8Array): void {
    const packet = parsePacket(bytes);
    if (packet === undefined) {
      this.#fail("bad-frame", "absent");
      return;
    }
    this.#enter({ kind: "ready" });
    if (isPlausible(packet, this.#profile)) this.#book(packet);
    else this.#fault("implausible");
  }

  #book(packet: Packet): void {
    const atMs = this.#clock.monotonicMs();
    const isReverse = (packet.STATUS & STATUS.CF_REVP_F) !== 0;
    const step = this.#accumulator.accept({ atMs, count: packet.CF_CNT, isReverse });
    if (step.verdict === "reset") {
      this.#enter({ kind: "absent" });
      this.#fault("counter-reset");
    } else if (step.verdict !== "advanced") {
      this.#fault("implausible");
    }
    if (step.verdict !== "implausible") this.#report(atMs, packet, step.energy);
  }

  #report(atMs: number, packet: Packet, energy: BookedEnergy): void {
    const frequency = frequencyMillihertz(packet);
    this.#readings++;
    this.#listener?.reading({
      atMs,
      importMilliwattHours: energy.importMilliwattHours,
      exportMilliwattHours: energy.exportMilliwattHours,
      energyQuality: energy.quality,
      ...(frequency && { frequencyMillihertz: frequency }),
      phases: [phaseReading(packet, this.#profile)],
    });
  }

  #timedOut(framer: AnswerFramer): void {
    if (framer.bytesSeen === 0) this.#fail("silent", "absent");
    else this.#fail("bad-frame", this.#state.kind === "reading" ? "ready" : "absent");
  }

  #lineWentDown(): void {
    const { kind } = this.#state;
    this.#enter({ kind: "absent" });
    if (kind === "setting-up" || kind === "reading") this.#fault("silent");
  }

  #fail(fault: MeteringFault, then: "absent" | "ready"): void {
    this.#enter({ kind: "draining", then });
    this.#fault(fault);
  }

  #fault(fault: MeteringFault): void {
    this.#faults[fault]++;
    this.#listener?.fault(fault);
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
