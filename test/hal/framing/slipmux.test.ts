import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encodeSlip, SlipDecoder } from "../../../hal/framing/slip.ts";
import { decodeFrame, encodeCoapFrame, encodeDiagnosticFrame } from "../../../hal/framing/slipmux.ts";

const hex = (text: string) => Uint8Array.from(Buffer.from(text.replaceAll(" ", ""), "hex"));

function framesOf(line: Uint8Array) {
  const frames: ReturnType<typeof decodeFrame>[] = [];
  new SlipDecoder(1155).push(line, (frame) => frames.push(decodeFrame(frame)));
  return frames;
}

describe("CoAP frames", () => {
  test.each([
    ["an empty GET", "40 01 00 00", "C0 A9 40 01 00 00 BC 38 C0"],
    ["a reset-like message", "62 84 86 AE 02 00", "C0 A9 62 84 86 AE 02 00 FD 4A C0"],
    ["CON GET /m with token C0", "41 01 12 34 C0 B1 6D", "C0 A9 41 01 12 34 DB DC B1 6D 83 03 C0"],
    [
      "ACK 2.05 with payload 0A DB C0",
      "61 45 12 34 C0 FF 0A DB C0",
      "C0 A9 61 45 12 34 DB DC FF 0A DB DD DB DC 4C 53 C0",
    ],
  ])("%s has its bytes on the line, both ways", (_, message, line) => {
    expect(encodeSlip(encodeCoapFrame(hex(message)))).toEqual(hex(line));
    expect(framesOf(hex(line))).toEqual([{ kind: "coap", message: hex(message) }]);
  });

  test("any message comes back as it was", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 1152 }), (message) => {
        expect(framesOf(encodeSlip(encodeCoapFrame(message)))).toEqual([{ kind: "coap", message }]);
      }),
      { seed: 1662, numRuns: 200 },
    );
  });

  test("any one or two flipped bits are found", () => {
    const frame = encodeCoapFrame(hex("41 01 12 34 C0 B1 6D"));
    const bits = frame.length * 8;
    for (let first = 8; first < bits; first++) {
      for (let second = first; second < bits; second++) {
        const damaged = frame.slice();
        for (const bit of new Set([first, second])) {
          damaged[bit >> 3] = (damaged[bit >> 3] as number) ^ (1 << (bit & 7));
        }
        expect(decodeFrame(damaged)).toEqual({ kind: "rejected", reason: "checksum" });
      }
    }
  });

  test.each(["A9", "A9 00", "A9 4C 37", "A9 40 01 00 00 38 BC"])("%s has no good FCS", (frame) => {
    expect(decodeFrame(hex(frame))).toEqual({ kind: "rejected", reason: "checksum" });
  });

  test("no frame that is too short for an FCS has a good one", () => {
    for (let byte = 0; byte < 256; byte++) {
      expect(decodeFrame(Uint8Array.of(0xa9, byte))).toEqual({ kind: "rejected", reason: "checksum" });
    }
  });

  test.each(["45 00 00 14", "60 00 00 00", "00", "C0", ""])("%s is of a type that is not served", (frame) => {
    expect(decodeFrame(hex(frame))).toEqual({ kind: "rejected", reason: "type" });
  });
});

describe("diagnostic frames", () => {
  test("a text has its bytes on the line, both ways", () => {
    const line = hex("C0 0A 48 65 6C 6C 6F 20 57 6F 72 6C 64 21 C0");
    expect(encodeSlip(encodeDiagnosticFrame("Hello World!"))).toEqual(line);
    expect(framesOf(line)).toEqual([{ kind: "diagnostic", text: "Hello World!" }]);
  });

  test.each([
    ["a forged log line", "ok\r\n2026-01-01 admin logged in", "ok\\u{d}\\u{a}2026-01-01 admin logged in"],
    ["a terminal escape", "\x1b[2J\x07\x7f", "\\u{1b}[2J\\u{7}\\u{7f}"],
    ["a C1 control", "\u009b31m", "\\u{9b}31m"],
    ["text that reads backwards", "\u202egnp.exe\u2066", "\\u{202e}gnp.exe\\u{2066}"],
    ["line separators", "a\u2028b\u2029c\u0085d", "a\\u{2028}b\\u{2029}c\\u{85}d"],
    ["other scripts", "Zähler 電力 ⚡", "Zähler 電力 ⚡"],
  ])("%s is shown harmlessly", (_, text, shown) => {
    expect(decodeFrame(encodeDiagnosticFrame(text))).toEqual({ kind: "diagnostic", text: shown });
  });

  test("any bytes at all are shown on one line without control characters", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        const frame = decodeFrame(Uint8Array.of(0x0a, ...bytes));
        expect(frame.kind === "diagnostic" && !/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(frame.text)).toBe(true);
      }),
      { seed: 1662, numRuns: 500 },
    );
  });

  test("bytes that are no UTF-8 are shown as replacement characters", () => {
    expect(decodeFrame(hex("0A 41 FF C3 42"))).toEqual({ kind: "diagnostic", text: "A\ufffd\ufffdB" });
  });
});
