// What a test has in its hands: a bench, emulated or real, as one and the same thing.
import type { ClockReading, ClockSetOutcome } from "../../firmware/protocol/readings/clock-reading.ts";
import type { EventReading, EventRequest } from "../../firmware/protocol/readings/event-reading.ts";
import type { Nameplate } from "../../firmware/protocol/readings/nameplate.ts";
import type { RegisterReading } from "../../firmware/protocol/readings/register-reading.ts";
import type { RelayReading } from "../../firmware/protocol/readings/relay-reading.ts";
import type { TariffPlan } from "../../firmware/protocol/readings/tariff.ts";
import type { SlotsReport } from "../../firmware/update/slots-report.ts";
import type { Direction } from "../capture/pcapng.ts";
import type { FlashResult } from "../flash/flash.ts";
import type { TimedInterval } from "../head-end/client.ts";
import type { MemberReport } from "../head-end/groups/group-reading.ts";
import type { Watcher } from "../head-end/watching.ts";

/**
 * What a test can ask for that not every bench has. `power`: a meter's supply can be cut. `time`: hours pass at once.
 * `clock-set`: the head-end may set the meter's clock. `tariff`: it may give it a tariff. `load`: the load behind the
 * meter can be set. `line-fault`: the line can be made bad. `dap`, `group`: there is a DAP, and it reads groups.
 * `relay`: the meter has one, and the head-end may switch it. `second-meter`: there are two meters or more. `flash`: the
 * meter's board takes images from afar, and the bench has one for it.
 */
export const NEEDS = [
  "power",
  "time",
  "clock-set",
  "tariff",
  "load",
  "line-fault",
  "dap",
  "group",
  "relay",
  "second-meter",
  "flash",
  "reader",
] as const;
export type Need = (typeof NEEDS)[number];

export type RigKind = "emulated" | "real" | "mixed";

/** A bench for the length of one test. Its troubles are {@link InfrastructureFault}s; what a meter does wrong is none. */
export interface Rig {
  readonly name: string;
  readonly kind: RigKind;
  /** All chance follows from it, on an emulated bench and in what is done to a real one. */
  readonly seed: number;
  readonly offers: ReadonlySet<Need>;
  /** What all patience on this bench is multiplied by; 1 on an emulated one. */
  readonly timeoutMultiplier: number;
  /** One at least. */
  readonly meters: readonly RigMeter[];
  readonly headEnd: RigHeadEnd;
  readonly dap: RigDap | undefined;
  readonly clock: RigClock;
  /** What happened so far; asked at the end of a test, also of one that failed. */
  evidence(): Promise<Evidence>;
  close(): Promise<void>;
}

export interface RigMeter {
  /** By which it proves itself. */
  readonly id: string;
  readonly kind: "emulated" | "real";
  readonly line: RigLine;
  /** Undefined where the bench cannot switch it. */
  readonly power: RigPower | undefined;
  readonly load: RigLoad | undefined;
  /** Undefined where its board takes no images from afar. */
  readonly flash: RigFlash | undefined;
  /** Comes back once the meter answers, has proved its name, and measures; rejects where that takes too long. */
  ready(): Promise<void>;
}

/** A meter's supply. */
export interface RigPower {
  off(): Promise<void>;
  /** Comes back at once; {@link RigMeter.ready} waits for the meter. */
  on(): Promise<void>;
  /**
   * Off, and on again after `offMs` (some seconds unless given). `at`: at once, or in the middle of some write to the
   * meter's storage soon after now, while the test goes on: which one, and what is left of it, is by the rig's seed. A
   * real bench cuts at some moment soon, which is what it can do.
   */
  cut(options?: { readonly offMs?: number; readonly at?: "once" | "any-write" }): Promise<void>;
}

export interface RigLoad {
  /** Draws so much from now on; a negative one feeds. */
  set(watts: number): Promise<void>;
}

/** A meter's board, given another image over the meter's own protected line. */
export interface RigFlash {
  /** An image file that is newer than all that the board has had. `sick`: one that starts and never gets well. */
  image(kind?: "sound" | "sick"): Uint8Array;
  /** Carries it there, and comes back when the board has confirmed it or gone back. Rejects with a FlashError. */
  flash(image: Uint8Array): Promise<FlashResult>;
  /** What the board has in its slots. */
  report(): Promise<SlotsReport>;
}

/** A datagram as the head-end's end of the line had it. */
export interface LineFrame {
  /** On the rig's clock. */
  readonly atMs: number;
  readonly direction: Direction;
  readonly bytes: Uint8Array;
}

/** What is done to the frames of a line, both ways; a probability for each frame, 0 to 1, where it is one. */
export interface LineFaults {
  readonly drop?: number;
  /** One bit of the frame is turned. */
  readonly flip?: number;
  readonly delayMs?: number;
  /** The frame comes in two, a moment apart. */
  readonly split?: number;
  /** Bytes that nobody sent come to both ends, so many milliseconds apart on average. */
  readonly babbleEveryMs?: number;
}

export interface RigLine {
  readonly name: string;
  /** All that came over it since the rig was opened. */
  readonly frames: readonly LineFrame[];
  /** Sends a datagram as a stranger on the line would: what comes back for it is heard by nobody. */
  inject(datagram: Uint8Array): void;
  /** From now on; undefined heals the line. Throws where the rig does not offer `line-fault`. */
  setFaults(faults: LineFaults | undefined): void;
}

/** Intervals of a load profile: quarters of an hour in steps of 1 where nothing else is said. */
export interface ProfileSpan {
  /** As `1.8.0`. */
  readonly register: string;
  /** UTC; the first interval is the one that this second lies in. */
  readonly startSeconds: number;
  /** 1 to 96. */
  readonly count: number;
  /** 0 for 15 minutes, 1 for 5, 2 for 30, 3 for 60. */
  readonly profile?: number;
  /** 1, 10, 100 or 1000 of the register's unit. */
  readonly step?: number;
}

/** A head-end's questions. Each rejects with a HeadEndError where there is no good answer. */
export interface RigHeadEnd {
  readonly id: string;
  /** Registers in the order asked for, as `1.8.0`; without any, the meter's default set. */
  readRegisters(meter: RigMeter, registers?: readonly string[]): Promise<RegisterReading>;
  readProfile(meter: RigMeter, span: ProfileSpan): Promise<readonly TimedInterval[]>;
  readNameplate(meter: RigMeter): Promise<Nameplate>;
  readEvents(meter: RigMeter, request: EventRequest): Promise<EventReading>;
  readClock(meter: RigMeter): Promise<ClockReading>;
  /** Sets the meter's clock so many milliseconds from what UTC is on this bench. */
  setClock(meter: RigMeter, offsetMs: number): Promise<ClockSetOutcome>;
  readTariff(meter: RigMeter): Promise<TariffPlan>;
  setTariff(meter: RigMeter, plan: TariffPlan): Promise<void>;
  readRelay(meter: RigMeter): Promise<RelayReading>;
  /** As an operator whose orders the meter takes. */
  switchRelay(meter: RigMeter, order: "connect" | "disconnect"): Promise<void>;
  /** Gives what stops it. */
  watchRegisters(
    meter: RigMeter,
    registers: readonly string[],
    watcher: Watcher<RegisterReading>,
  ): () => void;
  watchEvents(meter: RigMeter, from: Omit<EventRequest, "count">, watcher: Watcher<EventReading>): () => void;
  /** Asks the meter as if it were another one: a sound rig has it refused. */
  readNameplateAs(meter: RigMeter, expect: string): Promise<Nameplate>;
  /** Another head-end at the same line, which the meters do not know. */
  stranger(): Promise<RigHeadEnd>;
  /** Another head-end, which the meters know and which may only read. Throws where the rig does not offer `reader`. */
  reader(): Promise<RigHeadEnd>;
}

/** Meters behind a DAP, and the way to them. */
export interface RigDap {
  /** As the bench names it. */
  readonly name: string;
  readonly meters: readonly RigMeter[];
  /** Asks through the DAP. */
  readonly headEnd: RigHeadEnd;
  /** All of them by one group request; a report for each member, also for one that is silent. */
  readGroup(registers: readonly string[]): Promise<readonly MemberReport<RegisterReading>[]>;
}

/** The time of a bench: virtual or real, and UTC as the bench knows it. */
export interface RigClock {
  /** Since the rig was opened. */
  monotonicMs(): number;
  utcMs(): number;
  /** Lets time pass: at once on a rig that offers `time`, else as long as it takes. */
  pass(ms: number): Promise<void>;
  /**
   * Until `done` is true, asked at once and then every `everyMs` (a second unless given); false where that did not come
   * within the limit, times the multiplier.
   */
  until(done: () => boolean | Promise<boolean>, limitMs: number, everyMs?: number): Promise<boolean>;
}

/** What a load was set to stands among the registers under this name. */
export const LOAD = "load";

/** A value that the head-end read in the course of a test. */
export interface EvidencePoint {
  readonly meter: string;
  /** An OBIS code, or {@link LOAD}, in watts. */
  readonly register: string;
  /** On the rig's clock. */
  readonly atMs: number;
  readonly value: number;
}

export interface EvidenceEvent {
  readonly meter: string;
  readonly log: string;
  readonly name: string;
  readonly sequence: number;
  readonly utcSeconds: number | undefined;
  readonly details: readonly number[];
}

/** What is kept of a test. */
export interface Evidence {
  readonly seed: number;
  /** All lines in one capture, each under its name. */
  readonly framesPcapng: Uint8Array;
  /** What the rig did and what boards printed, a line each. */
  readonly console: string;
  /** Of the meters' logs, as far as they could still be asked. */
  readonly events: readonly EvidenceEvent[];
  /** What was read, for plots. */
  readonly points: readonly EvidencePoint[];
  /** Firmware of each meter, and the like. */
  readonly versions: Readonly<Record<string, string>>;
}
