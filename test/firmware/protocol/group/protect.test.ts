import { describe, expect, test } from "vitest";
import { toHex } from "../../../../firmware/protocol/bytes.ts";
import {
  answerWith,
  bareAnswer,
  CODE,
  type CoapContent,
  FORMAT,
  findOption,
  OPTION,
  resourceRequest,
  withOptions,
} from "../../../../firmware/protocol/coap/message.ts";
import { pairWith } from "../../../../firmware/protocol/group/context.ts";
import {
  type BoundGroupRequest,
  kidOfAnswer,
  protectGroupAnswer,
  protectGroupRequest,
  protectNumberedGroupAnswer,
  protectPairwiseRequest,
  unprotectGroupAnswer,
  unprotectGroupRequest,
} from "../../../../firmware/protocol/group/protect.ts";
import { decodeOscoreOption, encodeOscoreOption } from "../../../../firmware/protocol/oscore/option.ts";
import type { RefusedRequest } from "../../../../firmware/protocol/oscore/protect.ts";
import { ReplayWindow } from "../../../../firmware/protocol/oscore/replay-window.ts";
import { MemorySequence } from "../../../../firmware/protocol/oscore/sender-sequence.ts";
import { nobleEngine } from "../../../../hal/crypto/noble.ts";
import { opensslEngine } from "../../../../hal/node/openssl.ts";
import { groupOfThree } from "./support.ts";

const READ = resourceRequest(CODE.get, "r");
const READING = answerWith(CODE.content, FORMAT.cbor, Uint8Array.of(0x82, 1, 2));

function taken(result: BoundGroupRequest | RefusedRequest | undefined): BoundGroupRequest {
  if (result === undefined || "refused" in result) throw new Error(`refused: ${JSON.stringify(result)}`);
  return result;
}

/** The message with one byte of its payload another. */
function spoilt(content: CoapContent, at: number): CoapContent {
  const payload = Uint8Array.from(content.payload);
  payload[at] = (payload[at] ?? 0) ^ 1;
  return { ...content, payload };
}

function withOscore(content: CoapContent, change: object): CoapContent {
  const fields = decodeOscoreOption(findOption(content, OPTION.oscore) ?? new Uint8Array());
  if ("refused" in fields) throw new Error("no option");
  const value = encodeOscoreOption({ ...fields, ...change });
  const options = content.options.map((each) => (each.number === OPTION.oscore ? { ...each, value } : each));
  return { ...content, options };
}

describe.each([
  [nobleEngine, nobleEngine],
  [opensslEngine, nobleEngine],
  [nobleEngine, opensslEngine],
  [opensslEngine, opensslEngine],
])("a head-end with $name and meters with another engine or the same", (headEndsCrypto, metersCrypto) => {
  const { headEnd, toMeters, toHeadEnd } = groupOfThree(headEndsCrypto, metersCrypto);

  test("read all of a group by one signed request, and each answer is its member's alone", () => {
    const asked = taken(protectGroupRequest(headEnd, new MemorySequence(), READ));
    const answers = toHeadEnd.map((pair) => {
      const request = taken(unprotectGroupRequest(pair, new ReplayWindow(), asked.content));
      expect(request.content).toEqual(READ);
      return protectGroupAnswer(pair, request.binding, READING);
    });
    for (const [i, answer] of answers.entries()) {
      expect(kidOfAnswer(answer)).toEqual(Uint8Array.of(i + 1));
      const [own, other] = i === 0 ? toMeters : toMeters.toReversed();
      expect(unprotectGroupAnswer(own as (typeof toMeters)[0], asked.binding, answer)).toEqual(READING);
      expect(unprotectGroupAnswer(other as (typeof toMeters)[0], asked.binding, answer)).toBeUndefined();
    }
  });

  test("have an Echo round in pairwise mode, in which no other member takes part", () => {
    const sequence = new MemorySequence({ first: 300 });
    const [meter, other] = toHeadEnd;
    const ask = taken(protectPairwiseRequest(toMeters[0], sequence, READ));
    expect(unprotectGroupRequest(other, new ReplayWindow(), ask.content)).toEqual({ refused: "decrypt" });
    const asked = taken(unprotectGroupRequest(meter, new ReplayWindow(), ask.content));
    const echo = { number: OPTION.echo, value: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8) };
    const challenge = withOptions(bareAnswer(CODE.unauthorized), echo);
    const told = protectNumberedGroupAnswer(meter, new MemorySequence(), asked.binding, challenge);
    expect(unprotectGroupAnswer(toMeters[0], ask.binding, told as CoapContent)).toEqual(challenge);
    const repeated = taken(protectPairwiseRequest(toMeters[0], sequence, withOptions(READ, echo)));
    const window = new ReplayWindow();
    const served = taken(unprotectGroupRequest(meter, window, repeated.content));
    expect(findOption(served.content, OPTION.echo)).toEqual(echo.value);
    const answer = protectGroupAnswer(meter, served.binding, READING);
    expect(kidOfAnswer(answer)).toBeUndefined();
    expect(unprotectGroupAnswer(toMeters[0], repeated.binding, answer)).toEqual(READING);
  });
});

describe("a request to a group", () => {
  const { headEnd, meters, toMeters, toHeadEnd, parties } = groupOfThree(opensslEngine, opensslEngine);
  const asked = taken(protectGroupRequest(headEnd, new MemorySequence({ first: 5 }), READ));
  const [meter] = toHeadEnd;

  test("has the flags, number, Gid and kid of RFC 10021 4.3 in its option, and a signature behind its ciphertext", () => {
    expect(toHex(findOption(asked.content, OPTION.oscore) ?? new Uint8Array())).toBe("3905020b0700");
    expect(asked.content.code).toBe(CODE.post);
    // Code and Uri-Path: the cipher has no tag.
    expect(asked.content.payload).toHaveLength(3 + 64);
  });

  test("is taken once", () => {
    const window = new ReplayWindow();
    taken(unprotectGroupRequest(meter, window, asked.content));
    expect(unprotectGroupRequest(meter, window, asked.content)).toEqual({ refused: "replay" });
  });

  test("with a bit changed anywhere is refused, and moves no window", () => {
    const window = new ReplayWindow();
    for (let at = 0; at < asked.content.payload.length; at++) {
      expect(unprotectGroupRequest(meter, window, spoilt(asked.content, at))).toEqual({ refused: "decrypt" });
    }
    const cut = { ...asked.content, payload: asked.content.payload.slice(0, 64) };
    expect(unprotectGroupRequest(meter, window, cut)).toEqual({ refused: "decrypt" });
    taken(unprotectGroupRequest(meter, window, asked.content));
  });

  test("under another number, without its Gid or in another's name is refused", () => {
    const refusedOf = (change: object) =>
      unprotectGroupRequest(meter, new ReplayWindow(), withOscore(asked.content, change));
    expect(refusedOf({ partialIv: Uint8Array.of(6) })).toEqual({ refused: "decrypt" });
    expect(refusedOf({ isGroupMode: false })).toEqual({ refused: "decrypt" });
    expect(refusedOf({ kidContext: undefined })).toEqual({ refused: "context" });
    expect(refusedOf({ kidContext: Uint8Array.of(1) })).toEqual({ refused: "context" });
    expect(refusedOf({ kid: Uint8Array.of(2) })).toEqual({ refused: "context" });
    expect(refusedOf({ kid: undefined })).toEqual({ refused: "option" });
  });

  test("that a member forges in the head-end's name is refused: he has its Sender Key, and not its signature", () => {
    const forger = { ...meters[1], own: { ...headEnd.own } };
    const forged = taken(protectGroupRequest(forger, new MemorySequence(), READ));
    const before = meter.use.forgeries;
    expect(unprotectGroupRequest(meter, new ReplayWindow(), forged.content)).toEqual({ refused: "decrypt" });
    expect(meter.use.forgeries).toBe(before);
  });

  test("of another epoch, of another group manager or with another secret is refused", () => {
    const refusedIn = (epoch: object) => {
      const other = groupOfThree(opensslEngine, opensslEngine, epoch);
      return unprotectGroupRequest(other.toHeadEnd[0], new ReplayWindow(), asked.content);
    };
    expect(refusedIn({ gid: Uint8Array.of(0x0b, 8) })).toEqual({ refused: "context" });
    expect(refusedIn({ masterSecret: new Uint8Array(16) })).toEqual({ refused: "decrypt" });
    expect(refusedIn({ seed: "other" })).toEqual({ refused: "decrypt" });
    const otherManager = { ...meter, group: { ...meter.group, manager: parties[1].credential.bytes } };
    expect(unprotectGroupRequest(otherManager, new ReplayWindow(), asked.content)).toEqual({
      refused: "decrypt",
    });
  });

  test("is not made when the numbers are at their end", () => {
    const atTheEnd = new MemorySequence({ first: 2, limit: 2 });
    expect(protectGroupRequest(headEnd, atTheEnd, READ)).toBeUndefined();
    expect(protectPairwiseRequest(toMeters[0], atTheEnd, READ)).toBeUndefined();
  });
});

describe("an answer in a group", () => {
  const { headEnd, toMeters, toHeadEnd } = groupOfThree(opensslEngine, opensslEngine);
  const sequence = new MemorySequence();
  const serve = (asked: BoundGroupRequest) =>
    taken(unprotectGroupRequest(toHeadEnd[0], new ReplayWindow(), asked.content));

  test("to another request of the same head-end is none", () => {
    const [first, second] = [1, 2].map(() => taken(protectGroupRequest(headEnd, sequence, READ)));
    const answer = protectGroupAnswer(toHeadEnd[0], serve(first as BoundGroupRequest).binding, READING);
    expect(unprotectGroupAnswer(toMeters[0], (second as BoundGroupRequest).binding, answer)).toBeUndefined();
    expect(unprotectGroupAnswer(toMeters[0], (first as BoundGroupRequest).binding, answer)).toEqual(READING);
  });

  test("that another member forges is none, nor is one in group mode, of no kid or of another Gid", () => {
    const asked = taken(protectGroupRequest(headEnd, sequence, READ));
    const [honest, forger] = toHeadEnd;
    const inHisName = { ...forger, group: { ...forger.group, own: honest.group.own } };
    const binding = taken(unprotectGroupRequest(forger, new ReplayWindow(), asked.content)).binding;
    const forged = protectGroupAnswer(inHisName, binding, READING);
    expect(kidOfAnswer(forged)).toEqual(Uint8Array.of(1));
    expect(unprotectGroupAnswer(toMeters[0], asked.binding, forged)).toBeUndefined();
    const answer = protectGroupAnswer(honest, serve(asked).binding, READING);
    for (const change of [{ isGroupMode: true }, { kid: undefined }, { kidContext: Uint8Array.of(9) }]) {
      const changed = withOscore(answer, change);
      expect(unprotectGroupAnswer(toMeters[0], asked.binding, changed)).toBeUndefined();
    }
    for (let at = 0; at < answer.payload.length; at++) {
      expect(unprotectGroupAnswer(toMeters[0], asked.binding, spoilt(answer, at))).toBeUndefined();
    }
  });

  test("uses its request's nonce once; a second one needs a number of its own", () => {
    const asked = taken(protectGroupRequest(headEnd, sequence, READ));
    const { binding } = serve(asked);
    protectGroupAnswer(toHeadEnd[0], binding, READING);
    expect(() => protectGroupAnswer(toHeadEnd[0], binding, READING)).toThrow("spent");
    const numbered = protectNumberedGroupAnswer(toHeadEnd[0], new MemorySequence(), binding, READING);
    expect(unprotectGroupAnswer(toMeters[0], asked.binding, numbered as CoapContent)).toEqual(READING);
  });

  test("never registers anybody for more", () => {
    const asked = taken(protectGroupRequest(headEnd, sequence, READ));
    const notification = withOptions(READING, { number: OPTION.observe, value: new Uint8Array() });
    expect(() => protectGroupAnswer(toHeadEnd[0], serve(asked).binding, notification)).toThrow("Observe");
  });
});

test("a party whose key is no point on the curve is paired with nobody", () => {
  const { headEnd, parties } = groupOfThree(opensslEngine, opensslEngine);
  const [, { id, credential }] = parties;
  const publicKey = Uint8Array.from(credential.key.publicKey).fill(1, 1);
  const off = { id, credential: { ...credential, key: { kind: "P-256", publicKey } as const } };
  expect(pairWith(headEnd, off)).toBeUndefined();
  expect(() => pairWith(headEnd, parties[0])).toThrow("same ID");
});
