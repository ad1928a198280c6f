// Text of others inside of XML and HTML: shown as it is, and never read as more than text.
import { printable } from "../../safe-text.ts";

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** What no XML may hold in any form: halves of characters, and the two that are none (XML 1.0, 2.2). */
const NO_CHARACTER = /[\p{Cs}\u{fffe}\u{ffff}]/gu;

/** One line of text, for content and for attributes in quotes. */
export function escaped(text: string): string {
  return printable(text)
    .replace(NO_CHARACTER, "\u{fffd}")
    .replace(/[&<>"']/g, (character) => ENTITIES[character] ?? "");
}

/** The same of several lines. */
export function escapedLines(text: string): string {
  return text.split("\n").map(escaped).join("\n");
}
