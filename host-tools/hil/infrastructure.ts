/**
 * Trouble of the bench itself, no fault of what is tested: a port that is gone, a board that is not there at set-up, a
 * power driver or a flash that failed. One sentence: what, where, what to do. Whoever reports a test goes by the name,
 * which outlives its way from one process to another.
 */
export class InfrastructureFault extends Error {
  override readonly name = "InfrastructureFault";
}

/** True for such trouble, also where it has come through a worker's border as a plain object. */
export function isInfrastructureFault(error: unknown): boolean {
  return (
    typeof error === "object" && error !== null && "name" in error && error.name === "InfrastructureFault"
  );
}
