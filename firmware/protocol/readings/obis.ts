// Names of registers: OBIS, IEC 62056-6-1.

/** An OBIS code in its full form, `A-B:C.D.E*F`: each value group in decimal, 0 to 255, no leading zeros. */
export type Obis = string;

const GROUP = "(0|[1-9]\\d{0,2})";
const PATTERN = new RegExp(`^(?:${GROUP}-${GROUP}:)?${GROUP}\\.${GROUP}\\.${GROUP}(?:\\*${GROUP})?$`);
const GROUPS = 6;
/** What the short form leaves out: electricity, channel 0, and no billing period. */
const DEFAULT_GROUPS = ["1", "0", "", "", "", "255"] as const;

/** The full form of `1-0:1.8.0*255`, `1-0:1.8.0`, `1.8.0*255` or `1.8.0`; undefined where the text is none. */
export function parseObis(text: string): Obis | undefined {
  const match = PATTERN.exec(text);
  if (match === null) return undefined;
  const groups = DEFAULT_GROUPS.map((assumed, i) => Number(match[i + 1] ?? assumed));
  return groups.every((group) => group <= 255) ? obisFromBytes(Uint8Array.from(groups)) : undefined;
}

/** Value groups A to F as six bytes. A text that is no OBIS code is a bug of the caller and throws. */
export function obisBytes(obis: Obis): Uint8Array {
  if (parseObis(obis) !== obis) throw new Error(`${obis} is no full OBIS code`);
  return Uint8Array.from(obis.split(/[-:.*]/), Number);
}

/** The full form of value groups A to F; undefined for anything but six bytes. */
export function obisFromBytes(bytes: Uint8Array): Obis | undefined {
  if (bytes.length !== GROUPS) return undefined;
  const [a, b, c, d, e, f] = bytes;
  return `${a}-${b}:${c}.${d}.${e}*${f}`;
}
