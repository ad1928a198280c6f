// How a served meter bills: its place, its profiles, its demand and its tariff.
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { type Command, InvalidArgumentError, Option } from "commander";
import { TimeZone } from "../../firmware/calendar/time-zone.ts";
import { isTimeMs } from "../../firmware/clock/set-rules.ts";
import {
  HOUSEHOLD_BILLING,
  type MeterBilling,
  type MeterConfiguration,
} from "../../firmware/configuration.ts";
import { PADDING_TENTHS, type PaddingTenths } from "../../firmware/protocol/readings/interval-block.ts";
import { isPlateText } from "../../firmware/protocol/readings/nameplate.ts";
import { PROFILE_PERIOD_SECONDS } from "../../firmware/protocol/readings/profile-reading.ts";
import type { TariffPlan, TariffTable } from "../../firmware/protocol/readings/tariff.ts";
import { readTariffFile } from "../tariff-file.ts";
import { pathOption } from "./common.ts";
import { CliFault, usageFault } from "./fault.ts";
import { parseTime } from "./output.ts";

export interface BillingOptions extends TariffOptions {
  readonly zone: string;
  /** In minutes. */
  readonly interval: readonly number[];
  readonly demand: MeterBilling["demand"];
  readonly generation?: boolean;
  readonly block: string;
  readonly chargingPolicy: string;
  readonly padding: PaddingTenths;
}

/** What the options say of a meter's configuration. */
export type ServedBilling = MeterBilling & Pick<MeterConfiguration, "block" | "chargingPolicyId">;

export interface TariffOptions {
  readonly tariff?: string | undefined;
  readonly nextTariff?: string | undefined;
  readonly nextTariffFrom?: string | undefined;
}

/** The largest table takes some 15 kB, however it is laid out. */
const TARIFF_FILE_BYTES_MAX = 2 ** 20;
const DEFAULT_INTERVAL: readonly number[] = [15];
const INTERVALS_MINUTES = PROFILE_PERIOD_SECONDS.map((seconds) => seconds / 60);
/** Where systems keep the rules of time zones by name. */
const ZONES_FOLDER = "/usr/share/zoneinfo";
const ZONE_NAME = /^[A-Za-z][A-Za-z0-9_+-]*(?:\/[A-Za-z0-9_+-]+){0,2}$/;
/** Minutes, and how often within them a period ends: `15` or `15/3`. */
const DEMAND = /^(\d{1,2})(?:\/(\d{1,2}))?$/;

/** `--zone`, `--interval`, `--demand`, `--generation`, `--padding`, `--tariff` and what goes with it. */
export function withBilling(command: Command): Command {
  return command
    .option("--zone <tz>", "the meter's place, as Europe/Berlin or a POSIX TZ string", zoneOption, "")
    .option(
      "--interval <minutes...>",
      `intervals of the load profile: of ${INTERVALS_MINUTES.join(", ")}, up to all of them`,
      intervalOption,
      DEFAULT_INTERVAL,
    )
    .option("--demand <minutes[/parts]>", "mean of maximum demand, as 15, or 15/3 to slide", demandOption, {
      ...HOUSEHOLD_BILLING.demand,
    })
    .option("--block <name>", "the block of flats or street that its nameplate names", plateOption, "")
    .option("--charging-policy <id>", "the policy by which its owner is charged", plateOption, "")
    .option("--generation", "energy may flow out of the house: that is no fraud then")
    .option(
      "--padding <factor>",
      "of profiles, by the kind of house: 1.4 plain, 2.1 heat pump or generation, 4.1 with a car",
      paddingOption,
      HOUSEHOLD_BILLING.profilePaddingTenths,
    )
    .option("--tariff <file>", "time-of-use table: which rate holds when", pathOption)
    .addOption(
      new Option("--next-tariff <file>", "table that takes over later; with --next-tariff-from").argParser(
        pathOption,
      ),
    )
    .option("--next-tariff-from <time>", "when it does: RFC 3339, or local YYYY-MM-DD[THH:MM]");
}

export function billingOf({
  zone,
  interval,
  demand,
  generation = false,
  padding: profilePaddingTenths,
  block,
  chargingPolicy: chargingPolicyId,
}: BillingOptions): Partial<ServedBilling> {
  const profilePeriodsSeconds = interval.map((minutes) => minutes * 60);
  const plate = { block, chargingPolicyId };
  return { ...plate, zone, profilePeriodsSeconds, demand, hasGeneration: generation, profilePaddingTenths };
}

function plateOption(text: string): string {
  if (!isPlateText(text)) throw new InvalidArgumentError("It is a text of at most 64 bytes.");
  return text;
}

/** The plan that the options name, or undefined where they name none; `option` is how the table in force is given. */
export function tariffOf(
  { tariff, nextTariff, nextTariffFrom }: Partial<TariffOptions>,
  option = "--tariff",
): TariffPlan | undefined {
  if (tariff === undefined) {
    if (nextTariff === undefined && nextTariffFrom === undefined) return undefined;
    throw usageFault(`A table takes over from another one: give ${option} too.`);
  }
  const active = readTable(tariff);
  if (nextTariff === undefined && nextTariffFrom === undefined) return { active };
  if (nextTariff === undefined || nextTariffFrom === undefined) {
    throw usageFault("--next-tariff and --next-tariff-from go together: give both.");
  }
  const fromSeconds = parseTime(nextTariffFrom);
  if (fromSeconds === undefined || !isTimeMs(fromSeconds * 1000)) {
    throw usageFault(
      `${nextTariffFrom} is no time from 1970-01-02 to 2106: write it like 2027-01-01, 2027-01-01T00:00 or 2026-12-31T23:00:00Z.`,
    );
  }
  return { active, passive: { table: readTable(nextTariff), fromSeconds: Math.floor(fromSeconds) } };
}

function readTable(path: string): TariffTable {
  const table = readTariffFile(readText(path));
  if ("error" in table) throw usageFault(`The tariff file ${path} cannot be used. ${table.error}`);
  return table;
}

function readText(path: string): string {
  try {
    // A pipe or a device has no end to wait for.
    const status = statSync(path);
    if (!status.isFile()) throw usageFault(`The tariff file ${path} is no file: name one.`);
    if (status.size > TARIFF_FILE_BYTES_MAX)
      throw usageFault(`The tariff file ${path} is too large for any meter: name a tariff file.`);
    return readFileSync(path, "utf8");
  } catch (error) {
    if (error instanceof CliFault) throw error;
    const { code } = error as NodeJS.ErrnoException;
    throw usageFault(`The tariff file ${path} cannot be read (${code}): check the path and its owner.`);
  }
}

/** A POSIX TZ string as it is, or that of a place by the system's own rules. */
function zoneOption(text: string): string {
  const zone = TimeZone.parse(ZONE_NAME.test(text) ? (footerOf(text) ?? text) : text);
  if (zone instanceof TimeZone) return zone.text;
  throw new InvalidArgumentError(
    ZONE_NAME.test(text)
      ? `${text} is not among the places in ${ZONES_FOLDER}: give a POSIX TZ string, such as CET-1CEST,M3.5.0,M10.5.0/3.`
      : zone.error,
  );
}

/** The rules for the years to come, as the last line of the place's file (TZif, RFC 8536 3.3). */
function footerOf(name: string): string | undefined {
  try {
    const lines = readFileSync(join(ZONES_FOLDER, name), "latin1").split("\n");
    return lines.at(-2);
  } catch {
    return undefined;
  }
}

function intervalOption(text: string, before: readonly number[] | undefined): number[] {
  const minutes = Number(text);
  // The default is the same array each time: what was given begins a list of its own.
  const given = before === undefined || before === DEFAULT_INTERVAL ? [] : before;
  if (!INTERVALS_MINUTES.includes(minutes) || given.includes(minutes)) {
    throw new InvalidArgumentError(`Intervals are of ${INTERVALS_MINUTES.join(", ")} minutes, each once.`);
  }
  return [...given, minutes];
}

function paddingOption(text: string): PaddingTenths {
  const tenths = PADDING_TENTHS.find((each) => String(each / 10) === text);
  if (tenths !== undefined) return tenths;
  throw new InvalidArgumentError(`A factor is one of ${PADDING_TENTHS.map((each) => each / 10).join(", ")}.`);
}

function demandOption(text: string): MeterBilling["demand"] {
  const [, minutes, parts = "1"] = DEMAND.exec(text) ?? [];
  const periodSeconds = Number(minutes) * 60;
  const subPeriods = Number(parts);
  const isRight =
    periodSeconds >= 300 &&
    periodSeconds <= 3600 &&
    subPeriods >= 1 &&
    subPeriods <= 15 &&
    periodSeconds % subPeriods === 0;
  if (isRight) return { periodSeconds, subPeriods };
  throw new InvalidArgumentError(
    "It is 5 to 60 minutes, in 1 to 15 equal parts of whole seconds, as 15 or 15/3.",
  );
}
