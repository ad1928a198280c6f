// What a recording gives away, in figures.
import { toHex, toUint } from "../../firmware/protocol/bytes.ts";
import { type CborValue, decodeCbor, encodeCbor } from "../../firmware/protocol/cbor.ts";
import { FORMAT, findOption, OPTION } from "../../firmware/protocol/coap/message.ts";
import { arrayItems } from "../../firmware/protocol/readings/answer-fields.ts";
import { decodeBlock } from "../../firmware/protocol/readings/interval-block.ts";
import { decodeBundle } from "../../host-tools/dap/forward/bundle.ts";
import { CANARY_BYTES, Canaries, type ShortHits, shortHits } from "./canaries.ts";
import type { House } from "./houses-behind-a-dap.ts";
import type { Secrets } from "./knowing-engine.ts";
import { expectedBytes } from "./lengths.ts";
import { strangeOption } from "./options.ts";
import type { Recorded } from "./recorder.ts";
import { contentOf, type Known, knownOf } from "./seen.ts";

export interface Recording {
  readonly recorded: readonly Recorded[];
  readonly secrets: Secrets;
  readonly houses: readonly House[];
}

export interface Figures {
  readonly messages: number;
  readonly bytes: number;
  /** Pieces of secrets, and at how many places one was found. */
  readonly canaries: Readonly<Record<CanaryKind, { readonly pieces: number; readonly hits: number }>>;
  readonly short: readonly ShortHits[];
  /** Messages that are not as long as they must be, or have an option too many, in words. */
  readonly strays: readonly string[];
}

/** Serial numbers; keys of all kinds; registers' values in their order; whatever else was sealed. */
export type CanaryKind = "serialNumbers" | "keys" | "registers" | "sealed";

/** Enough for a mean; each is looked for at each place. */
const SHORT_VALUES_MAX = 4000;

export function figuresOf({ recorded, secrets, houses }: Recording): Figures {
  const known = knownOf(recorded, secrets);
  const canaries = canariesOf(known, secrets, houses);
  const hits = Object.fromEntries(
    Object.entries(canaries).map(([kind, of]) => [
      kind,
      { pieces: of.count, hits: recorded.reduce((total, { bytes }) => total + of.hitsIn(bytes), 0) },
    ]),
  ) as Figures["canaries"];
  return {
    messages: recorded.length,
    bytes: recorded.reduce((total, { bytes }) => total + bytes.length, 0),
    canaries: hits,
    short: shortHits(shortValuesOf(known), ciphertextsOf(known)),
    strays: straysOf(known, houses),
  };
}

function canariesOf(
  known: readonly Known[],
  secrets: Secrets,
  houses: readonly House[],
): Record<CanaryKind, Canaries> {
  const canaries = {
    serialNumbers: new Canaries(),
    keys: new Canaries(),
    registers: new Canaries(),
    sealed: new Canaries(),
  };
  for (const { serialNumber } of houses) canaries.serialNumbers.add(new TextEncoder().encode(serialNumber));
  for (const key of secrets.keys.values()) canaries.keys.add(key);
  for (const plaintext of secrets.plaintexts) canaries.sealed.add(plaintext);
  for (const each of known)
    canaries.registers.add(joined(registersIn(each).map((value) => encodeCbor(value))));
  return canaries;
}

/** Values of registers, as they follow one another in an answer. */
function registersIn(known: Known): CborValue[] {
  if (formOf(known) !== FORMAT.cbor || known.recorded.side === "north") return [];
  const [, , ...values] = bodyOf(known);
  return values.filter((value) => !(value instanceof Uint8Array));
}

/** Values of a profile, which is packed in another way, so that CBOR of them is there by chance alone. */
function intervalsIn(known: Known): number[] {
  const [, block] = bodyOf(known);
  const count = Number(arrayItems(known.asked && decodeCbor(known.asked.payload))?.[3]);
  if (!(block instanceof Uint8Array) || !(count > 0)) return [];
  const values = (decodeBlock(block, count) ?? []).map(({ value }) => value);
  return values.filter((value) => value !== undefined);
}

/** Numbers that meters told, as CBOR writes them, in 2 to 7 bytes. */
function shortValuesOf(known: readonly Known[]): Uint8Array[] {
  const values = new Map<string, Uint8Array>();
  for (const each of known) {
    const numbers = registersIn(each)
      .flat()
      .filter((item) => typeof item === "number");
    for (const value of [...numbers, ...intervalsIn(each)]) {
      const bytes = encodeCbor(value);
      if (bytes.length >= 2 && bytes.length < CANARY_BYTES) values.set(toHex(bytes), bytes);
    }
    if (values.size >= SHORT_VALUES_MAX) break;
  }
  return [...values.values()];
}

/** Each once: a message goes south as it came from the north, and a copy is no other chance. */
function ciphertextsOf(known: readonly Known[]): Uint8Array[] {
  const ciphertexts = known.map(({ ciphertext }) => ciphertext).filter((bytes) => bytes !== undefined);
  return [...new Map(ciphertexts.map((bytes) => [toHex(bytes), bytes])).values()];
}

/** Messages that are not as long as they must be, or have an option too many, in words. */
export function straysOf(known: readonly Known[], houses: readonly House[]): string[] {
  const byId = new Map(houses.map((house) => [house.id, house]));
  const came = new Set(
    known.filter(({ recorded }) => recorded.side === "south").map(({ whole }) => toHex(whole)),
  );
  const strays: string[] = [];
  for (const each of known) {
    const stray = strayIn(each, byId.get(each.meter ?? "")) ?? strangerIn(each, came);
    if (stray !== undefined) strays.push(stray);
  }
  return strays;
}

function strayIn(known: Known, house: House | undefined): string | undefined {
  const { recorded, inside } = known;
  const { message, bytes, side, direction } = recorded;
  const what = `a message of ${known.meter ?? recorded.peer} ${direction} in the ${side}`;
  const option = strangeOption(message, inside);
  if (option !== undefined) return `${what} has option ${option.number} of ${option.value.length} bytes`;
  const rung = house?.configuration.profilePaddingTenths ?? 14;
  const expected = expectedBytes({ ...known, message, content: contentOf(known), rung });
  return expected === bytes.length ? undefined : `${what} has ${bytes.length} bytes and not ${expected}`;
}

/** An answer in a bundle that did not come up from a meter as it is there. */
function strangerIn({ recorded, whole }: Known, came: ReadonlySet<string>): string | undefined {
  const format = findOption(recorded.message, OPTION.contentFormat);
  if (format === undefined || toUint(format) !== FORMAT.bundle) return undefined;
  const bundle = decodeBundle(whole);
  const stranger = bundle?.answers.find(({ payload }) => !came.has(toHex(payload)));
  if (bundle !== undefined && stranger === undefined) return undefined;
  return `a bundle has an answer of ${stranger?.alias} that no meter gave`;
}

function bodyOf(known: Known): readonly CborValue[] {
  const content = contentOf(known);
  return arrayItems(content && decodeCbor(content.payload)) ?? [];
}

function formOf({ inside, asked }: Known): number | undefined {
  if (inside === undefined || asked === undefined) return undefined;
  return findOption(inside, OPTION.contentFormat)?.[0];
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}
