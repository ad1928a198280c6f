// Which events a meter logs, where, and under which code.

/** Logs by their number on the wire. */
export const EVENT_LOGS = [
  "standard",
  "power-quality",
  "fraud",
  "security",
  "communication",
  "disconnector",
] as const;
export type LogName = (typeof EVENT_LOGS)[number];

/**
 * COSEM's objects for the logs, as the MetCom MCS301 has them (manual 1.25, 15). It has none for security: some meters
 * use 99.98.9 for that, others for something else, so that one is ours.
 */
export const LOG_OBIS: Readonly<Record<LogName, string>> = {
  standard: "0-0:99.98.0*255",
  "power-quality": "0-0:99.98.4*255",
  fraud: "0-0:99.98.1*255",
  security: "0-0:99.98.9*255",
  communication: "0-0:99.98.5*255",
  disconnector: "0-0:99.98.2*255",
};

export interface EventType {
  /** Below {@link OWN_CODES_FROM} the code is IDIS' for the same event. */
  readonly code: number;
  readonly log: LogName;
  /** True where somebody should look at it now. */
  readonly isAlarm: boolean;
  /** True where a stranger can cause it at will: it is logged at once, and then counted for a while. */
  readonly isCounted: boolean;
}

/** IDIS codes take a byte. */
export const OWN_CODES_FROM = 256;

const event = (log: LogName, code: number): EventType => ({ code, log, isAlarm: false, isCounted: false });
const alarm = (log: LogName, code: number): EventType => ({ ...event(log, code), isAlarm: true });
const counted = (log: LogName, code: number): EventType => ({ ...event(log, code), isCounted: true });
const countedAlarm = (log: LogName, code: number): EventType => ({ ...alarm(log, code), isCounted: true });

/** Codes never change their meaning; one that is given up is not used again. */
export const EVENTS = {
  "power-down": event("standard", 1),
  "power-up": event("standard", 2),
  /** Stamped with the old time, and the next one with the new time. */
  "clock-set-old-time": event("standard", 4),
  "clock-set-new-time": event("standard", 5),
  "clock-invalid": alarm("standard", 6),
  "tariff-activated": event("standard", 9),
  /** Details: the image's sequence. */
  "firmware-ready": event("standard", 17),
  "firmware-activated": event("standard", 18),
  "passive-tariff-set": event("standard", 19),
  "configuration-changed": event("standard", 47),
  /** Details: which register, by its number in the register table. */
  "register-lost": alarm("standard", 256),
  /** Details: number of the log, first sequence number that nobody has read and that is gone. */
  "log-overflow": alarm("standard", 257),
  "clock-doubtful": event("standard", 258),
  /** Details: seconds that the board's clock was set by. */
  "board-clock-set": counted("standard", 259),
  /** The metering part does not answer although the line is up. Details: seconds. */
  "metering-part-silent": alarm("standard", 260),
  "metering-part-back": event("standard", 261),
  /** An image on trial was not confirmed: the one before runs again. Details: its sequence. */
  "firmware-rolled-back": alarm("standard", 273),

  "terminal-cover-removed": alarm("fraud", 40),
  "terminal-cover-closed": event("fraud", 41),
  "magnet-present": alarm("fraud", 42),
  "magnet-gone": event("fraud", 43),
  "cover-removed": alarm("fraud", 44),
  "cover-closed": event("fraud", 45),
  "neutral-missing": alarm("fraud", 89),
  /** Details: Wh exported so far. */
  "reverse-energy": alarm("fraud", 91),
  "neutral-back": event("fraud", 262),
  /** Details: Wh exported in all, seconds. */
  "reverse-energy-end": event("fraud", 263),

  /** Details: millivolts. */
  "undervoltage-l1": event("power-quality", 76),
  "undervoltage-l2": event("power-quality", 77),
  "undervoltage-l3": event("power-quality", 78),
  "overvoltage-l1": event("power-quality", 79),
  "overvoltage-l2": event("power-quality", 80),
  "overvoltage-l3": event("power-quality", 81),
  "voltage-missing-l1": alarm("power-quality", 82),
  "voltage-missing-l2": alarm("power-quality", 83),
  "voltage-missing-l3": alarm("power-quality", 84),
  /** Details: millivolts at the worst, seconds that it took. */
  "voltage-normal-l1": event("power-quality", 85),
  "voltage-normal-l2": event("power-quality", 86),
  "voltage-normal-l3": event("power-quality", 87),

  /** Details of all these: how many. */
  "authentication-failed": counted("security", 46),
  "decryption-failed": counted("security", 49),
  "replay-refused": counted("security", 50),
  "access-refused": counted("security", 264),
  /** Somebody sends forgery after forgery in the name of a session. */
  "forgery-flood": countedAlarm("security", 267),
  /** Details: how many; then, where it is one: who (0 head-end, 1 DAP, 2 board), why (its place in `REFUSAL_REASONS`). */
  "clock-set-refused": counted("security", 265),
  /** An order of a head-end that may switch, which no operator has signed for this meter and this moment. */
  "relay-order-refused": counted("security", 268),

  /** An image that its author has not made so. Details: how many; then, where it is one: why (its place in `UPDATE_REFUSALS`). */
  "firmware-verification-failed": counted("security", 51),

  "key-rotation-begun": event("security", 271),
  "key-rotated": event("security", 272),

  /** Details: tenths of the padding factor. */
  "profile-padding-raised": event("communication", 266),

  "ready-for-reconnection": event("disconnector", 59),
  "manual-connection": event("disconnector", 61),
  "remote-disconnection": event("disconnector", 62),
  "remote-connection": event("disconnector", 63),
  "local-disconnection": event("disconnector", 64),
  /** Details: watts. */
  "limit-exceeded": event("disconnector", 65),
  /** Details: watts, seconds; none where there is no limit any more. */
  "limit-changed": event("disconnector", 67),
  /** The contacts are not where they have to be. Details: where that is, 0 open, 1 closed. */
  "relay-failure": alarm("disconnector", 68),
  "local-connection": event("disconnector", 69),
  "relay-obeys": event("disconnector", 269),
  /** A start found the contacts elsewhere. Details: where they were driven to, 0 open, 1 closed. */
  "relay-restored": event("disconnector", 270),
} as const satisfies Readonly<Record<string, EventType>>;

export type EventName = keyof typeof EVENTS;

const EVENT_NAMES = Object.keys(EVENTS) as EventName[];
const NAMES_BY_CODE: ReadonlyMap<number, EventName> = new Map(
  EVENT_NAMES.map((name) => [EVENTS[name].code, name]),
);

/** The event with this code; undefined for one that this version does not know. */
export function eventNameOf(code: number): EventName | undefined {
  return NAMES_BY_CODE.get(code);
}
