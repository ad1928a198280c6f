import { expect, test } from "vitest";
import { TrustList } from "../../../firmware/identity/trust.ts";
import { encodeCbor } from "../../../firmware/protocol/cbor.ts";
import { decodeMessage, encodeMessage } from "../../../firmware/protocol/coap/codec.ts";
import { answerWith, CODE, FORMAT } from "../../../firmware/protocol/coap/message.ts";
import { Drive } from "../../../firmware/protocol/drive.ts";
import type { EpochMemory } from "../../../firmware/protocol/epochs.ts";
import { MemorySequence } from "../../../firmware/protocol/oscore/sender-sequence.ts";
import { SecureServer } from "../../../firmware/protocol/secure-server.ts";
import type { PresetContext } from "../../../firmware/protocol/sessions.ts";
import { linkPair } from "../../../hal/emulated/link-pair.ts";
import { SeededRandom } from "../../../hal/emulated/seeded-random.ts";
import { VirtualClock } from "../../../hal/emulated/virtual-clock.ts";
import { opensslEngine } from "../../../hal/node/openssl.ts";
import { LINE } from "../../../hal/ports/link.ts";
import { HeadEnd } from "../../../host-tools/head-end/client.ts";
import { RegistryError } from "../../../host-tools/head-end/errors.ts";
import { settle } from "../../../host-tools/world/single-line.ts";
import { identity } from "../../support/secured-line.ts";

const preset: PresetContext = {
  peer: { id: "M1" },
  parameters: {
    masterSecret: new Uint8Array(16).fill(9),
    senderId: new Uint8Array(0),
    recipientId: Uint8Array.of(1),
  },
  sequence: new MemorySequence(),
};

/** What a person is told of a meter that answers everything by 4.01. */
async function refusal(more: { readonly preset?: PresetContext }): Promise<string> {
  const clock = new VirtualClock({ utcMs: Date.UTC(2026, 10, 24) });
  const [link, far] = linkPair(clock, {});
  far.listen({
    datagram(from, datagram) {
      const message = decodeMessage(datagram);
      if ("error" in message) throw new Error(message.error);
      const { messageId, token } = message;
      const payload = new Uint8Array(0);
      const answer = {
        type: "ACK" as const,
        code: CODE.unauthorized,
        messageId,
        token,
        options: [],
        payload,
      };
      far.send(from, encodeMessage(answer));
    },
  });
  const headEnd = new HeadEnd({
    link,
    clock,
    crypto: opensslEngine,
    random: new SeededRandom(1),
    identity: identity("head-end", "H"),
    trust: new TrustList([identity("meter", "M1").credential]),
    ...more,
  });
  const target = { station: LINE, name: "pty:./meter1", expect: "M1", timeoutMs: 5000 };
  const read = headEnd.readRegisters(target).then(
    () => "an answer",
    (error: Error) => error.message,
  );
  return settle(clock, read);
}

test("a meter that does not know the head-end's credential is told apart from one that has another context", async () => {
  expect(await refusal({})).toBe(
    "The meter M1 at pty:./meter1 refused this head-end: enrol its credential at the meter (serve --trust).",
  );
  expect(await refusal({ preset })).toBe(
    "The meter M1 at pty:./meter1 refused this context: check that both ends have the same one, and that its .seq file is above all numbers that were used.",
  );
});

/** How a read and a watch of a meter that tells of its starts end, where they are remembered so. */
async function endsWith(takes: EpochMemory["takes"]): Promise<unknown[]> {
  const clock = new VirtualClock({ utcMs: Date.UTC(2026, 10, 24) });
  const [link, far] = linkPair(clock, {});
  const headEndIdentity = identity("head-end", "H");
  const meter = identity("meter", "M1");
  const server = new SecureServer({
    ...{ crypto: opensslEngine, random: new SeededRandom(2), traits: far.traits, identity: meter },
    trust: new TrustList([headEndIdentity.credential]),
    keeping: { starts: 5, startMs: 0, kept: () => [], save: () => true, utcMs: () => clock.utcMs() },
    resources: { links: [], serve: () => answerWith(CODE.content, FORMAT.cbor, encodeCbor([])) },
  });
  new Drive(server, far, clock, () => {});
  const headEnd = new HeadEnd({
    ...{ link, clock, crypto: opensslEngine, random: new SeededRandom(1), identity: headEndIdentity },
    trust: new TrustList([meter.credential]),
    epochs: { takes },
  });
  const target = { station: LINE, name: "pty:./meter1", timeoutMs: 5000 };
  const watch = new Promise((onEnd) => headEnd.watchRegisters(target, [], { onReading: onEnd, onEnd }));
  const ends = [headEnd.readRegisters(target).catch((error: unknown) => error), watch];
  return settle(clock, Promise.all(ends));
}

test("a meter that has forgotten is told by name, with what may be behind it and what to do", async () => {
  const forgetful = {
    kind: "identity",
    message:
      "The meter M1 at pty:./meter1 has forgotten what it told this head-end before: its storage was put back, emptied, copied or left out (serve --state); look at it, and where that was meant, run 'meterbench enrol accept M1'.",
  };
  expect(await endsWith(() => false)).toMatchObject([forgetful, forgetful]);
});

test("a start that cannot be remembered is not believed, and the reason is how a read and a watch end", async () => {
  const trouble = new RegistryError("The registry x cannot be changed (EROFS): check it.");
  const takes = () => {
    throw trouble;
  };
  const [ofRead, ofWatch] = await endsWith(takes);
  expect(ofRead).toBe(trouble);
  expect(ofWatch).toMatchObject({ kind: "identity", message: trouble.message });
});
