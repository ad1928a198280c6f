// The file of a board's settings: one option of the meter a line, without its dashes; # begins a remark.

export interface ConfLine {
  readonly line: number;
  readonly name: string;
  readonly value: string;
}

/** A remark stands by itself or behind a blank: values may have the character inside. */
const REMARK = /(^|\s)#.*$/;
/** Twice the longest that there is. */
const NAME_LENGTH_MAX = 32;

/** What the lines say that say something, whatever it is. */
export function confLines(text: string): ConfLine[] {
  return text.split("\n").flatMap((whole, i) => {
    const [, name, value = ""] = /^(\S+)(?:\s+(.*))?$/.exec(whole.replace(REMARK, "").trim()) ?? [];
    return name === undefined ? [] : [{ line: i + 1, name, value: value.trim() }];
  });
}

/** Which names a file may have; `manifold` ones may come more than once. */
export interface ConfNames {
  readonly single: readonly string[];
  readonly manifold: readonly string[];
}

/** What is wrong with the first line that is not right, as the end of a sentence; undefined where all are. */
export function confFault(lines: readonly ConfLine[], { single, manifold }: ConfNames): string | undefined {
  const seen = new Set<string>();
  for (const { line, name, value } of lines) {
    if (!single.includes(name) && !manifold.includes(name)) {
      const known = [...single, ...manifold].sort().join(", ");
      return `says ${shown(name)} in line ${line}, which is none of ${known}`;
    }
    if (value === "") return `says nothing after ${name} in line ${line}`;
    if (seen.has(name) && single.includes(name)) return `says ${name} once more in line ${line}`;
    seen.add(name);
  }
  return undefined;
}

/** A line may be of a file that is none of settings at all: of its bytes a terminal gets what is harmless. */
function shown(name: string): string {
  const text = name.replace(/[^\x21-\x7e]/g, "?");
  return text.length > NAME_LENGTH_MAX ? `${text.slice(0, NAME_LENGTH_MAX)}...` : text;
}
