// The meter: what it has measured, and the resources that a head-end asks for it.

import type { CryptoEngine } from "../hal/ports/crypto.ts";
import type { MeteringReading, PhaseReading } from "../hal/ports/metering-ic.ts";
import type { StorageResult } from "../hal/ports/storage.ts";
import {
  EnergyEngine,
  type EnergyEngineOptions,
  type EnergyEngineState,
  type SavedEngine,
} from "./metrology/energy-engine.ts";
import type { ClockChange, MeterTime } from "./metrology/interval-cutter.ts";
import { intervalsInSteps } from "./metrology/interval-profile.ts";
import { energyOf } from "./metrology/quantities.ts";
import { encodeCbor } from "./protocol/cbor.ts";
import { encodeLinkFormat } from "./protocol/coap/link-format.ts";
import {
  answerWith,
  bareAnswer,
  CODE,
  type CoapContent,
  FORMAT,
  findOption,
  isCritical,
  OPTION,
  pathOf,
} from "./protocol/coap/message.ts";
import { STATUS } from "./protocol/readings/answer-fields.ts";
import { PADDING_TENTHS, type PaddingTenths } from "./protocol/readings/interval-block.ts";
import { encodeNameplate, type Nameplate, type NameplateCounters } from "./protocol/readings/nameplate.ts";
import type { Obis } from "./protocol/readings/obis.ts";
import {
  decodeProfileRequest,
  encodeProfileReading,
  type ProfileRequest,
} from "./protocol/readings/profile-reading.ts";
import {
  decodeRegisterRequest,
  encodeRegisterReading,
  type RegisterEntry,
} from "./protocol/readings/register-reading.ts";
import { DEFAULT_REGISTERS } from "./protocol/readings/register-table.ts";
import type { Resources } from "./protocol/secure-server.ts";

/** How this meter is set and what its plate says; the same for every meter of a group. */
export interface MeterConfiguration {
  readonly serialNumber: string;
  readonly type: string;
  /** Block of flats or line of houses that the meter is read with; empty for none. */
  readonly block: string;
  readonly chargingPolicyId: string;
  readonly firmwareVersion: string;
  /** 8 to 32 leading bytes of the SHA-256 over the firmware. */
  readonly firmwareDigest: Uint8Array;
  readonly accuracyClass: string;
  readonly impulsesPerKilowattHour: number;
  /** True where time or load is played, not lived: every answer says so. */
  readonly simulated: boolean;
}

/** What the meter reads of the board around it when it is asked. */
export interface MeterSurroundings {
  readonly crypto: CryptoEngine;
  readonly chip: string;
  /** UTC in milliseconds, or undefined while the clock is not set. */
  readonly utcMs: () => number | undefined;
  readonly counters: () => NameplateCounters;
  /** How old a reading of the part may be before its instant values are no longer given, on the monotonic clock. */
  readonly monotonicMs: () => number;
  readonly staleAfterMs: () => number;
  /** Makes durable what was measured, before an answer shows it; a meter that keeps nothing has none. */
  readonly makeDurable?: (() => StorageResult) | undefined;
}

const IMPORT: Obis = "1-0:1.8.0*255";
/** 190 days of quarter-hours, the depth that utility meters have. */
export const PROFILE_ROWS = 18_240;
const PROFILE = { periodSeconds: 900, capacity: PROFILE_ROWS, channels: [IMPORT] } as const;
/** A block that did not fit raises the padding for this long: a single long day would tell of itself. */
const RAISED_PADDING_SECONDS = 30 * 86_400;
const DIGEST_BYTES = 8;

const NOT_STORED = bareAnswer(CODE.serviceUnavailable, "what was measured cannot be stored");

/** How this meter bills; without any it has totals and a load profile. */
export type MeterBilling = Pick<EnergyEngineOptions, "tariff" | "demand" | "isDaylightSaving" | "onRow">;

interface Taken {
  readonly reading: MeteringReading;
  readonly atMs: number;
}

/** Serves a meter's resources to a head-end that has proved itself; it never reaches for time or chance itself. */
export class Meter implements Resources {
  readonly #configuration: MeterConfiguration;
  readonly #around: MeterSurroundings;
  readonly #startedAtMs: number;
  readonly #engine: EnergyEngine;
  readonly #isNew: boolean;
  #last: Taken | undefined;
  #padding: PaddingTenths = PADDING_TENTHS[0];
  #paddingUntilSeconds = 0;

  constructor(
    configuration: MeterConfiguration,
    surroundings: MeterSurroundings,
    billing: MeterBilling = {},
    saved?: SavedEngine,
  ) {
    this.#configuration = configuration;
    this.#around = surroundings;
    this.#isNew = saved === undefined;
    this.#startedAtMs = surroundings.monotonicMs();
    this.#engine = new EnergyEngine({ profiles: [PROFILE], ...billing }, this.#time(), saved);
  }

  /** Short, as anybody may ask for it in the name of somebody else: less than three times the question. */
  readonly links = encodeLinkFormat([
    { path: "r" },
    { path: "p" },
    { path: "i" },
    { path: "k", attributes: { rt: "core.edhoc" } },
  ]);

  /** Import register in whole watt-hours, as 1-0:1.8.0*255 publishes it. */
  get importWattHours(): number {
    return Math.floor((this.#engine.energyMilli(IMPORT) ?? 0) / 1000);
  }

  /** What the LED has to have shown since the meter was made. */
  get pulses(): number {
    return this.#engine.pulses(this.#configuration.impulsesPerKilowattHour);
  }

  /** For a journal: all but the rows, which `onRow` has told. */
  state(): EnergyEngineState {
    return this.#engine.state();
  }

  /** To be told by the owner of the clock, right after the clock has changed. */
  clockChanged(change: ClockChange): void {
    this.#engine.clockChanged(change, this.#time());
  }

  /** Books what one poll of the metering part found. */
  take(reading: MeteringReading): void {
    this.#last = { reading, atMs: this.#around.monotonicMs() };
    this.#engine.book(energyOf(reading), this.#time());
  }

  serve({ content }: { readonly content: CoapContent }): CoapContent {
    const unknown = content.options.find(({ number }) => isCritical(number) && !SERVED_OPTIONS.has(number));
    if (unknown !== undefined)
      return bareAnswer(CODE.badOption, `option ${unknown.number} is not known here`);
    const resource = this.#resources.get(pathOf(content) ?? "");
    if (resource === undefined) return bareAnswer(CODE.notFound, "no such resource");
    const method = resource.get(content.code);
    if (method === undefined) return bareAnswer(CODE.methodNotAllowed, "no such method here");
    if (!isAcceptable(content)) return bareAnswer(CODE.notAcceptable, "answers are CBOR");
    if (content.payload.length > 0 && !hasFormat(content, OPTION.contentFormat, FORMAT.cbor)) {
      return bareAnswer(CODE.unsupportedContentFormat, "bodies are CBOR");
    }
    return method(content.payload);
  }

  readonly #resources: ReadonlyMap<string, ReadonlyMap<number, (body: Uint8Array) => CoapContent>> = new Map([
    [
      "r",
      new Map([
        [CODE.get, () => this.#registers(DEFAULT_REGISTERS)],
        [CODE.fetch, (body: Uint8Array) => this.#registersAsked(body)],
      ]),
    ],
    ["p", new Map([[CODE.fetch, (body: Uint8Array) => this.#intervalsAsked(body)]])],
    ["i", new Map([[CODE.get, () => this.#plate()]])],
  ]);

  #registersAsked(body: Uint8Array): CoapContent {
    const registers = decodeRegisterRequest(body);
    return registers === undefined
      ? bareAnswer(CODE.badRequest, "no list of registers")
      : this.#registers(registers);
  }

  #intervalsAsked(body: Uint8Array): CoapContent {
    const request = decodeProfileRequest(body);
    return request === undefined
      ? bareAnswer(CODE.badRequest, "no profile request")
      : this.#intervals(request);
  }

  #plate(): CoapContent {
    return answerWith(CODE.content, FORMAT.cbor, encodeNameplate(this.#nameplate()));
  }

  #registers(registers: readonly Obis[]): CoapContent {
    if (!this.#isDurable()) return NOT_STORED;
    const entries = registers.map((register) => this.#register(register));
    const body = encodeRegisterReading({ timeSeconds: this.#utcSeconds(), status: this.#status(), entries });
    return answerWith(CODE.content, FORMAT.cbor, body);
  }

  #register(register: Obis): RegisterEntry {
    const billed = this.#engine.published(register);
    if (billed !== "not-in-meter") return this.#billedEntry(register, billed);
    const instant = INSTANT_REGISTERS[register];
    if (instant === undefined) return { register, quality: "not-in-meter" };
    const measurement = this.#isFresh() && this.#last !== undefined ? instant(this.#last.reading) : undefined;
    return measurement === undefined ? { register, quality: "unavailable" } : { register, ...measurement };
  }

  /** Until the part of a new meter has answered once, the register stands at what nobody has measured. */
  #billedEntry(register: Obis, value: number | "unavailable"): RegisterEntry {
    if (value === "unavailable" || (this.#isNew && this.#last === undefined))
      return { register, quality: "unavailable" };
    return { register, quality: "measured", value };
  }

  #intervals(request: ProfileRequest): CoapContent {
    const profile = this.#engine.profile(request.profile);
    const channel = profile?.channels.indexOf(request.register) ?? -1;
    if (profile === undefined || channel < 0) return bareAnswer(CODE.notFound, "no profile of that register");
    if (!this.#isDurable()) return NOT_STORED;
    const rows = profile.read(request.startSeconds, request.count, channel);
    const startSeconds = rows[0]?.startSeconds ?? request.startSeconds;
    const intervals = intervalsInSteps(rows, request.step);
    const timeSeconds = this.#utcSeconds();
    for (const padding of PADDING_TENTHS.slice(PADDING_TENTHS.indexOf(this.#paddingNow()))) {
      const body = encodeProfileReading({ timeSeconds, startSeconds, intervals }, request, padding);
      if (body === undefined) continue;
      if (padding !== this.#paddingNow()) this.#raisePadding(padding);
      return answerWith(CODE.content, FORMAT.cbor, body);
    }
    return bareAnswer(CODE.internalServerError, "the intervals fit no answer: ask for a larger step");
  }

  /** Nothing is told that a power cut could take back. */
  #isDurable(): boolean {
    return (this.#around.makeDurable?.() ?? "done") === "done";
  }

  #paddingNow(): PaddingTenths {
    return (this.#utcSeconds() ?? 0) < this.#paddingUntilSeconds ? this.#padding : PADDING_TENTHS[0];
  }

  #raisePadding(padding: PaddingTenths): void {
    this.#padding = padding;
    this.#paddingUntilSeconds = (this.#utcSeconds() ?? 0) + RAISED_PADDING_SECONDS;
  }

  #nameplate(): Nameplate {
    const { simulated: _, ...plate } = this.#configuration;
    return {
      ...plate,
      configurationDigest: this.#configurationDigest(),
      chip: this.#around.chip,
      clockStatus: this.#status(),
      counters: this.#around.counters(),
    };
  }

  /** Over what meters of one group must have in common: how they measure, bill and answer. */
  #configurationDigest(): Uint8Array {
    const { type, accuracyClass, impulsesPerKilowattHour, firmwareVersion } = this.#configuration;
    const common = [
      type,
      accuracyClass,
      impulsesPerKilowattHour,
      firmwareVersion,
      PROFILE.periodSeconds,
      [...DEFAULT_REGISTERS],
    ];
    return this.#around.crypto.sha256(encodeCbor(common)).slice(0, DIGEST_BYTES);
  }

  #status(): number {
    const clock = this.#around.utcMs() === undefined ? STATUS.clockInvalid : 0;
    return clock | (this.#configuration.simulated ? STATUS.simulatedTime : 0);
  }

  #isFresh(): boolean {
    return (
      this.#last !== undefined && this.#around.monotonicMs() - this.#last.atMs <= this.#around.staleAfterMs()
    );
  }

  #utcSeconds(): number | undefined {
    const utcMs = this.#around.utcMs();
    return utcMs === undefined ? undefined : Math.floor(utcMs / 1000);
  }

  #time(): MeterTime {
    const utcMs = this.#around.utcMs();
    const bootSeconds = (this.#around.monotonicMs() - this.#startedAtMs) / 1000;
    return { utcSeconds: utcMs === undefined ? undefined : utcMs / 1000, bootSeconds };
  }
}

/** Options that a request may carry; any other critical one is refused (RFC 7252 5.4.1). */
const SERVED_OPTIONS: ReadonlySet<number> = new Set([
  OPTION.uriHost,
  OPTION.uriPort,
  OPTION.uriPath,
  OPTION.accept,
]);

type Value = { readonly value: number; readonly quality: "measured" | "derived" } | undefined;

/** Instant registers by OBIS code, in their published unit and scaler. */
const INSTANT_REGISTERS: Readonly<Record<Obis, (reading: MeteringReading) => Value>> = {
  "1-0:1.7.0*255": (reading) => activePower(reading, (milliwatts) => Math.max(0, milliwatts)),
  "1-0:2.7.0*255": (reading) => activePower(reading, (milliwatts) => Math.max(0, -milliwatts)),
  "1-0:16.7.0*255": (reading) => activePower(reading, (milliwatts) => milliwatts),
  "1-0:32.7.0*255": ({ phases }) => scaled(phases[0]?.voltageMillivolts, 100),
  "1-0:31.7.0*255": ({ phases }) => phases[0]?.currentMilliamperes,
  "1-0:14.7.0*255": ({ frequencyMillihertz }) => frequencyMillihertz,
};

function activePower({ phases }: MeteringReading, part: (milliwatts: number) => number): Value {
  const power = total(phases);
  return power === undefined ? undefined : scaled({ ...power, value: part(power.value) }, 1000);
}

/** The sum over phases; undefined as soon as one is unknown: part of a sum is no sum. */
function total(phases: readonly PhaseReading[]): Value {
  let sum = 0;
  let quality: "measured" | "derived" = "measured";
  for (const { activePowerMilliwatts: power } of phases) {
    if (power === undefined) return undefined;
    sum += power.value;
    if (power.quality === "derived") quality = "derived";
  }
  return phases.length === 0 ? undefined : { value: sum, quality };
}

function scaled(measurement: Value, divisor: number): Value {
  return measurement && { ...measurement, value: Math.round(measurement.value / divisor) };
}

function isAcceptable(content: CoapContent): boolean {
  return findOption(content, OPTION.accept) === undefined || hasFormat(content, OPTION.accept, FORMAT.cbor);
}

function hasFormat(content: CoapContent, option: number, format: number): boolean {
  const value = findOption(content, option);
  return value !== undefined && value.length === 1 && value[0] === format;
}
