import type { Cancel } from "../../ports/clock.ts";
import type {
  MeteringFault,
  MeteringIc,
  MeteringIcCounters,
  MeteringIcListener,
  PhaseReading,
} from "../../ports/metering-ic.ts";
import { largestPowerMilliwatts } from "../installation.ts";
import { lineFault } from "../line-settings.ts";
import { MeteringReports } from "../reports.ts";
import type { UartBus } from "../uart-bus.ts";
import { type Frame, isPlausible, isSamePart, parseFrame, phaseReading } from "./decode.ts";
import { Cse7766Follower } from "./follower.ts";
import { frameFramer } from "./framer.ts";
import { CSE7766_LINE, type Cse7766Profile, FRAME_INTERVAL_MS } from "./registers.ts";

/** Without a good frame in this many frames' time a poll has failed; one or two may be damaged or late. */
const FRAMES_UNTIL_FAILED = 7;

/** `refused`: why the last sound frame since the poll was not believed. */
type Poll =
  | { readonly kind: "none" }
  | {
      readonly kind: "open";
      readonly bytesSeenBefore: number;
      readonly cancel: Cancel;
      refused: MeteringFault | undefined;
    };

interface TimedFrame {
  readonly frame: Frame;
  readonly atMs: number;
}

/**
 * The part as it streams, whoever polls: every frame is taken in, so that the counter's wraps are seen
 * at the rate of frames, and a poll is answered by the first good frame after it. The part has no
 * sign: what an installation feeds counts as drawn.
 */
export class Cse7766 implements MeteringIc {
  readonly part = "cse7766";
  /** The counter is followed without polls, and the sum between two of them has room for ages. */
  readonly maxPollIntervalMs = Number.POSITIVE_INFINITY;
  readonly largestPowerMilliwatts: number;
  readonly #bus: UartBus;
  readonly #profile: Cse7766Profile;
  readonly #reports = new MeteringReports();
  #framer = frameFramer();
  /** The plausible frame before. */
  #before: TimedFrame | undefined;
  #follower: Cse7766Follower | undefined;
  /** Energy since the last reading; undefined until the first, which only sets the baseline. */
  #milliwattHours: number | undefined;
  /** What went wrong since the last reading, to be told with the next. */
  readonly #troubles = new Set<MeteringFault>();
  #poll: Poll = { kind: "none" };

  /** Throws where the line is not set as the part needs it: wrong parity seems to work, and damages bytes. */
  constructor(bus: UartBus, profile: Cse7766Profile) {
    const fault = lineFault("CSE7766", CSE7766_LINE, bus.settings);
    if (fault !== undefined) throw new Error(fault);
    this.#bus = bus;
    this.#profile = profile;
    this.largestPowerMilliwatts = largestPowerMilliwatts(profile);
    bus.stream({ bytes: (bytes) => this.#received(bytes), lineDown: () => this.#lineWentDown() });
  }

  get counters(): MeteringIcCounters {
    return this.#reports.counters;
  }

  listen(listener: MeteringIcListener): void {
    this.#reports.listen(listener);
  }

  poll(): "started" | "busy" | "down" {
    if (this.#poll.kind === "open") return "busy";
    if (this.#bus.state === "down") return "down";
    this.#poll = {
      kind: "open",
      bytesSeenBefore: this.#framer.bytesSeen,
      cancel: this.#bus.clock.after(FRAMES_UNTIL_FAILED * FRAME_INTERVAL_MS, () => this.#timedOut()),
      refused: undefined,
    };
    return "started";
  }

  #received(bytes: Uint8Array): void {
    for (const bytesOfFrame of this.#framer.push(bytes)) {
      const frame = parseFrame(bytesOfFrame);
      if (frame === undefined) this.#refuse("part-fault");
      else this.#judge(frame);
    }
  }

  /** Constants of the part are believed when two frames in a row agree: the sum lets some damage pass. */
  #judge(frame: Frame): void {
    const before = this.#before;
    if (!isPlausible(frame, this.#profile)) {
      this.#refuse("implausible");
      return;
    }
    this.#before = { frame, atMs: this.#bus.clock.monotonicMs() };
    if (before === undefined) return;
    if (isSamePart(before.frame, frame)) this.#take(frame, before);
    else this.#refuse("implausible");
  }

  #take(frame: Frame, before: TimedFrame): void {
    if (this.#follower === undefined || !this.#follower.isOf(frame)) {
      if (this.#follower !== undefined) this.#troubles.add("energy-gap");
      this.#follower = new Cse7766Follower(before.frame, before.atMs, this.#profile);
    }
    const { fault, energy, power } = this.#follower.accept(frame, this.#bus.clock.monotonicMs());
    if (energy === undefined) {
      this.#refuse(fault ?? "implausible");
      return;
    }
    if (fault !== undefined) this.#troubles.add(fault);
    if (this.#milliwattHours !== undefined) this.#milliwattHours += energy.milliwattHours;
    if (this.#poll.kind === "open") this.#report(phaseReading(frame, power, this.#profile));
  }

  #refuse(fault: MeteringFault): void {
    this.#troubles.add(fault);
    if (this.#poll.kind === "open") this.#poll.refused = fault;
  }

  #report(phase: PhaseReading): void {
    this.#endPoll();
    const troubles = [...this.#troubles];
    this.#troubles.clear();
    for (const trouble of troubles) this.#reports.fault(trouble);
    const importMilliwattHours = this.#milliwattHours ?? 0;
    this.#milliwattHours = 0;
    this.#reports.reading({
      atMs: this.#bus.clock.monotonicMs(),
      importMilliwattHours,
      exportMilliwattHours: 0,
      energyQuality: troubles.includes("energy-gap") ? "derived" : "measured",
      phases: [phase],
    });
  }

  #timedOut(): void {
    const poll = this.#poll;
    if (poll.kind !== "open") return;
    const isSilent = this.#framer.bytesSeen === poll.bytesSeenBefore;
    this.#fail(poll.refused ?? (isSilent ? "silent" : "bad-frame"));
  }

  #lineWentDown(): void {
    this.#framer = frameFramer();
    this.#before = undefined;
    if (this.#poll.kind === "open") this.#fail("silent");
  }

  #fail(fault: MeteringFault): void {
    this.#endPoll();
    this.#troubles.delete(fault);
    this.#reports.fault(fault);
  }

  #endPoll(): void {
    if (this.#poll.kind === "open") this.#poll.cancel();
    this.#poll = { kind: "none" };
  }
}
