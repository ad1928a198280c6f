// Every setting in which a DAP works, and what somebody in its place records there.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MemoryStorage } from "../../hal/storage/memory-storage.ts";
import {
  type BodyQuestion,
  profileQuestion,
  registersQuestion,
} from "../../host-tools/head-end/questions.ts";
import { BlockGroup } from "../../host-tools/world/block-group.ts";
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
  "fan-out, forward": (options) => fanOut(options, "forward"),
  "fan-out, bundle": (options) => fanOut(options, "bundle"),
  "per meter, RS-485": (options) => perMeter(options, "rs485"),
  "per meter, XBee": (options) => perMeter(options, "xbee"),
};

const DAY_MS = 86_400_000;
/** The first interval has all that was used before, so the day that is asked for begins an hour later. */
const BEFORE_MS = 3_600_000;
const ASKED_DAY_SECONDS = (START_MS + BEFORE_MS) / 1000;
const TIMEOUT_MS = 30_000;
const COLLECT_MS = 60_000;

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
  block.stop();
  return { recorded: recorder.recorded, secrets, houses };
}

/** Keys for a group, and what a group can be asked: registers and profiles. */
async function fanOut(options: BlindOptions, answers: "forward" | "bundle"): Promise<Recording> {
  const { block, houses, secrets, recorder } = housesBehindADap(options);
  const folder = mkdtempSync(join(tmpdir(), "blindness-"));
  block.play(BEFORE_MS + DAY_MS);
  const status = await block.operate(TIMEOUT_MS);
  const group = new BlockGroup(block, join(folder, "groups.json"), status);
  await group.join("charging-policy");
  const plan = { distribute: "fan-out", answers, collectMs: COLLECT_MS } as const;
  const requests = [IMPORT, EXPORT].flatMap((register) => dayRequests(ASKED_DAY_SECONDS, register));
  const registers = [registersQuestion([]), registersQuestion([IMPORT, EXPORT])];
  for (const question of [...registers, ...requests.map(profileQuestion)] as BodyQuestion<unknown>[]) {
    const { reports } = await group.read(question, plan);
    const missing = reports.filter(({ outcome }) => outcome !== "answered");
    if (missing.length > 0) throw new Error(`${missing.length} of a group did not answer at once`);
  }
  block.stop();
  rmSync(folder, { recursive: true });
  return { recorded: recorder.recorded, secrets, houses };
}
