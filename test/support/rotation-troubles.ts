// What can go wrong while a meter's key rotates, and whether meter and registry get over it.
import { equal } from "../../firmware/protocol/bytes.ts";
import type { KeyStoreCut } from "../../hal/storage/memory-key-store.ts";
import { PowerCut } from "../../hal/storage/memory-storage.ts";
import { HeadEndError } from "../../host-tools/head-end/errors.ts";
import type { RotationParts } from "../../host-tools/head-end/rotation.ts";
import { RotatingMeter } from "./rotating-meter.ts";

/** One attempt ends by itself, with the power of the meter, or with the head-end's program. */
export type Trouble =
  | { readonly kind: "key store"; readonly operation: number; readonly when: KeyStoreCut }
  | { readonly kind: "journal"; readonly operation: number }
  | {
      readonly kind: "line";
      readonly from: number;
      readonly towards: "meter" | "head-end";
      readonly isCut: boolean;
    }
  | { readonly kind: "registry"; readonly step: "enrolNext" | "takeNext"; readonly isDone: boolean };

/** Datagrams that a rotation takes in each direction, and operations of the meter's journal. */
const DATAGRAMS = 11;
const OPERATIONS = 24;

const upTo = (most: number): number[] => Array.from({ length: most }, (_, i) => i + 1);

/** Every place where an attempt can end. */
export const TROUBLES: readonly Trouble[] = [
  ...upTo(2).flatMap((operation) =>
    (["before", "after"] as const).map((when) => ({ kind: "key store", operation, when }) as const),
  ),
  ...(["enrolNext", "takeNext"] as const).flatMap((step) =>
    [false, true].map((isDone) => ({ kind: "registry", step, isDone }) as const),
  ),
  ...upTo(DATAGRAMS).flatMap((from) =>
    (["meter", "head-end"] as const).flatMap((towards) =>
      [false, true].map((isCut) => ({ kind: "line", from, towards, isCut }) as const),
    ),
  ),
  ...upTo(OPERATIONS).map((operation) => ({ kind: "journal", operation }) as const),
];

/** What is wrong after these troubles, each in an attempt of its own, and one attempt without any; undefined where nothing is. */
export async function faultAfter(troubles: readonly Trouble[]): Promise<string | undefined> {
  const meter = new RotatingMeter();
  try {
    for (const trouble of troubles) {
      await attempt(meter, trouble);
      await meter.world.read();
    }
    await meter.rotate();
    await meter.world.read();
    meter.restart();
    await meter.world.read();
    return faultOf(meter);
  } catch (error) {
    return `${error}`;
  } finally {
    meter.close();
  }
}

/** Both ends must have the same new key, and nothing that waits. */
function faultOf({ registry, current, next, made }: RotatingMeter): string | undefined {
  const enrolment = registry.find("M1");
  if (enrolment === undefined || enrolment.next !== undefined) return "the registry waits";
  if (next !== undefined) return "the meter waits";
  if (!equal(enrolment.credential.bytes, current.credential.bytes)) return "two keys";
  return equal(current.credential.bytes, made.credential.bytes) ? "the old key" : undefined;
}

/** One attempt with such trouble, and a new start of both ends after it. */
async function attempt(meter: RotatingMeter, trouble: Trouble): Promise<void> {
  try {
    await meter.rotate(prepared(meter, trouble));
  } catch (error) {
    if (!(error instanceof PowerCut || error instanceof Killed || error instanceof HeadEndError)) throw error;
  }
  // A line that is mended finds the meter in its stride; anything else was a power cut or a killed program.
  if (trouble.kind === "line" && !trouble.isCut) meter.between = (bytes) => [bytes];
  else meter.restart();
}

/** The registry that the attempt has, with the trouble made ready. */
function prepared(meter: RotatingMeter, trouble: Trouble): RotationParts["registry"] {
  if (trouble.kind === "key store") meter.store.cutAt(trouble.operation, trouble.when);
  if (trouble.kind === "journal") meter.storage.cutAt(meter.storage.operations + trouble.operation);
  if (trouble.kind === "registry") return dying(meter, trouble.step, trouble.isDone);
  if (trouble.kind === "line") {
    let passed = 0;
    meter.between = (bytes, towards) => {
      if (towards === trouble.towards) passed++;
      return passed >= trouble.from ? [] : [bytes];
    };
  }
  return meter.registry;
}

/** The head-end's program was killed. */
class Killed extends Error {}

/** A registry whose program is killed just before or after a step is durable. */
function dying(
  { registry }: RotatingMeter,
  step: "enrolNext" | "takeNext",
  isDone: boolean,
): RotationParts["registry"] {
  const die = (name: typeof step, change: () => boolean): boolean => {
    if (name !== step || isDone) change();
    if (name === step) throw new Killed();
    return true;
  };
  return {
    find: (id) => registry.find(id),
    enrolNext: (next) => die("enrolNext", () => registry.enrolNext(next)),
    takeNext: (id) => die("takeNext", () => registry.takeNext(id)),
  };
}
