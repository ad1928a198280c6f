import { expect, test } from "vitest";
import { fromText } from "../../firmware/protocol/bytes.ts";
import { CODE, type CoapContent, OPTION, sortOptions } from "../../firmware/protocol/coap/message.ts";
import { deriveContext, type OscoreContext } from "../../firmware/protocol/oscore/context.ts";
import {
  protectRequest,
  protectResponse,
  RequestBinding,
  unprotectRequest,
  unprotectResponse,
} from "../../firmware/protocol/oscore/protect.ts";
import { ReplayWindow } from "../../firmware/protocol/oscore/replay-window.ts";
import { MemorySequence } from "../../firmware/protocol/oscore/sender-sequence.ts";
import { nobleEngine } from "../../hal/crypto/noble.ts";
import { SeededRandom } from "../../hal/emulated/seeded-random.ts";
import { opensslEngine } from "../../hal/node/openssl.ts";
import type { CryptoEngine } from "../../hal/ports/crypto.ts";
import { FUZZ_INPUTS } from "../support/fuzz.ts";
import { asText, insideOf, spoiled } from "./spoiled.ts";

const SEED = 8613;
const RUNS = FUZZ_INPUTS;

/** One context on each engine, as the client has it and as the server has it. */
function ends(engine: CryptoEngine): { client: OscoreContext; server: OscoreContext } {
  const shared = { masterSecret: new Uint8Array(16).fill(7), idContext: Uint8Array.of(1, 2, 3) };
  const [id, peer] = [Uint8Array.of(0x0a), Uint8Array.of()];
  return {
    client: deriveContext(engine, { ...shared, senderId: id, recipientId: peer }),
    server: deriveContext(engine, { ...shared, senderId: peer, recipientId: id }),
  };
}

const ENDS = [ends(opensslEngine), ends(nobleEngine)] as const;
const GET: CoapContent = {
  code: CODE.get,
  options: [{ number: OPTION.uriPath, value: fromText("r") }],
  payload: new Uint8Array(0),
};
const FETCH: CoapContent = {
  code: CODE.fetch,
  options: [
    { number: OPTION.uriPath, value: fromText("p") },
    { number: OPTION.contentFormat, value: Uint8Array.of(60) },
  ],
  payload: new Uint8Array(20).fill(9),
};

/** Requests under the numbers 20 and 300, one of them through a proxy, with what is inside of each. */
const GENUINE = [GET, FETCH].flatMap((inside, i) => {
  const request = protectRequest(ENDS[0].client, new MemorySequence({ first: i === 0 ? 20 : 300 }), inside);
  if (request === undefined) throw new Error("no number");
  const host = { number: OPTION.uriHost, value: fromText("m7") };
  const proxied = { ...request.content, options: sortOptions([host, ...request.content.options]) };
  return [request.content, proxied].map((content) => ({ content, inside, number: request.number }));
});

test(`of ${RUNS} changed requests (seed ${SEED}) none is taken for anything but what was sent`, () => {
  const random = new SeededRandom(SEED);
  const outcomes = new Map<string, number>();
  for (let run = 0; run < RUNS; run++) {
    const genuine = GENUINE[run % GENUINE.length] as (typeof GENUINE)[number];
    const changed = spoiled(random, genuine.content);
    if (changed === undefined) continue;
    const window = new ReplayWindow();
    const { server } = ENDS[run % 7 === 0 ? 1 : 0];
    const result = unprotectRequest(server, window, changed);
    const outcome = "refused" in result ? result.refused : "taken";
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    const bad =
      "refused" in result
        ? !window.isFresh(0) || !window.isFresh(genuine.number)
        : insideOf(result.content) !== insideOf(genuine.inside) || window.isFresh(genuine.number);
    if (bad) throw new Error(`run ${run}: ${outcome} ${asText(changed)}`);
  }
  expect([...outcomes.keys()].sort()).toEqual(["context", "decrypt", "option", "taken"]);
  for (const count of outcomes.values()) expect(count).toBeGreaterThan(RUNS / 100);
});

test(`of ${RUNS / 5} changed answers (seed ${SEED}) none is taken for anything but what was sent`, () => {
  const random = new SeededRandom(SEED);
  const { client, server } = ENDS[0];
  const answer = { ...FETCH, code: CODE.content };
  const request = protectRequest(client, new MemorySequence(), GET);
  if (request === undefined) throw new Error("no number");
  const { aad, nonce } = request.binding;
  const content = protectResponse(server, new RequestBinding(aad, nonce, GET, "server"), answer);
  let taken = 0;
  for (let run = 0; run < RUNS / 5; run++) {
    const changed = spoiled(random, content);
    const result = changed && unprotectResponse(client, request.binding, changed);
    if (changed === undefined || result === undefined) continue;
    taken++;
    if (insideOf(result) !== insideOf(answer)) throw new Error(`run ${run}: ${asText(changed)}`);
  }
  expect(taken).toBeGreaterThan(RUNS / 500);
});
