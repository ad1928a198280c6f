// Which resources a meter has.
import type { StorageResult } from "../../hal/ports/storage.ts";
import type { WallClock } from "../clock/wall-clock.ts";
import type { EventLog } from "../events/event-log.ts";
import type { Meter } from "../meter.ts";
import type { Memberships } from "../protocol/group/memberships.ts";
import { encodeNameplate, type NameplateCounters } from "../protocol/readings/nameplate.ts";
import { clockResource } from "./clock.ts";
import { eventResource } from "./events.ts";
import { groupResource } from "./groups.ts";
import { intervalResource } from "./intervals.ts";
import { type KeyParts, keyResource } from "./keys.ts";
import { nameplateResource } from "./nameplate.ts";
import { OBSERVE_PERIOD_MS } from "./observed.ts";
import { registerResource, senmlRegisterResource } from "./registers.ts";
import { type RelayParts, relayResource } from "./relay.ts";
import type { AnswerParts } from "./resource.ts";
import { MeterResources, type MeterResourcesOptions } from "./resources.ts";
import { type StatementParts, statementResource } from "./statements.ts";
import { tariffResource } from "./tariff.ts";
import { type UpdateParts, updateResource } from "./update.ts";

export interface MeterResourcesParts {
  readonly meter: Meter;
  readonly clock: Pick<WallClock, "state" | "status" | "driftPpm" | "challenge" | "propose">;
  readonly log: Pick<EventLog, "record" | "read" | "last" | "acknowledge">;
  /** Undefined for a meter without a relay, which has no such resource. */
  readonly relay?: Omit<RelayParts, "log"> | undefined;
  /** Undefined for a meter whose key is somebody else's to keep: it cannot make another. */
  readonly keys?: Omit<KeyParts, "log"> | undefined;
  /** Undefined for a meter whose program is somebody else's to replace. */
  readonly updates?: Omit<UpdateParts, "log"> | undefined;
  readonly memberships: Pick<Memberships, "join" | "leave">;
  /** What a peer may do. */
  readonly rightsOf: MeterResourcesOptions["rightsOf"];
  /** The metering part's name. */
  readonly chip: string;
  readonly configurationDigest: Uint8Array;
  /** What a power cut can take of what was used; undefined for a meter that keeps nothing. */
  readonly maxLossWattHours: () => number | undefined;
  readonly counters: () => NameplateCounters;
  /** How often an observer of registers is told; a minute unless given. */
  readonly observePeriodMs?: number | undefined;
  /** Undefined for a meter that keeps nothing, which states nothing either. */
  readonly statements: StatementParts | undefined;
  /** Makes durable what was measured and logged, before an answer shows it. */
  readonly makeDurable: () => StorageResult;
  /** Told when a reader has caught up with a log: to be stored. */
  readonly onAcknowledged: () => void;
}

const NOTHING_COUNTED: NameplateCounters = {
  meteringReadings: 0,
  meteringFaults: 0,
  receivedDatagrams: 0,
  rejectedFrames: 0,
  refusedMessages: 0,
};

/** What the meter has. A plate that cannot be told throws. */
export function meterResources(all: MeterResourcesParts): MeterResources {
  const { meter, clock, log } = all;
  const { simulated, zone, ...plate } = meter.configuration;
  const parts: AnswerParts = {
    utcSeconds: () => meter.utcSeconds,
    clockState: () => clock.state,
    simulated,
    makeDurable: all.makeDurable,
  };
  const acknowledge: EventLog["acknowledge"] = (...read) => {
    const isNew = log.acknowledge(...read);
    if (isNew) all.onAcknowledged();
    return isNew;
  };
  const plateWith = (counters: NameplateCounters) => ({
    serialNumber: plate.serialNumber,
    type: plate.type,
    block: plate.block,
    configurationDigest: all.configurationDigest,
    chargingPolicyId: plate.chargingPolicyId,
    firmwareVersion: plate.firmwareVersion,
    firmwareDigest: plate.firmwareDigest,
    chip: all.chip,
    accuracyClass: plate.accuracyClass,
    impulsesPerKilowattHour: plate.impulsesPerKilowattHour,
    maxLossWattHours: all.maxLossWattHours() ?? null,
    counters,
  });
  // One that cannot be told is a bug of the composition: it throws now, and not at whoever reads it.
  encodeNameplate({ ...plateWith(NOTHING_COUNTED), clockStatus: 0 });
  const registerParts = { ...parts, observePeriodMs: all.observePeriodMs ?? OBSERVE_PERIOD_MS };
  const byPath = {
    r: registerResource(meter, registerParts),
    p: intervalResource(meter, log, parts),
    e: eventResource({ read: (...page) => log.read(...page), acknowledge }, parts),
    c: clockResource(clock, zone, parts),
    t: tariffResource(meter, parts),
    s: statementResource(meter, all.statements, parts),
    g: groupResource(all.memberships),
    ...(all.relay && { l: relayResource({ ...all.relay, log }, parts) }),
    i: nameplateResource(() => plateWith(all.counters()), parts),
    ...(all.keys && { x: keyResource({ ...all.keys, log }, parts) }),
    ...(all.updates && { u: updateResource({ ...all.updates, log }) }),
  };
  return new MeterResources(byPath, {
    inSenml: { r: senmlRegisterResource(meter, registerParts) },
    rightsOf: all.rightsOf,
    onForbidden: () => log.record("access-refused"),
    otherLinks: [{ path: "k", attributes: { rt: "core.edhoc" } }],
  });
}
