import { expect, test } from "vitest";
import { CODE, type CoapContent, resourceRequest } from "../../firmware/protocol/coap/message.ts";
import {
  protectGroupAnswer,
  protectGroupRequest,
  protectPairwiseRequest,
  unprotectGroupAnswer,
  unprotectGroupRequest,
} from "../../firmware/protocol/group/protect.ts";
import { ReplayWindow } from "../../firmware/protocol/oscore/replay-window.ts";
import { MemorySequence } from "../../firmware/protocol/oscore/sender-sequence.ts";
import { nobleEngine } from "../../hal/crypto/noble.ts";
import { SeededRandom } from "../../hal/emulated/seeded-random.ts";
import { opensslEngine } from "../../hal/node/openssl.ts";
import { groupOfThree } from "../firmware/protocol/group/support.ts";
import { FUZZ_INPUTS } from "../support/fuzz.ts";
import { asText, insideOf, spoiled } from "./spoiled.ts";

const SEED = 10021;
/** Each looks at a signature. */
const RUNS = FUZZ_INPUTS / 5;

const FETCH: CoapContent = { ...resourceRequest(CODE.fetch, "p"), payload: new Uint8Array(20).fill(9) };
const { headEnd, toMeters, toHeadEnd } = groupOfThree(opensslEngine, opensslEngine);
const [meter] = toHeadEnd;
const numbers = new MemorySequence({ first: 300 });
const GENUINE = [
  protectGroupRequest(headEnd, numbers, FETCH),
  protectPairwiseRequest(toMeters[0], numbers, FETCH),
];

test(`of ${RUNS} changed requests in a group (seed ${SEED}) none is taken for anything but what was sent`, () => {
  const random = new SeededRandom(SEED);
  const outcomes = new Set<string>();
  for (let run = 0; run < RUNS; run++) {
    const genuine = GENUINE[run % 2];
    const changed = genuine && spoiled(random, genuine.content);
    if (genuine === undefined || changed === undefined) continue;
    const window = new ReplayWindow();
    const result = unprotectGroupRequest(meter, window, changed);
    outcomes.add("refused" in result ? result.refused : "taken");
    const bad =
      "refused" in result
        ? !window.isFresh(0) || !window.isFresh(genuine.number)
        : insideOf(result.content) !== insideOf(FETCH) || window.isFresh(genuine.number);
    if (bad) throw new Error(`run ${run}: ${asText(changed)}`);
  }
  expect([...outcomes].sort()).toEqual(["context", "decrypt", "option", "taken"]);
});

test(`of ${RUNS} changed answers in a group (seed ${SEED}) none is taken for anything but what was sent`, () => {
  const random = new SeededRandom(SEED);
  const asked = protectGroupRequest(headEnd, numbers, FETCH);
  const request = asked && unprotectGroupRequest(meter, new ReplayWindow(), asked.content);
  if (asked === undefined || request === undefined || "refused" in request) throw new Error("no request");
  const answer = { ...FETCH, code: CODE.content };
  const content = protectGroupAnswer(meter, request.binding, answer);
  let taken = 0;
  for (let run = 0; run < RUNS; run++) {
    const changed = spoiled(random, content);
    const result = changed && unprotectGroupAnswer(toMeters[0], asked.binding, changed);
    if (changed === undefined || result === undefined) continue;
    taken++;
    if (insideOf(result) !== insideOf(answer)) throw new Error(`run ${run}: ${asText(changed)}`);
  }
  expect(taken).toBeGreaterThan(0);
});

test("a signature is judged the same by both engines, whatever was changed", () => {
  const random = new SeededRandom(SEED);
  const [ours] = groupOfThree(opensslEngine, nobleEngine).toHeadEnd;
  const [genuine] = GENUINE;
  for (let run = 0; run < 60; run++) {
    const changed = genuine && spoiled(random, genuine.content);
    if (changed === undefined) continue;
    const [one, other] = [meter, ours].map((pair) =>
      unprotectGroupRequest(pair, new ReplayWindow(), changed),
    );
    expect(one && "refused" in one ? one.refused : "taken").toBe(
      other && "refused" in other ? other.refused : "taken",
    );
  }
});
