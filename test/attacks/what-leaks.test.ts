// What a device's text does to a log or terminal, where secret keys turn up, and which keys are no secret.
import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { readCredentialFile, writeCredentialFile } from "../../firmware/identity/identity.ts";
import { isTestKey } from "../../firmware/identity/test-keys.ts";
import { refusalOf } from "../../firmware/identity/trust.ts";
import { fromText, toHex } from "../../firmware/protocol/bytes.ts";
import { encodeMessage } from "../../firmware/protocol/coap/codec.ts";
import { bareAnswer, CODE, FORMAT, resourceRequest } from "../../firmware/protocol/coap/message.ts";
import { encodeCcs } from "../../firmware/protocol/cose/credential.ts";
import { decodeFrame, encodeDiagnosticFrame } from "../../hal/framing/slipmux.ts";
import { opensslEngine } from "../../hal/node/openssl.ts";
import type { CryptoEngine } from "../../hal/ports/crypto.ts";
import { MemoryStorage } from "../../hal/storage/memory-storage.ts";
import { layerText, printable } from "../../host-tools/cli/output.ts";
import { Explainer } from "../../host-tools/decode/explain.ts";
import { settle } from "../../host-tools/world/single-line.ts";
import { configuration } from "../support/configuration.ts";
import { identity } from "../support/secured-line.ts";
import { attackedMeter } from "./attacked-meter.ts";
import { asNew, Village } from "./village.ts";

/** A line of its own, a cleared screen, a title, text that runs backwards, and one that is not there. */
const EVIL = "ok\r\nrefused: 0\u001b[2J\u001b]0;x\u0007\u202Eevil\u2066\u200b\u2028\u0085\u0000";
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

describe("text of a device", () => {
  test("in a nameplate stays one line, with nothing in it that steers a terminal", async () => {
    const plate = {
      serialNumber: EVIL,
      type: EVIL,
      block: EVIL,
      chargingPolicyId: EVIL,
      firmwareVersion: EVIL,
    };
    const { clock, headEnd, target } = attackedMeter({ configuration: { ...configuration, ...plate } });
    const { body } = await settle(clock, headEnd.readNameplate(target));
    expect(body.serialNumber).toBe(EVIL);
    const shown = Object.values(body).map((value) => printable(String(value)));
    expect(shown.filter((text) => UNSAFE.test(text))).toEqual([]);
    expect(shown[0]).toContain("ok\\u{d}\\u{a}refused: 0\\u{1b}[2J");
  });

  test("in a refusal's diagnostic, once it is explained, is shown the same way", () => {
    const village = new Village({ serve: () => bareAnswer(CODE.notFound, EVIL) });
    const answer = village.ask();
    expect(answer).toMatchObject({ kind: "answer", content: { payload: fromText(EVIL) } });
    const bytes = encodeMessage({
      type: "ACK",
      messageId: 1,
      token: fromText("t"),
      ...bareAnswer(CODE.notFound, EVIL),
    });
    for (const layer of new Explainer().explain(bytes))
      expect(printable(layerText(layer))).not.toMatch(UNSAFE);
  });

  test("on the line's console is shown the same way", () => {
    const frame = decodeFrame(encodeDiagnosticFrame(EVIL));
    expect(frame).toMatchObject({ kind: "diagnostic", text: expect.not.stringMatching(UNSAFE) });
  });

  test("as a name in a credential is refused where it is enrolled", () => {
    const { credential } = identity("meter", "M1");
    for (const id of [EVIL, "a\nb", "../../etc", "", "-x", "a".repeat(33)]) {
      const text = writeCredentialFile("meter", encodeCcs({ ...credential, id }));
      expect(readCredentialFile(text)).toEqual({ error: "has an id that is not its credential's" });
    }
  });

  test("of a stranger makes no event with a text in it: each is a number and numbers", async () => {
    const meter = attackedMeter();
    await meter.read();
    const header = { type: "CON", messageId: 1, token: fromText("\r\n\u001b[") } as const;
    meter.inject(
      encodeMessage({ ...header, ...resourceRequest(CODE.post, EVIL, fromText(EVIL), FORMAT.edhoc) }),
    );
    const { events } = meter.runtime.log.read("security", 0, 100);
    expect(events.length).toBeGreaterThan(0);
    expect(JSON.stringify(events)).not.toMatch(/[^\x20-\x7e]/);
    for (const { code, details } of events) expect([code, ...details].every(Number.isSafeInteger)).toBe(true);
  });
});

/** Notes every key that something is sealed or opened with, and every secret that keys come from. */
function keyLog(): { crypto: CryptoEngine; keys: Map<string, Uint8Array> } {
  const keys = new Map<string, Uint8Array>();
  const note = (key: Uint8Array): void => void keys.set(toHex(key), key.slice());
  const crypto: CryptoEngine = {
    ...opensslEngine,
    seal: (aead, key, ...rest) => {
      note(key);
      return opensslEngine.seal(aead, key, ...rest);
    },
    hkdfExpand: (key, ...rest) => {
      note(key);
      return opensslEngine.hkdfExpand(key, ...rest);
    },
    agreementPublicKey: (curve, key) => {
      note(key);
      return opensslEngine.agreementPublicKey(curve, key);
    },
    signingPublicKey: (signature, key) => {
      note(key);
      return opensslEngine.signingPublicKey(signature, key);
    },
    sign: (signature, key, message) => {
      note(key);
      return opensslEngine.sign(signature, key, message);
    },
  };
  return { crypto, keys };
}

/** Some of a key's bytes in the ways that a careless print would show them. */
function spellings(key: Uint8Array): string[] {
  const some = [...key.subarray(2, 10)];
  return [
    some.map((byte, i) => `"${i + 2}":${byte}`).join(","),
    toHex(key).slice(4, 20),
    some.join(","),
    some.join(", "),
    Buffer.from(key).toString("base64").slice(4, 14),
  ];
}

test("no key that seals, and none of an identity, is in storage, on the line, in errors, or in a print of either end", async () => {
  const { crypto, keys } = keyLog();
  const storage = new MemoryStorage();
  const meter = attackedMeter({ crypto, storage });
  await meter.read();
  const stated = { challenge: new Uint8Array(8), registers: ["1-0:1.8.0*255"] };
  await settle(meter.clock, meter.headEnd.readStatement(meter.target, stated));
  meter.clock.advanceBy(3_600_000);
  await meter.read();
  meter.inject(asNew(meter.requests[1]));
  const errors = await Promise.all([
    settle(meter.clock, meter.headEnd.readRegisters(meter.target, ["9.9.9"])).catch(
      (error: unknown) => error,
    ),
    settle(meter.clock, meter.headEnd.readRegisters({ ...meter.target, expect: "X" })).catch(
      (error: unknown) => error,
    ),
  ]);
  const everything = [
    ...storage.list().map((name) => Buffer.from(storage.read(name) ?? []).toString("latin1")),
    ...[...meter.requests, ...meter.answers].map((bytes) => Buffer.from(bytes).toString("latin1")),
  ];
  const print = {
    depth: 8,
    showHidden: true,
    getters: true,
    maxArrayLength: 50,
    maxStringLength: 1000,
  } as const;
  const own = identity("meter", "M1");
  keys.set("own", own.secretKey).set("own that signs", own.signingSecretKey);
  // Arrays are printed in columns: the white space between numbers may be of any kind.
  const printed = [meter.runtime, meter.headEnd, errors, own].map((of) =>
    `${inspect(of, print)} ${JSON.stringify(of === own || of === errors ? of : {})}`.replace(/\s+/g, " "),
  );
  expect(keys.size).toBeGreaterThan(10);
  for (const key of keys.values()) {
    const raw = Buffer.from(key).toString("latin1");
    expect(everything.some((text) => text.includes(raw))).toBe(false);
    for (const text of printed)
      for (const spelling of spellings(key)) expect(text.includes(spelling)).toBe(false);
  }
});

describe("a production profile", () => {
  test("refuses development credentials, and keys whose secrets are public whatever they are called", () => {
    const development = identity("head-end", "H", "a seed that is in no list").credential;
    expect(refusalOf("production", development)).toMatch(/development/);
    const { key, kid } = development;
    const publicKey = opensslEngine.agreementPublicKey("P-256", new Uint8Array(32).fill(1));
    const known = { ...development, development: false, kid, key: { ...key, publicKey } };
    const signing = { ...development, development: false, signingKey: publicKey };
    expect(isTestKey(publicKey)).toBe(true);
    for (const one of [known, signing]) expect(refusalOf("production", one)).toMatch(/secret is public/);
    expect(refusalOf("production", { ...development, development: false })).toBeUndefined();
  });
});
