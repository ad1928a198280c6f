// Somebody who would like a meter's new key to be his, or its old one to go on.
import { afterEach, describe, expect, test } from "vitest";
import { writeKeyFile } from "../../firmware/identity/identity.ts";
import { equal, fromText } from "../../firmware/protocol/bytes.ts";
import { decodeMessage, encodeMessage } from "../../firmware/protocol/coap/codec.ts";
import {
  CODE,
  type CoapMessage,
  OPTION,
  pathOf,
  resourceRequest,
} from "../../firmware/protocol/coap/message.ts";
import { opensslEngine } from "../../hal/node/openssl.ts";
import { MemoryKeyStore } from "../../hal/storage/memory-key-store.ts";
import { followRegistry } from "../../host-tools/head-end/follow-registry.ts";
import { rotateKey } from "../../host-tools/head-end/rotation.ts";
import { settle } from "../../host-tools/world/single-line.ts";
import { RotatingMeter } from "../support/rotating-meter.ts";
import { identity } from "../support/secured-line.ts";
import { attackedMeter, type Between } from "./attacked-meter.ts";
import { asNew, messageOf, meterOf } from "./village.ts";

let meter: RotatingMeter;
afterEach(() => meter.close());

function isOld(): boolean {
  return equal(meter.current.credential.bytes, meter.made.credential.bytes);
}

/** The datagram as it is asked for another path, where it is an EDHOC request for the first one. */
function redirected(bytes: Uint8Array, from: string, to: string): Uint8Array {
  const message = decodeMessage(bytes) as CoapMessage;
  if ("error" in message || message.code !== CODE.post || pathOf(message) !== from) return bytes;
  const options = message.options.map((option) =>
    option.number === OPTION.uriPath ? { ...option, value: fromText(to) } : option,
  );
  return encodeMessage({ ...message, options });
}

describe("a man in the middle of a rotation", () => {
  test("who has the meter prove its old key in the place of the new one gets nothing confirmed", async () => {
    meter = new RotatingMeter();
    meter.between = (bytes, towards) => [towards === "meter" ? redirected(bytes, "x", "k") : bytes];
    await expect(meter.rotate()).rejects.toMatchObject({ kind: "identity" });
    expect(isOld()).toBe(true);
    meter.between = (bytes) => [bytes];
    await meter.rotate();
    expect(isOld()).toBe(false);
  });

  test("who changes any one answer has nothing enrolled but what the meter has made", async () => {
    for (let nth = 1; nth <= 8; nth++) {
      meter?.close();
      meter = new RotatingMeter();
      let passed = 0;
      const altering: Between = (bytes, towards) => {
        if (towards === "meter" || ++passed !== nth) return [bytes];
        return [bytes.map((byte, i) => (i === bytes.length - 1 ? byte ^ 1 : byte))];
      };
      meter.between = altering;
      // It is turned down, or outlives that.
      await meter.rotate().catch(() => {});
      const own = [meter.made, meter.current, meter.next].map((key) => key?.credential.bytes);
      const { credential, next } = meter.registry.find("M1") ?? {};
      expect(own).toContainEqual(credential?.bytes);
      if (next !== undefined) expect(own).toContainEqual(next.bytes);
      meter.between = (bytes) => [bytes];
      await meter.rotate();
      expect(isOld()).toBe(false);
    }
  });

  test("who plays a whole rotation again makes no second one", async () => {
    meter = new RotatingMeter();
    await meter.rotate();
    const recorded = [...meter.world.requests];
    const { bytes } = meter.current.credential;
    for (const datagram of recorded) {
      meter.world.inject(datagram);
      meter.world.inject(asNew(datagram));
    }
    expect(meter.current.credential.bytes).toEqual(bytes);
    expect(meter.next).toBeUndefined();
    expect(meter.world.logged().filter((name) => name === "key-rotated")).toHaveLength(1);
  });
});

describe("a head-end", () => {
  test("without the right has no key made", async () => {
    meter = new RotatingMeter();
    const store = new MemoryKeyStore(fromText(writeKeyFile(meter.made)));
    const { clock, headEnd, target, logged } = attackedMeter({
      keyStore: store,
      rights: new Set(["read", "relay"]),
    });
    await expect(settle(clock, headEnd.rotateKey(target, "begin"))).rejects.toThrow("the right update");
    expect(store.operations).toBe(0);
    expect(logged()).toContain("access-refused");
  });

  test("that has not seen the new key proved cannot confirm it, neither now nor after a start", async () => {
    meter = new RotatingMeter();
    const confirm = () => {
      const { clock, headEnd, target } = meter.world;
      return settle(clock, headEnd.rotateKey(target, "confirm"));
    };
    await expect(confirm()).rejects.toThrow("4.09");
    const { clock, headEnd, target } = meter.world;
    await settle(clock, headEnd.rotateKey(target, "begin"));
    await expect(confirm()).rejects.toThrow("4.09");
    meter.restart();
    await expect(confirm()).rejects.toThrow("4.09");
    expect(isOld()).toBe(true);
  });

  test.each([
    ["in the name of another meter", () => meterOf("M2").credential],
    ["with another key that signs statements", () => identity("meter", "M1", "thief").credential],
  ])("is given a next key %s, and enrols nothing", async (_, given) => {
    meter = new RotatingMeter();
    const body = { currentHash: new Uint8Array(32), next: given() };
    const answer = { meter: "M1", body, size: { requestBytes: 1, responseBytes: 1, milliseconds: 1 } };
    const hostile = { readKeys: async () => answer, rotateKey: async () => answer };
    const parts = { headEnd: hostile, registry: meter.registry, crypto: opensslEngine };
    await expect(rotateKey(parts, meter.world.target)).rejects.toThrow("not in its own name");
    expect(meter.registry.list()).toHaveLength(1);
    expect(meter.registry.find("M1")?.next).toBeUndefined();
  });
});

describe("after a rotation", () => {
  test("whoever has the old key is not the meter any more", async () => {
    meter = new RotatingMeter();
    await meter.rotate();
    const thief = attackedMeter({
      keyStore: new MemoryKeyStore(fromText(writeKeyFile(meter.made))),
      headEnd: followRegistry(meter.registry),
    });
    await expect(thief.read()).rejects.toMatchObject({ kind: "identity" });
  });

  test("sessions of the old key are nobody's, and neither are they after a start", async () => {
    meter = new RotatingMeter();
    await meter.world.read();
    await meter.world.read();
    const ofOldKey = meter.world.requests.at(-1) ?? new Uint8Array();
    await meter.rotate();
    const answers = meter.world.inject(asNew(ofOldKey));
    expect(messageOf(answers[0]).code).toBe(CODE.unauthorized);
    meter.restart();
    expect(messageOf(meter.world.inject(asNew(ofOldKey))[0]).code).toBe(CODE.unauthorized);
  });
});

test("a session that the next key was proved in does not outlive a start, after which it could confirm nothing", async () => {
  meter = new RotatingMeter();
  const { clock, headEnd, target, requests } = meter.world;
  const { next } = (await settle(clock, headEnd.rotateKey(target, "begin"))).body;
  if (next === undefined) throw new Error("there is no next key");
  meter.registry.enrolNext(next);
  await settle(clock, headEnd.readKeys(target, next));
  await settle(clock, headEnd.readKeys(target, next));
  const ofNextKey = requests.at(-1) ?? new Uint8Array();
  meter.restart();
  expect(messageOf(meter.world.inject(asNew(ofNextKey))[0]).code).toBe(CODE.unauthorized);
  await meter.rotate();
  expect(isOld()).toBe(false);
});

test("a stranger gets no handshake for a next key where there is none", () => {
  meter = new RotatingMeter();
  const request = resourceRequest(CODE.post, "x", fromText("anything"));
  const message = { ...request, type: "CON", messageId: 7, token: Uint8Array.of(1) } as const;
  const answers = meter.world.inject(encodeMessage(message));
  expect(answers.map((bytes) => messageOf(bytes).code)).toEqual([CODE.unauthorized]);
});
