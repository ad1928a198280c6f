// The OSCORE option's value: RFC 8613 6.1.
import { concat, EMPTY } from "../bytes.ts";
import { type CoapContent, OPTION } from "../coap/message.ts";

/** The compressed COSE header that an OSCORE message carries. Requests carry at least `partialIv` and `kid`. */
export interface OscoreOption {
  /** The sender's number in its shortest form (0 is one zero byte), 1 to 5 bytes. */
  readonly partialIv: Uint8Array | undefined;
  /** The ID Context, 0 to 255 bytes. */
  readonly kidContext: Uint8Array | undefined;
  /** The sender's ID; empty is an ID like any other. */
  readonly kid: Uint8Array | undefined;
  /** The Group Flag (RFC 10021 4.1): the message is signed, and for whoever is in the group. */
  readonly isGroupMode?: boolean;
}

/** The option is there and no receiver could use it: answer 4.02 (RFC 8613 8.2 step 2). */
export interface MalformedOption {
  readonly refused: "option";
}

/** RFC 8613 2: the option is 0 to 255 bytes long. */
const VALUE_BYTES_MAX = 255;
/** RFC 8613 6.1: the lengths 6 and 7 are reserved. */
const PARTIAL_IV_BYTES_MAX = 5;
const PARTIAL_IV_LENGTH = 0x07;
const KID_FLAG = 0x08;
const KID_CONTEXT_FLAG = 0x10;
const GROUP_FLAG = 0x20;
const UNKNOWN_FLAGS = 0xc0;

const MALFORMED: MalformedOption = { refused: "option" };

/** The message's OSCORE option, undefined where it has none: what the right context is looked up by. */
export function readOscoreOption(content: CoapContent): OscoreOption | MalformedOption | undefined {
  const found = content.options.filter((option) => option.number === OPTION.oscore);
  const [only] = found;
  if (only === undefined) return undefined;
  return found.length === 1 ? decodeOscoreOption(only.value) : MALFORMED;
}

/** The option's value. A part out of its range is the caller's bug and throws. */
export function encodeOscoreOption({ partialIv, kidContext, kid, isGroupMode }: OscoreOption): Uint8Array {
  if (partialIv !== undefined && !isShortestNumber(partialIv)) throw new Error("no Partial IV");
  const flags =
    (partialIv?.length ?? 0) |
    (kidContext === undefined ? 0 : KID_CONTEXT_FLAG) |
    (kid === undefined ? 0 : KID_FLAG) |
    (isGroupMode === true ? GROUP_FLAG : 0);
  if (flags === 0) return EMPTY;
  const context = kidContext === undefined ? EMPTY : concat(Uint8Array.of(kidContext.length), kidContext);
  const value = concat(Uint8Array.of(flags), partialIv ?? EMPTY, context, kid ?? EMPTY);
  if (value.length > VALUE_BYTES_MAX) throw new Error(`an OSCORE option of ${value.length} bytes`);
  return value;
}

/** The reverse of {@link encodeOscoreOption}; refuses whatever that could not have written. Never throws. */
export function decodeOscoreOption(value: Uint8Array): OscoreOption | MalformedOption {
  const flags = value[0];
  if (flags === undefined) return { partialIv: undefined, kidContext: undefined, kid: undefined };
  if (flags === 0 || (flags & UNKNOWN_FLAGS) !== 0 || value.length > VALUE_BYTES_MAX) return MALFORMED;
  const partialIvEnd = 1 + (flags & PARTIAL_IV_LENGTH);
  const contextEnd = kidContextEnd(value, partialIvEnd, (flags & KID_CONTEXT_FLAG) !== 0);
  const hasKid = (flags & KID_FLAG) !== 0;
  if (contextEnd > value.length || (!hasKid && contextEnd < value.length)) return MALFORMED;
  const partialIv = partialIvEnd > 1 ? value.slice(1, partialIvEnd) : undefined;
  if (partialIv !== undefined && !isShortestNumber(partialIv)) return MALFORMED;
  return {
    partialIv,
    kidContext: contextEnd > partialIvEnd ? value.slice(partialIvEnd + 1, contextEnd) : undefined,
    kid: hasKid ? value.slice(contextEnd) : undefined,
    ...((flags & GROUP_FLAG) !== 0 && { isGroupMode: true }),
  };
}

function kidContextEnd(value: Uint8Array, start: number, present: boolean): number {
  if (!present) return start;
  return start + 1 + (value[start] ?? VALUE_BYTES_MAX);
}

/** RFC 8613 5: 1 to 5 bytes without leading zeros, but for the number 0. */
function isShortestNumber(partialIv: Uint8Array): boolean {
  if (partialIv.length < 1 || partialIv.length > PARTIAL_IV_BYTES_MAX) return false;
  return partialIv.length === 1 || partialIv[0] !== 0;
}
