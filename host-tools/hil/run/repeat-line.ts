import { relative } from "node:path";

/** The command that runs one test again as it ran, to paste into a shell in `folder`. */
export function repeatLine(
  test: { readonly name: string; readonly file: string | undefined },
  bench: { readonly file: string | undefined; readonly seed: number },
  folder: string,
): string {
  const words = ["npx", "meterbench", "hil", "run"];
  if (test.file !== undefined) words.push(quoted(relative(folder, test.file)));
  if (bench.file !== undefined) words.push("--bench", quoted(relative(folder, bench.file)));
  words.push("--seed", String(bench.seed), "--test", quoted(askedBy(test.name)));
  return words.join(" ");
}

/** The longest part of a name that can be shown as it is, and so be pasted: a test is found by any part of its name. */
function askedBy(name: string): string {
  const parts = name.split(/[\p{C}\p{Zl}\p{Zp}]+/u);
  return parts.reduce((longest, part) => (part.length > longest.length ? part : longest), "");
}

/** As a shell takes it for one word, with nothing in it done. */
function quoted(word: string): string {
  return /^[\w./:@%+=,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
