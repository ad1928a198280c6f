// Rotations of a meter's key through every single trouble, and through many in a row.
import { SeededRandom } from "../../hal/emulated/seeded-random.ts";
import { faultAfter, TROUBLES, type Trouble } from "../support/rotation-troubles.ts";

const IN_A_ROW_MAX = 5;

/** Each trouble alone, and then so many drawn rows of them; what failed, with its troubles. */
export async function rotateThroughTroubles(
  rows: number,
  seed: string,
): Promise<{ readonly rotations: number; readonly failures: string[] }> {
  const random = new SeededRandom(seed);
  const draw = (below: number): number => (random.bytes(1)[0] ?? 0) % below;
  const drawn = Array.from({ length: rows }, () =>
    Array.from({ length: 2 + draw(IN_A_ROW_MAX - 1) }, () => TROUBLES[draw(TROUBLES.length)] as Trouble),
  );
  const cases = [...TROUBLES.map((trouble) => [trouble]), ...drawn];
  const failures: string[] = [];
  for (const troubles of cases) {
    const fault = await faultAfter(troubles);
    if (fault !== undefined) failures.push(`${JSON.stringify(troubles)}: ${fault}`);
  }
  return { rotations: cases.length, failures };
}
