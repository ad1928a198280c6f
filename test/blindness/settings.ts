// Every setting in which a DAP works, and what somebody in its place records there.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MemoryStorage } from "../../hal/storage/memory-storage.ts";
import type { GroupReadPlan } from "../../host-tools/head-end/groups/group-reader.ts";
import {
  type BodyQuestion,
  profileQuestion,
  registersQuestion,
} from "../../host-tools/head-end/questions.ts";
import type { Block } from "../../host-tools/world/block.ts";
import { BlockGroup } from "../../host-tools/world/block-group.ts";
import { settle } from "../../host-tools/world/single-line.ts";
import type { SouthKind } from "../../host-tools/world/south.ts";
import { askAll, dayRequests, EXPORT, IMPORT } from "./asking.ts";
import type { Recording } from "./figures.ts";
import { housesAlone } from "./houses-alone.ts";
import { type BlindOptions, housesBehindADap, START_MS } from "./houses-behind-a-dap.ts";

export type Setting = (options: BlindOptions) => Promise<Recording>;

/** By name, as the figures are printed. */
export const SETTINGS: Readonly<Record<string, Setting>> = {
  "direct ask": direct,
  "per meter, forward": (options) => perMeter(options, "ip"),
  "per meter, hold": held,
  "per meter, bundle": (options) => group(options, { distribute: "per-meter", answers: "bundle" }),
  "fan-out, forward": (options) => group(options, { distribute: "fan-out", answers: "forward" }),
  "fan-out, third party": (options) =>
    group({ ...options, dap: THIRD_PARTY }, { distribute: "fan-out", answers: "forward" }),
  "fan-out, bundle": (options) => group(options, { distribute: "fan-out", answers: "bundle" }),
  "per meter, RS-485": (options) => perMeter(options, "rs485"),
  "per meter, XBee": (options) => perMeter(options, "xbee"),
};

const DAY_MS = 86_400_000;
/** The first interval has all that was used before, so the day that is asked for begins an hour later. */
const BEFORE_MS = 3_600_000;
const ASKED_DAY_SECONDS = (START_MS + BEFORE_MS) / 1000;
const TIMEOUT_MS = 30_000;
const COLLECT_MS = 60_000;
const THIRD_PARTY = { thirdParty: true, return: "forward" } as const;
/** How long meters are out of reach of a DAP that holds, and how long a head-end waits for them. */
const AWAY_MS = 90_000;
const TOLERANCE_SECONDS = 600;
/** Some periods of an observer of registers. */
const WATCHED_MS = 4 * 60_000;

async function direct(options: BlindOptions): Promise<Recording> {
  const { clock, headEnd, houses, secrets, recorder, stop } = housesAlone(options);
  clock.advanceBy(BEFORE_MS + DAY_MS);
  for (const { id } of houses) {
    const target = { station: id, name: id, timeoutMs: TIMEOUT_MS };
    await askAll(clock, headEnd, target, ASKED_DAY_SECONDS);
  }
  stop();
  return { recorded: recorder.recorded, secrets, houses };
}

async function perMeter(options: BlindOptions, south: SouthKind): Promise<Recording> {
  const world = housesBehindADap({
    ...options,
    south,
    generation: "unknown",
    storage: () => new MemoryStorage(),
  });
  const { block, houses, secrets, recorder } = world;
  block.play(BEFORE_MS + DAY_MS);
  for (const { id } of houses)
    await askAll(block.clock, block.headEnd, block.target(id, TIMEOUT_MS), ASKED_DAY_SECONDS);
  watch(block);
  block.stop();
  return { recorded: recorder.recorded, secrets, houses };
}

/** Notifications, each minute, of registers of each meter. */
function watch(block: Block): void {
  const { clock, headEnd } = block;
  const watcher = { onReading: () => {}, onEnd: () => {} };
  for (const id of block.ids) headEnd.watchRegisters(block.target(id, TIMEOUT_MS), [IMPORT, EXPORT], watcher);
  clock.advanceBy(WATCHED_MS);
}

/** Meters that are asked while they cannot be reached, and answer when they can. */
async function held(options: BlindOptions): Promise<Recording> {
  const dap = { return: "hold", holdSeconds: TOLERANCE_SECONDS } as const;
  const world = housesBehindADap({ ...options, dap, storage: () => new MemoryStorage() });
  const { block, houses, secrets, recorder } = world;
  const { clock, headEnd } = block;
  block.play(BEFORE_MS + DAY_MS);
  await block.operate(TIMEOUT_MS);
  for (const { id } of houses) await settle(clock, headEnd.readRegisters(block.target(id, TIMEOUT_MS)));
  block.southLoss = 1;
  const [day] = dayRequests(ASKED_DAY_SECONDS);
  const late = houses.flatMap(({ id }) => {
    const target = { ...block.target(id, TIMEOUT_MS), toleranceSeconds: TOLERANCE_SECONDS, isOperator: true };
    return [headEnd.readRegisters(target, [IMPORT, EXPORT]), headEnd.readProfile(target, day)];
  });
  clock.after(AWAY_MS, () => {
    block.southLoss = 0;
  });
  await settle(clock, Promise.all(late));
  block.stop();
  return { recorded: recorder.recorded, secrets, houses };
}

/** Keys for a group, and what a group can be asked: registers and profiles. */
async function group(options: BlindOptions, how: Omit<GroupReadPlan, "collectMs">): Promise<Recording> {
  const { block, houses, secrets, recorder } = housesBehindADap(options);
  const folder = mkdtempSync(join(tmpdir(), "blindness-"));
  block.play(BEFORE_MS + DAY_MS);
  const status = await block.operate(TIMEOUT_MS);
  const all = new BlockGroup(block, join(folder, "groups.json"), status);
  await all.join("charging-policy");
  const plan = { ...how, collectMs: COLLECT_MS };
  const requests = [IMPORT, EXPORT].flatMap((register) => dayRequests(ASKED_DAY_SECONDS, register));
  const registers = [registersQuestion([]), registersQuestion([IMPORT, EXPORT])];
  for (const question of [...registers, ...requests.map(profileQuestion)] as BodyQuestion<unknown>[]) {
    const { reports } = await all.read(question, plan);
    const missing = reports.filter(({ outcome }) => outcome !== "answered");
    if (missing.length > 0) throw new Error(`${missing.length} of a group did not answer at once`);
  }
  block.stop();
  rmSync(folder, { recursive: true });
  return { recorded: recorder.recorded, secrets, houses };
}
