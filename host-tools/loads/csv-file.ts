// A CSV file's bytes, packed or not, as text and lines.
import { readFileSync, statSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { CsvFault } from "./csv-fault.ts";

/** Two million rows of 64 bytes; some seconds of reading, and a bound on what a packed file unpacks to. */
const FILE_BYTES_MAX = 128 * 2 ** 20;
const GZIP_MAGIC = [0x1f, 0x8b] as const;

/** A line, counted from 1 as editors do. */
export interface Line {
  readonly number: number;
  readonly text: string;
}

/** The text of a CSV file, unpacked where gzip has packed it. Throws a {@link CsvFault} where there is none. */
export function readCsvText(path: string): string {
  const bytes = readBounded(path);
  const isPacked = GZIP_MAGIC.every((byte, index) => bytes[index] === byte);
  return new TextDecoder().decode(isPacked ? unpack(path, bytes) : bytes);
}

/** The lines of a text, ended by LF or CRLF; empty ones at the end are none. */
export function* linesOf(text: string): Generator<Line> {
  let end = text.length;
  while (end > 0 && /[\r\n]/.test(text[end - 1] as string)) end--;
  let start = 0;
  for (let number = 1; start < end; number++) {
    const feed = text.indexOf("\n", start);
    const stop = feed < 0 ? text.length : feed;
    yield { number, text: text.slice(start, text[stop - 1] === "\r" ? stop - 1 : stop) };
    start = stop + 1;
  }
}

/** The fields of a line; a separator inside double quotes separates nothing (RFC 4180). */
export function fieldsOf(line: string, separator: string): string[] | undefined {
  if (!line.includes('"')) return line.split(separator).map((field) => field.trim());
  const fields: string[] = [];
  const field = new RegExp(`\\s*(?:"((?:[^"]|"")*)"|([^"${separator}]*))\\s*(${separator}|$)`, "y");
  for (;;) {
    const match = field.exec(line);
    if (match === null) return undefined;
    const [, quoted, bare = "", mark] = match;
    fields.push(quoted === undefined ? bare.trim() : quoted.replaceAll('""', '"').trim());
    if (mark === "") return fields;
  }
}

function readBounded(path: string): Uint8Array {
  try {
    // A pipe or a device has no end to wait for.
    const status = statSync(path);
    if (!status.isFile()) throw new CsvFault(`${path} is no file: name a CSV file.`);
    if (status.size > FILE_BYTES_MAX) throw tooLarge(path, "is");
    return readFileSync(path);
  } catch (error) {
    if (error instanceof CsvFault) throw error;
    const { code } = error as NodeJS.ErrnoException;
    const why = code === "ENOENT" ? "does not exist" : `cannot be read (${code})`;
    throw new CsvFault(`The file ${path} ${why}: check the path and your rights.`);
  }
}

function unpack(path: string, bytes: Uint8Array): Uint8Array {
  try {
    return gunzipSync(bytes, { maxOutputLength: FILE_BYTES_MAX });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ERR_BUFFER_TOO_LARGE") throw tooLarge(path, "unpacks to");
    throw new CsvFault(`The file ${path} cannot be unpacked (${message}): pack it with gzip again.`);
  }
}

function tooLarge(path: string, is: string): CsvFault {
  return new CsvFault(
    `The file ${path} ${is} more than ${FILE_BYTES_MAX / 2 ** 20} MiB: give a shorter span of it.`,
  );
}
