import { expect, test } from "vitest";
import { TrustList } from "../../../firmware/identity/trust.ts";
import { CODE, decodeMessage, encodeMessage } from "../../../firmware/protocol/coap/message.ts";
import { MemorySequence } from "../../../firmware/protocol/oscore/sender-sequence.ts";
import type { PresetContext } from "../../../firmware/protocol/sessions.ts";
import { linkPair } from "../../../hal/emulated/link-pair.ts";
import { SeededRandom } from "../../../hal/emulated/seeded-random.ts";
import { VirtualClock } from "../../../hal/emulated/virtual-clock.ts";
import { opensslEngine } from "../../../hal/node/openssl.ts";
import { LINE } from "../../../hal/ports/link.ts";
import { HeadEnd } from "../../../host-tools/head-end/client.ts";
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
