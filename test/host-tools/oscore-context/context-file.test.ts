import { describe, expect, test } from "vitest";
import { readContextFile, writeContextFile } from "../../../host-tools/oscore-context/context-file.ts";

const SECRET = "b5c0ffee00112233445566778899aabb";
const whole = { masterSecret: SECRET, senderId: "01", recipientId: "" };

describe("a context file that is none", () => {
  test.each([
    ["a cut file", `{ "masterSecret": "${SECRET}", `, "is not JSON"],
    ["a file of something else", `masterSecret=${SECRET}`, "is not JSON"],
    ["a text", JSON.stringify(SECRET), "is no OSCORE context file: it is no object of hex fields"],
    ["a list", JSON.stringify([SECRET]), /^is no OSCORE context file: /],
    ["no secret", '{ "senderId": "01" }', "is no OSCORE context file: masterSecret is missing"],
    [
      "a secret that is a number",
      JSON.stringify({ ...whole, masterSecret: 5_550_112_233 }),
      "is no OSCORE context file: masterSecret is no text of hex digits",
    ],
    [
      "a secret that is no hex",
      JSON.stringify({ ...whole, masterSecret: `${SECRET}0` }),
      "is no OSCORE context file: masterSecret is no text of hex digits",
    ],
    [
      "an empty secret",
      JSON.stringify({ ...whole, masterSecret: "" }),
      "is no OSCORE context file: masterSecret is empty",
    ],
    [
      "a secret in the place of an ID",
      JSON.stringify({ ...whole, senderId: SECRET }),
      "is no OSCORE context file: senderId has more than 7 bytes",
    ],
    [
      "an ID that a nonce of 12 bytes has no room for",
      JSON.stringify({ ...whole, recipientId: "01020304050607", algorithm: 24 }),
      "is no OSCORE context file: recipientId has more than 6 bytes",
    ],
    [
      "a secret in the place of the algorithm",
      JSON.stringify({ ...whole, algorithm: SECRET }),
      "is no OSCORE context file: algorithm is no whole number",
    ],
    [
      "a secret in the place of a name",
      JSON.stringify({ ...whole, [SECRET]: "masterSecret" }),
      "is no OSCORE context file: it has a field that none has",
    ],
    [
      "a name that every object has",
      JSON.stringify({ ...whole, constructor: SECRET }),
      "is no OSCORE context file: it has a field that none has",
    ],
  ])("is said to be one, and nothing that it holds is shown: %s", (_, text, error) => {
    const read = readContextFile(text);
    expect(read).toEqual({ error: typeof error === "string" ? error : expect.stringMatching(error) });
    expect(JSON.stringify(read)).not.toMatch(/b5c0ff|5550112233/i);
  });

  test("one that is whole is read, and written as it was", () => {
    const text = `${JSON.stringify({ ...whole, algorithm: 10 }, null, 2)}\n`;
    const read = readContextFile(text);
    expect("error" in read ? read.error : writeContextFile(read)).toBe(text);
  });
});
