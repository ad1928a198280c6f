// How well the time of a reply tells two causes apart: 0.5 is not at all, 1 is always.

/** Bins of the learnt classifier, of as many samples each: fine enough to see more than a shift. */
const BINS = 32;

/** The chance that a sample of `second` scores above one of `first`, ties by half (Mann and Whitney). */
function areaUnderCurve(first: readonly number[], second: readonly number[]): number {
  const all = [...first.map((score) => ({ score, of: 0 })), ...second.map((score) => ({ score, of: 1 }))];
  all.sort((a, b) => a.score - b.score);
  let rankSum = 0;
  for (let start = 0; start < all.length; ) {
    let end = start;
    while (end < all.length && all[end]?.score === all[start]?.score) end++;
    const rank = (start + 1 + end) / 2;
    for (let i = start; i < end; i++) rankSum += rank * (all[i]?.of ?? 0);
    start = end;
  }
  return (rankSum - (second.length * (second.length + 1)) / 2) / (first.length * second.length);
}

/**
 * What the better of two classifiers reaches, from 0.5 up: "longer means second", and one that has learnt
 * from the first half of the samples how likely each time is under either cause, tried on the other half.
 */
export function bestArea(first: readonly number[], second: readonly number[]): number {
  const plain = areaUnderCurve(first, second);
  const likelihood = learn(half(first, 0), half(second, 0));
  const learnt = areaUnderCurve(half(first, 1).map(likelihood), half(second, 1).map(likelihood));
  return Math.max(plain, 1 - plain, learnt);
}

/** Every other sample, so that both halves are of the whole time. */
function half(samples: readonly number[], which: 0 | 1): number[] {
  return samples.filter((_, i) => i % 2 === which);
}

/** The logarithm of how much likelier a time is under the second cause than under the first. */
function learn(first: readonly number[], second: readonly number[]): (time: number) => number {
  const sorted = [...first, ...second].sort((a, b) => a - b);
  const edges = Array.from(
    { length: BINS - 1 },
    (_, i) => sorted[Math.floor(((i + 1) * sorted.length) / BINS)] ?? 0,
  );
  const binOf = (time: number): number => edges.filter((edge) => time >= edge).length;
  const count = (samples: readonly number[]): number[] => {
    const counts = new Array<number>(BINS).fill(1);
    for (const time of samples) counts[binOf(time)] = (counts[binOf(time)] as number) + 1;
    return counts;
  };
  const [ofFirst, ofSecond] = [count(first), count(second)];
  return (time) => Math.log((ofSecond[binOf(time)] as number) / (ofFirst[binOf(time)] as number));
}
