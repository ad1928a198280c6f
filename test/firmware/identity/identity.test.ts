import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { Identity, readKeyFile, writeKeyFile } from "../../../firmware/identity/identity.ts";
import { toHex } from "../../../firmware/protocol/bytes.ts";
import { opensslEngine } from "../../../hal/node/openssl.ts";
import { identity } from "../../support/secured-line.ts";

const meter = identity("meter", "M1");

/** The secrets in the ways that a careless print would show them. */
function spellings({ secretKey, signingSecretKey }: Identity): string[] {
  return [secretKey, signingSecretKey].flatMap(spellingsOf);
}

function spellingsOf(secretKey: Uint8Array): string[] {
  const some = [...secretKey.subarray(4, 10)];
  const base64 = Buffer.from(secretKey).toString("base64");
  return [
    toHex(secretKey).slice(8, 24),
    some.join(","),
    some.join(", "),
    some.map((byte, i) => `"${i + 4}":${byte}`).join(","),
    base64.slice(4, 16),
  ];
}

describe("an identity's secret keys", () => {
  test("are there for who asks for them by name, and are the file's", () => {
    expect(meter.secretKey).toHaveLength(32);
    const read = readKeyFile(opensslEngine, writeKeyFile(meter));
    expect(read instanceof Identity && toHex(read.secretKey)).toBe(toHex(meter.secretKey));
    expect(read instanceof Identity && toHex(read.signingSecretKey)).toBe(toHex(meter.signingSecretKey));
    expect(read).toEqual(meter);
    expect(toHex(meter.signingSecretKey)).not.toBe(toHex(meter.secretKey));
  });

  test.each<[string, (of: unknown) => string]>([
    ["JSON", (of) => JSON.stringify(of)],
    // Long arrays are printed in columns, with white space of any kind between.
    [
      "a print of everything",
      (of) => inspect(of, { depth: 9, showHidden: true, getters: true }).replace(/\s+/g, " "),
    ],
    ["a copy", (of) => inspect(structuredClone(of), { depth: 9 }) + JSON.stringify({ ...(of as object) })],
    ["an error", (of) => inspect(new Error(`no ${of} ${JSON.stringify(of)}`, { cause: of }), { depth: 9 })],
  ])("are not in %s, by itself or inside something else", (_, print) => {
    for (const printed of [print(meter), print({ options: { identity: meter } })]) {
      for (const spelling of spellings(meter)) expect(printed).not.toContain(spelling);
    }
  });

  test("are not in what is wrong with its file", () => {
    const text = writeKeyFile(meter);
    const broken = [
      text.slice(0, -3),
      text.replace('"suite": 2', '"suite": 0'),
      text.replace('"secretKey": "', '"secretKey": "00'),
      text.replace(/"secretKey": "[0-9a-f]{2}/, '"secretKey": "00'),
      text.replace('"signingSecretKey": "', '"signingSecretKey": "00'),
      text.replace(/"signingSecretKey": "[0-9a-f]{2}/, '"signingSecretKey": "00'),
      text.replace(/,\s*"signingSecretKey": "[0-9a-f]*"/, ""),
      text.replace('"role": "meter"', `"role": "${toHex(meter.secretKey)}"`),
      text.replace('"credential": "', `"credential": "${toHex(meter.secretKey)}`),
    ];
    for (const file of broken) {
      const read = readKeyFile(opensslEngine, file);
      expect(read).toEqual({ error: expect.stringMatching(/^(is|has|names) /) });
      for (const secret of [meter.secretKey, meter.signingSecretKey])
        expect(JSON.stringify(read)).not.toContain(toHex(secret).slice(8, 24));
    }
  });
});
