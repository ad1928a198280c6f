// The number that keeps older images out of a board, made of a version.

const VERSION = /^(\d{1,2})\.(\d{1,3})\.(\d{1,3})$/;
/** Images of one version that differ: the last two digits are theirs. */
const REBUILDS = 100;
const PARTS = 1000;

/** What a manifest takes. */
export const SEQUENCE_MAX = 0xffffffff;

/**
 * The sequence of a released version, whose digits it has: 1.2.3 is 1 002 003 00. It is a function of the version alone, so
 * that all machines give one version the same one, today and later, and no file or server counts. Undefined of a version that has none: 0.0.0, a
 * pre-release, or numbers that are too great.
 */
export function sequenceOf(version: string): number | undefined {
  const [, major, minor, patch] = VERSION.exec(version) ?? [];
  const sequence = ((Number(major) * PARTS + Number(minor)) * PARTS + Number(patch)) * REBUILDS;
  return sequence > 0 && sequence <= SEQUENCE_MAX ? sequence : undefined;
}
