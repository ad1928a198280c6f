// Flashing, the same for every way to a board: ask what it has, refuse what it would refuse, carry, install, wait.
import { equal } from "../../firmware/protocol/bytes.ts";
import { refusalFor } from "../../firmware/update/refusals.ts";
import type { Slot, SlotsReport } from "../../firmware/update/slots-report.ts";
import type { Clock } from "../../hal/ports/clock.ts";
import { HeadEndError } from "../head-end/errors.ts";
import type { BoardSetUp } from "./set-up.ts";
import {
  type Activated,
  FlashError,
  type FlashImage,
  type FlashTarget,
  type OnProgress,
  refusedBy,
  type Uploaded,
} from "./target.ts";

/**
 * How it ended. `dry-run` nothing was sent; `unchanged` the image is the confirmed one already; `installed` it is the
 * confirmed one now, as the first of its board; `armed` the board tries it when it starts next; then, where the board was
 * waited for: `confirmed`, `rolled-back`, or `undecided` as long as we waited.
 */
export type FlashEnd =
  | "dry-run"
  | "unchanged"
  | "installed"
  | "armed"
  | "confirmed"
  | "rolled-back"
  | "undecided";

export interface FlashResult {
  readonly end: FlashEnd;
  /** Where the image is, or would be. */
  readonly slot: Slot;
  /** Why it was rolled back, as the board says. */
  readonly why?: string;
  readonly uploaded?: Uploaded;
  /** Carrying the image, and all together. */
  readonly uploadMs?: number;
  readonly milliseconds: number;
}

export interface FlashOptions {
  readonly clock: Clock;
  readonly dryRun?: boolean;
  /** What makes a board of a place where none is. */
  readonly setUp?: BoardSetUp;
  /** Wait until the board has confirmed the image, or gone back. */
  readonly wait?: boolean;
  readonly onProgress?: OnProgress;
  /** What is being done now. */
  readonly onStep?: (step: FlashStep) => void;
}

export type FlashStep = "asking" | "setting up" | "carrying" | "installing" | "waiting";

/** A trial ends by itself: three starts of ten minutes each, and what the board needs to start. */
const WAIT_MS_MAX = 35 * 60_000;
/** A board that says nothing for so long is one that nobody starts again, or it tries an image that cannot even answer. */
const SILENCE_MINUTES_MAX = 3;
const ASK_AGAIN_MS = 2_000;

/** Brings the image onto the board. What stands in the way is thrown, as a {@link FlashError} or the line's own error. */
export async function flash(
  target: FlashTarget,
  image: FlashImage,
  options: FlashOptions,
): Promise<FlashResult> {
  const { clock, onStep = () => {} } = options;
  const startedMs = clock.monotonicMs();
  onStep("asking");
  const found = await target.report();
  // A set-up that was cut before its image was there is done again.
  const isNew = found === "empty" || (options.setUp !== undefined && found.current === undefined);
  const done = isNew
    ? await bringFirst(target, image, options)
    : await bringNext(target, image, found, options);
  return { ...done, milliseconds: clock.monotonicMs() - startedMs };
}

type Done = Omit<FlashResult, "milliseconds">;

async function bring(
  target: FlashTarget,
  image: FlashImage,
  before: SlotsReport,
  options: FlashOptions,
): Promise<Done> {
  const { clock, dryRun = false, wait = false, onProgress = () => {}, onStep = () => {} } = options;
  const there = slotWith(before, image);
  if (there !== undefined && there === before.current && before.trial === undefined)
    return { end: "unchanged", slot: there };
  refuse(target, before, image);
  await target.check?.(image);
  if (dryRun) return { end: "dry-run", slot: slotFor(before) };
  onStep("carrying");
  const startedMs = clock.monotonicMs();
  const uploaded = await target.upload(image, onProgress);
  const uploadMs = clock.monotonicMs() - startedMs;
  onStep("installing");
  const activated = await target.activate(image.digest);
  const done = { slot: activated.slot, uploaded, uploadMs };
  // A trial that was under way already is no end either.
  const isOnTrial = activated.armed || (await reportOf(target)).trial?.slot === activated.slot;
  if (!isOnTrial) return { end: "installed", ...done };
  if (!wait || !activated.starts) return { end: "armed", ...done };
  onStep("waiting");
  return { ...done, ...(await endOfTrial(target, image, activated, clock)) };
}

/** Makes the board first. */
async function bringFirst(target: FlashTarget, image: FlashImage, options: FlashOptions): Promise<Done> {
  const { setUp, dryRun = false, onProgress = () => {}, onStep = () => {} } = options;
  if (setUp === undefined || target.setUp === undefined) throw noBoardYet(target);
  await target.checkSetUp?.(setUp, image);
  if (dryRun) return { end: "dry-run", slot: "a" };
  onStep("setting up");
  await target.setUp(setUp, onProgress);
  return bring(target, image, await reportOf(target), options);
}

function noBoardYet({ name, setUp }: FlashTarget): FlashError {
  const how =
    setUp === undefined
      ? "set one up at dir:PATH or ssh:HOST first"
      : "set one up with --board-keys, --trust, --author and --conf";
  return new FlashError(
    "unusable",
    `There is no board at ${name} yet: ${how} (see 'meterbench flash --help').`,
  );
}

/** Keys that are there are the meter's: another set-up would make another meter of it. */
async function bringNext(
  target: FlashTarget,
  image: FlashImage,
  before: SlotsReport,
  options: FlashOptions,
): Promise<Done> {
  if (options.setUp === undefined) return bring(target, image, before, options);
  throw new FlashError(
    "unusable",
    `The board at ${target.name} is set up already: leave out --board-keys, --trust, --author, --conf and --node, or name an empty place.`,
  );
}

async function reportOf(target: FlashTarget): Promise<SlotsReport> {
  const report = await target.report();
  if (report !== "empty") return report;
  throw new FlashError("failed", `The board at ${target.name} is not there any more: look at its disk.`);
}

/** The slot that holds this very image, whole. */
function slotWith({ slots }: SlotsReport, { manifestDigest }: FlashImage): Slot | undefined {
  const found = Object.entries(slots).find(
    ([, { digest, state }]) => state !== "broken" && equal(digest, manifestDigest),
  );
  return found?.[0] as Slot | undefined;
}

/** Never the confirmed one's. */
function slotFor({ current }: SlotsReport): Slot {
  return current === "a" ? "b" : "a";
}

/** What the board itself would refuse, before a byte is sent there. */
function refuse({ name }: FlashTarget, report: SlotsReport, { manifest, manifestDigest }: FlashImage): void {
  const refused = refusalFor({ manifest, digest: manifestDigest }, report.facts, report);
  if (refused !== undefined) throw refusedBy(name, refused);
}

/** Polls the board, which is away while it starts, until its trial is over. One that does not come back is not waited for. */
async function endOfTrial(
  target: FlashTarget,
  image: FlashImage,
  { slot, sequence }: Activated,
  clock: Clock,
): Promise<Pick<FlashResult, "end" | "why">> {
  const startedMs = clock.monotonicMs();
  for (let heardMs = startedMs; clock.monotonicMs() - startedMs < WAIT_MS_MAX; ) {
    await new Promise<void>((resolve) => clock.after(ASK_AGAIN_MS, resolve));
    const report = await reportUnlessAway(target);
    if (report !== undefined) heardMs = clock.monotonicMs();
    else if (clock.monotonicMs() - heardMs >= SILENCE_MINUTES_MAX * 60_000) throw notBack(target);
    if (report === undefined || report.trial !== undefined) continue;
    if (report.current === slot && slotWith(report, image) === slot) return { end: "confirmed" };
    const { outcome } = report;
    const why = outcome?.sequence === sequence ? outcome.why : undefined;
    return { end: "rolled-back", ...(why !== undefined && { why }) };
  }
  return { end: "undecided" };
}

function notBack({ name }: FlashTarget): FlashError {
  return new FlashError(
    "unreachable",
    `The board at ${name} has the image and has said nothing for ${SILENCE_MINUTES_MAX} minutes: see that something starts it again each time it ends (a trial that fails takes half an hour), then ask 'meterbench slots' how it ended.`,
  );
}

async function reportUnlessAway(target: FlashTarget): Promise<SlotsReport | undefined> {
  try {
    const report = await target.report();
    return report === "empty" ? undefined : report;
  } catch (error) {
    if (error instanceof FlashError && error.kind === "unreachable") return undefined;
    if (error instanceof HeadEndError && error.kind === "timeout") return undefined;
    throw error;
  }
}
