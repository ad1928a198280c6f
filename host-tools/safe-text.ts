// Text of others, made safe to show.
/** Control, formatting and line characters, which could forge lines or hide and turn text on a terminal. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** Text of another device, shown as itself but for unsafe characters, which become `\u....`. */
export function printable(text: string): string {
  return text.replace(UNSAFE, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
}

/** Lines of text of another device; what ends a line ends it still. */
export function printableLines(text: string): string {
  return text.split("\n").map(printable).join("\n");
}

/** JSON of printable characters; the value that it is read back as is the same. */
export function jsonText(document: unknown, indent = 0): string {
  return JSON.stringify(document, null, indent).replace(UNSAFE, (character) =>
    character === "\n"
      ? character
      : character
          .split("")
          .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
          .join(""),
  );
}
