// EDHOC runs of ours with other implementations: with the keys of then, the same messages and the same output.
import { describe, expect, test } from "vitest";
import { toHex } from "../../firmware/protocol/bytes.ts";
import { decodeCcs } from "../../firmware/protocol/cose/credential.ts";
import { EdhocInitiator } from "../../firmware/protocol/edhoc/initiator.ts";
import type { OscoreMaterial } from "../../firmware/protocol/edhoc/output.ts";
import { EdhocResponder } from "../../firmware/protocol/edhoc/responder.ts";
import type { CryptoEngine } from "../../hal/ports/crypto.ts";
import { accepted, ENGINES, fixedRandom, knowing } from "../firmware/protocol/edhoc/ends.ts";
import libedhoc from "../vectors/interop/libedhoc.json" with { type: "json" };
import nodeEdhoc from "../vectors/interop/node-edhoc.json" with { type: "json" };
import { bytesOf } from "./recording.ts";

/** Two static keys: all but the ephemeral keys follows from what both know. */
const METHOD = 3;

interface RecordedRun {
  readonly what: string;
  readonly ourRole: string;
  readonly suite: number;
  readonly ours: {
    readonly secretKey: string;
    readonly credential: string;
    readonly connectionId: string;
    readonly ephemeral: string;
  };
  readonly theirs: { readonly credential: string };
  readonly message1: string;
  readonly message2: string;
  readonly message3: string;
  readonly message4?: string;
  readonly masterSecret: string;
  readonly masterSalt: string;
  readonly senderId: string;
  readonly recipientId: string;
}

function credentialOf(text: string) {
  const credential = decodeCcs(bytesOf(text));
  if (credential === undefined) throw new Error("no credential");
  return credential;
}

function partyOf(crypto: CryptoEngine, { ours, theirs }: RecordedRun) {
  return {
    crypto,
    random: fixedRandom(bytesOf(ours.ephemeral)),
    identity: { credential: credentialOf(ours.credential), secretKey: bytesOf(ours.secretKey) },
    resolve: knowing(credentialOf(theirs.credential)),
  };
}

function initiatorOf(crypto: CryptoEngine, run: RecordedRun): EdhocInitiator {
  const connectionId = bytesOf(run.ours.connectionId);
  return new EdhocInitiator({ ...partyOf(crypto, run), method: METHOD, suites: [run.suite], connectionId });
}

function responderOf(crypto: CryptoEngine, run: RecordedRun): EdhocResponder {
  return new EdhocResponder({
    ...partyOf(crypto, run),
    methods: [METHOD],
    suites: [run.suite],
    chooseConnectionId: () => bytesOf(run.ours.connectionId),
  });
}

function replay(crypto: CryptoEngine, run: RecordedRun): OscoreMaterial {
  return run.ourRole === "initiator" ? initiate(crypto, run) : respond(crypto, run);
}

function initiate(crypto: CryptoEngine, run: RecordedRun): OscoreMaterial {
  const initiator = initiatorOf(crypto, run);
  expect(toHex(initiator.message1())).toBe(run.message1);
  const { message3 } = accepted(initiator.receiveMessage2(bytesOf(run.message2)));
  expect(toHex(message3)).toBe(run.message3);
  if (run.message4 !== undefined) expect(initiator.receiveMessage4(bytesOf(run.message4))).toBe("confirmed");
  return initiator.exportOscore();
}

function respond(crypto: CryptoEngine, run: RecordedRun): OscoreMaterial {
  const responder = responderOf(crypto, run);
  expect(toHex(accepted(responder.receiveMessage1(bytesOf(run.message1))).message2)).toBe(run.message2);
  accepted(responder.receiveMessage3(bytesOf(run.message3)));
  if (run.message4 !== undefined) expect(toHex(responder.message4())).toBe(run.message4);
  return responder.exportOscore();
}

/** What the other end exported, as seen from ours. */
function theirOutput({ masterSecret, masterSalt, senderId, recipientId }: RecordedRun) {
  return { masterSecret, masterSalt, senderId, recipientId };
}

describe.each(ENGINES.map((engine) => ({ name: engine.name, engine })))("EDHOC on $name", ({ engine }) => {
  const runs = [libedhoc, nodeEdhoc].flatMap(({ peer, runs }): (RecordedRun & { peer: string })[] =>
    runs.map((run) => ({ ...run, peer })),
  );

  test.each(runs)("with $peer: $what", (run) => {
    const { masterSecret, masterSalt, senderId, recipientId } = replay(engine, run);
    expect({
      masterSecret: toHex(masterSecret),
      masterSalt: toHex(masterSalt),
      senderId: toHex(senderId),
      recipientId: toHex(recipientId),
    }).toEqual(theirOutput(run));
  });
});

describe(`a suite that only one end has, with ${libedhoc.peer}`, () => {
  const run = libedhoc.runs[0] as RecordedRun;
  const [engine] = ENGINES as [CryptoEngine];

  test("its error to our suite 3 names suite 2, which we then begin again with", () => {
    const initiator = new EdhocInitiator({
      ...partyOf(engine, run),
      method: METHOD,
      suites: [3, 2],
      connectionId: bytesOf(run.ours.connectionId),
    });
    initiator.message1();
    expect(initiator.receiveError(bytesOf(libedhoc.errorToSuite3))?.nextSuite).toBe(2);
  });

  test("its message_1 in suite 6 gets the suites that we have", () => {
    const answer = responderOf(engine, run).receiveMessage1(bytesOf(libedhoc.message1OfSuite6));
    if (!("error" in answer)) throw new Error("accepted");
    expect(answer.reason).toBe("suite");
    expect(toHex(answer.error)).toBe(libedhoc.errorToSuite3);
  });
});
