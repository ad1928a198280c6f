// A head-end's questions as tests ask them: of a meter of the rig, in the rig's time, and noted.
import type { Identity } from "../../firmware/identity/identity.ts";
import type { ClockReading, ClockSetOutcome } from "../../firmware/protocol/readings/clock-reading.ts";
import type { EventReading, EventRequest } from "../../firmware/protocol/readings/event-reading.ts";
import type { Nameplate } from "../../firmware/protocol/readings/nameplate.ts";
import type { RegisterReading } from "../../firmware/protocol/readings/register-reading.ts";
import type { RelayReading } from "../../firmware/protocol/readings/relay-reading.ts";
import type { TariffPlan } from "../../firmware/protocol/readings/tariff.ts";
import type { CryptoEngine } from "../../hal/ports/crypto.ts";
import type { Answer, HeadEnd, Target, TimedInterval } from "../head-end/client.ts";
import { HeadEndError } from "../head-end/errors.ts";
import type { LinePlace } from "../head-end/groups/group-reader.ts";
import { switchRelay } from "../head-end/switching.ts";
import type { StopWatch, Watcher } from "../head-end/watching.ts";
import { InfrastructureFault } from "./infrastructure.ts";
import { obisOf } from "./readings.ts";
import type { Recorder } from "./recorder.ts";
import type { ProfileSpan, RigHeadEnd, RigMeter } from "./rig.ts";
import type { RigTime } from "./time.ts";

export interface RigHeadEndParts {
  readonly id: string;
  readonly time: RigTime;
  readonly crypto: CryptoEngine;
  readonly recorder: Recorder;
  /** Where a meter is asked; throws an {@link InfrastructureFault} where its line is not there. */
  readonly placeOf: (meter: RigMeter) => LinePlace;
  /** Who signs orders to relays; undefined where the bench has nobody. */
  readonly operator: Identity | undefined;
  readonly stranger: () => RigHeadEnd;
  readonly reader: () => RigHeadEnd;
}

type Question<Body> = (headEnd: HeadEnd, target: Target) => Promise<Answer<Body>>;

export class AskingHeadEnd implements RigHeadEnd {
  readonly id: string;
  readonly #parts: RigHeadEndParts;

  constructor(parts: RigHeadEndParts) {
    this.id = parts.id;
    this.#parts = parts;
  }

  async readRegisters(meter: RigMeter, registers: readonly string[] = []): Promise<RegisterReading> {
    const reading = await this.#ask(meter, (headEnd, to) => headEnd.readRegisters(to, registers.map(obisOf)));
    this.#parts.recorder.read(meter.id, reading);
    return reading;
  }

  readProfile(meter: RigMeter, span: ProfileSpan): Promise<readonly TimedInterval[]> {
    const request = { profile: 0, step: 1, ...span, register: obisOf(span.register) };
    return this.#ask(meter, (headEnd, to) => headEnd.readProfile(to, request));
  }

  async readNameplate(meter: RigMeter): Promise<Nameplate> {
    const plate = await this.#ask(meter, (headEnd, to) => headEnd.readNameplate(to));
    this.#parts.recorder.version(`firmware of ${meter.id}`, plate.firmwareVersion);
    return plate;
  }

  readEvents(meter: RigMeter, request: EventRequest): Promise<EventReading> {
    return this.#ask(meter, (headEnd, to) => headEnd.readEvents(to, request));
  }

  readClock(meter: RigMeter): Promise<ClockReading> {
    return this.#ask(meter, (headEnd, to) => headEnd.readClock(to));
  }

  /** Half a round trip after now and a whole one more, as the meter first asks for proof that the set is of now. */
  async setClock(meter: RigMeter, offsetMs: number): Promise<ClockSetOutcome> {
    const { clock } = this.#parts.time;
    await this.readClock(meter);
    return this.#ask(meter, async (headEnd, to) => {
      const { body, size } = await headEnd.readClock(to);
      if (body.challenge.length === 0)
        throw new HeadEndError("identity", `${meter.id} does not let this head-end set its clock.`);
      const utcMs = Math.round((clock.utcMs() ?? 0) + offsetMs + 1.5 * size.milliseconds);
      return headEnd.setClock(to, { utcMs, challenge: body.challenge });
    });
  }

  readTariff(meter: RigMeter): Promise<TariffPlan> {
    return this.#ask(meter, (headEnd, to) => headEnd.readTariff(to));
  }

  async setTariff(meter: RigMeter, plan: TariffPlan): Promise<void> {
    await this.#ask(meter, (headEnd, to) => headEnd.setTariff(to, plan));
  }

  readRelay(meter: RigMeter): Promise<RelayReading> {
    return this.#ask(meter, (headEnd, to) => headEnd.readRelay(to));
  }

  async switchRelay(meter: RigMeter, order: "connect" | "disconnect"): Promise<void> {
    const { operator, time, crypto } = this.#parts;
    if (operator === undefined)
      throw new InfrastructureFault(
        'This bench has no operator who may switch: give headEnd.operator in its file, or ask by needs("relay").',
      );
    const { clock } = time;
    await this.#ask(meter, (headEnd, to) =>
      switchRelay({ headEnd, clock, crypto, operator }, to, { kind: order }),
    );
  }

  watchRegisters(
    meter: RigMeter,
    registers: readonly string[],
    watcher: Watcher<RegisterReading>,
  ): StopWatch {
    const { headEnd, target } = this.#parts.placeOf(meter);
    return headEnd.watchRegisters(target, registers.map(obisOf), {
      ...watcher,
      onReading: (notification) => {
        this.#parts.recorder.read(meter.id, notification.body);
        watcher.onReading(notification);
      },
    });
  }

  watchEvents(meter: RigMeter, from: Omit<EventRequest, "count">, watcher: Watcher<EventReading>): StopWatch {
    const { headEnd, target } = this.#parts.placeOf(meter);
    return headEnd.watchEvents(target, from, watcher);
  }

  readNameplateAs(meter: RigMeter, expect: string): Promise<Nameplate> {
    return this.#ask(meter, (headEnd, to) => headEnd.readNameplate({ ...to, expect }));
  }

  async stranger(): Promise<RigHeadEnd> {
    return this.#parts.stranger();
  }

  async reader(): Promise<RigHeadEnd> {
    return this.#parts.reader();
  }

  async #ask<Body>(meter: RigMeter, question: Question<Body>): Promise<Body> {
    const { headEnd, target } = this.#parts.placeOf(meter);
    const { body } = await this.#parts.time.wait(question(headEnd, target));
    return body;
  }
}
