// slipmux: CoAP messages and a console on one line, in SLIP frames (draft-bormann-t2trg-slipmux-03).
// Here a frame is what stands between two ENDs, escapes undone.
import { CRC16_X25_GOOD, crc16X25 } from "./crc.ts";

/** The first byte of a frame says what it is. */
const TYPE_DIAGNOSTIC = 0x0a;
const TYPE_COAP = 0xa9;

/** Bytes that a frame holds beside the CoAP message: its type and the FCS. */
export const COAP_FRAME_OVERHEAD_BYTES = 3;
/** What a line carries beside the CoAP message, escapes not counted: both ENDs too. */
export const COAP_FRAMING_BYTES = COAP_FRAME_OVERHEAD_BYTES + 2;

/** Why a whole frame is none of ours: FCS wrong or missing, or a type (IP packets among them) not served. */
export type SlipmuxReject = "checksum" | "type";

/** What a frame says. `text` is fit to be shown: one line, nothing in it that steers a terminal. */
export type SlipmuxFrame =
  | { readonly kind: "coap"; readonly message: Uint8Array }
  | { readonly kind: "diagnostic"; readonly text: string }
  | { readonly kind: "rejected"; readonly reason: SlipmuxReject };

const utf8 = new TextDecoder();

/** The frame of a CoAP message: A9, the message, and the FCS over both, low byte first. */
export function encodeCoapFrame(message: Uint8Array): Uint8Array {
  const frame = new Uint8Array(message.length + COAP_FRAME_OVERHEAD_BYTES);
  frame[0] = TYPE_COAP;
  frame.set(message, 1);
  const fcs = crc16X25(frame.subarray(0, -2));
  frame[frame.length - 2] = fcs & 0xff;
  frame[frame.length - 1] = fcs >> 8;
  return frame;
}

/** The frame of a console text: 0A and its UTF-8. It has no FCS. */
export function encodeDiagnosticFrame(text: string): Uint8Array {
  const bytes = new TextEncoder().encode(text);
  const frame = new Uint8Array(bytes.length + 1);
  frame[0] = TYPE_DIAGNOSTIC;
  frame.set(bytes, 1);
  return frame;
}

/** What the frame says, or why it is dropped. Never throws. */
export function decodeFrame(frame: Uint8Array): SlipmuxFrame {
  if (frame[0] === TYPE_DIAGNOSTIC) {
    return { kind: "diagnostic", text: showable(utf8.decode(frame.subarray(1))) };
  }
  if (frame[0] !== TYPE_COAP) return { kind: "rejected", reason: "type" };
  // That starts with A9, it has the length of an FCS as well: no shorter one checks as good.
  if (crc16X25(frame) !== CRC16_X25_GOOD) return { kind: "rejected", reason: "checksum" };
  return { kind: "coap", message: frame.slice(1, -2) };
}

/**
 * Control, format and separator characters as `\u{..}`: a line that anyone can write to must not
 * forge lines of a log, move a cursor or turn the reading direction.
 */
function showable(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u{${(character.codePointAt(0) as number).toString(16)}}`,
  );
}
