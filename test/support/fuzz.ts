/**
 * Damaged or random inputs of each kind in one run, each of a few microseconds: `npm run fuzz` takes as many as the
 * product promises to bear.
 */
export const FUZZ_INPUTS = Number(process.env["METERBENCH_FUZZ_INPUTS"] ?? 2_000);
