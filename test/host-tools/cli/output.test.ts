import { describe, expect, test } from "vitest";
import { jsonText } from "../../../host-tools/cli/output.ts";

describe("JSON that a terminal may show", () => {
  test("is plain JSON where all is printable", () => {
    expect(jsonText({ meter: "Zähler 1", of: ["木", "😀"], "\\u": 1 })).toBe(
      '{"meter":"Zähler 1","of":["木","😀"],"\\\\u":1}',
    );
  });

  test.each([
    ["control characters", "\u001b[2J\u007f\u0085\u009b31m", "\\u001b[2J\\u007f\\u0085\\u009b31m"],
    ["format characters", "\u200b\u202e\u2066\ufeff\u00ad", "\\u200b\\u202e\\u2066\\ufeff\\u00ad"],
    ["separators of lines", "a\u2028b\u2029c", "a\\u2028b\\u2029c"],
    ["format characters beyond 16 bits", "\u{e0041}\u{1d173}", "\\udb40\\udc41\\ud834\\udd73"],
  ])("has %s escaped, in names and in values, and is read back as it was", (_, text, escaped) => {
    const document = { [text]: [text] };
    expect(jsonText(document)).toBe(`{"${escaped}":["${escaped}"]}`);
    expect(JSON.parse(jsonText(document))).toEqual(document);
  });

  test("has no character of those kinds left, whichever it is", () => {
    for (let first = 0; first < 0x11_0000; first += 0x1000) {
      const text = String.fromCodePoint(...Array.from({ length: 0x1000 }, (_, i) => first + i));
      expect(jsonText(text)).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
      expect(JSON.parse(jsonText(text))).toBe(text);
    }
  });
});
