import { fromText, toHex } from "../../../firmware/protocol/bytes.ts";
import { encodeSlip, SlipDecoder } from "../../../hal/framing/slip.ts";
import { decodeFrame, encodeCoapFrame, encodeDiagnosticFrame } from "../../../hal/framing/slipmux.ts";
import { type Door, must, mustEqual } from "./door.ts";

const FRAME_BYTES_MAX = 64;
const GOOD = encodeCoapFrame(Uint8Array.of(0x40, 0x01, 0xc0, 0xdb));
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

/** Frames of one decoder, fed with so many bytes at a time. */
function framesOf(decoder: SlipDecoder, bytes: Uint8Array, step: number): Uint8Array[] {
  const frames: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += step)
    decoder.push(bytes.subarray(at, at + step), (frame) => frames.push(frame));
  return frames;
}

/** Frames are the same however they come, say what they say, and the next good one always comes through. */
export const slip: Door = {
  name: "slip",
  decoders: /\/hal\/framing\//,
  bytesMax: 300,
  samples: () => [
    encodeSlip(GOOD),
    encodeSlip(encodeCoapFrame(new Uint8Array(60).fill(0xc0))),
    encodeSlip(encodeDiagnosticFrame("ready\u001b[2J")),
    Uint8Array.of(0xdb, 0xc0, ...encodeSlip(fromText("E")), 0xdb, 0xdb),
  ],
  check(input) {
    const [whole, pieces] = [new SlipDecoder(FRAME_BYTES_MAX), new SlipDecoder(FRAME_BYTES_MAX)];
    const frames = framesOf(whole, input, Math.max(1, input.length));
    const again = framesOf(pieces, input, 1 + ((input[0] ?? 0) & 7));
    must("other frames in pieces", frames.map(toHex).join() === again.map(toHex).join());
    must("other rejects in pieces", JSON.stringify(whole.rejected) === JSON.stringify(pieces.rejected));
    for (const frame of frames) checkFrame(frame);
    mustEqual("a good frame", framesOf(whole, encodeSlip(GOOD), 3).at(-1) ?? input, GOOD);
  },
};

function checkFrame(frame: Uint8Array): void {
  must("the frame's length", frame.length > 0 && frame.length <= FRAME_BYTES_MAX);
  const decoded = decodeFrame(frame);
  if (decoded.kind === "coap") mustEqual("the frame written again", encodeCoapFrame(decoded.message), frame);
  if (decoded.kind === "diagnostic") must("a text that steers a terminal", !UNSAFE.test(decoded.text));
}
