// Group OSCORE with another implementation: what it sent and took is sent and taken still, byte for byte.
import { describe, expect, test } from "vitest";
import { toHex } from "../../firmware/protocol/bytes.ts";
import { encodeMessage } from "../../firmware/protocol/coap/codec.ts";
import {
  type CoapContent,
  type CoapMessage,
  findOption,
  OPTION,
} from "../../firmware/protocol/coap/message.ts";
import { encodeCcs, kidOf } from "../../firmware/protocol/cose/credential.ts";
import {
  deriveGroup,
  type GroupPair,
  type GroupParty,
  pairWith,
} from "../../firmware/protocol/group/context.ts";
import { groupCredential } from "../../firmware/protocol/group/credential.ts";
import {
  protectGroupAnswer,
  protectGroupRequest,
  protectNumberedGroupAnswer,
  protectPairwiseRequest,
  unprotectGroupAnswer,
  unprotectGroupRequest,
} from "../../firmware/protocol/group/protect.ts";
import { decodeOscoreOption } from "../../firmware/protocol/oscore/option.ts";
import { ReplayWindow } from "../../firmware/protocol/oscore/replay-window.ts";
import { MemorySequence } from "../../firmware/protocol/oscore/sender-sequence.ts";
import { nobleEngine } from "../../hal/crypto/noble.ts";
import fixture from "../vectors/interop/aiocoap-group.json" with { type: "json" };
import { bytesOf, contentOf, innerOf, messageOf } from "./recording.ts";

type End = typeof fixture.headEnd;

const HEAD_END = partyOf(fixture.headEnd);
const METER = partyOf(fixture.meter);

/** Our numbers of then. */
const FIRST_REQUEST = 40;
const CHALLENGE = 300;

describe(fixture.peer, () => {
  test("knows both ends by the group credentials that we make", () => {
    expect(toHex(HEAD_END.credential.bytes)).toBe(fixture.headEnd.credential);
    expect(toHex(METER.credential.bytes)).toBe(fixture.meter.credential);
  });

  describe("as the head-end of a group", () => {
    const pair = pairOf(fixture.meter, METER, HEAD_END);
    const window = new ReplayWindow();

    test.each(fixture["asked by aiocoap"])("$what", ({ request, inner, answer, answerInner }) => {
      const asked = unprotectGroupRequest(pair, window, messageOf(bytesOf(request)));
      if ("refused" in asked) throw new Error(asked.refused);
      expect(innerOf(asked.content)).toBe(inner);
      const content = contentOf(answerInner);
      const numbers = new MemorySequence({ first: CHALLENGE });
      const sealed = findOption(content, OPTION.echo)
        ? protectNumberedGroupAnswer(pair, numbers, asked.binding, content)
        : protectGroupAnswer(pair, asked.binding, content);
      expect(sealed && datagramOf(sealed)).toBe(answer);
    });
  });

  describe("as a meter", () => {
    const pair = pairOf(fixture.headEnd, HEAD_END, METER);
    const numbers = new MemorySequence({ first: FIRST_REQUEST });

    test.each(fixture["asked by us"])("$what", ({ request, inner, answer, answerInner }) => {
      const option = decodeOscoreOption(
        findOption(messageOf(bytesOf(request)), OPTION.oscore) ?? new Uint8Array(),
      );
      const isForAll = !("refused" in option) && option.isGroupMode;
      const asked = isForAll
        ? protectGroupRequest(pair.group, numbers, contentOf(inner))
        : protectPairwiseRequest(pair, numbers, contentOf(inner));
      if (asked === undefined) throw new Error("no numbers are left");
      expect(datagramOf(asked.content)).toBe(request);
      const opened = unprotectGroupAnswer(pair, asked.binding, messageOf(bytesOf(answer)));
      expect(opened && innerOf(opened)).toBe(answerInner);
    });
  });
});

function partyOf({ id, senderId, signingSecretKey }: End): GroupParty {
  const signingKey = nobleEngine.signingPublicKey("ES256", bytesOf(signingSecretKey));
  const key = {
    kind: "P-256",
    publicKey: nobleEngine.agreementPublicKey("P-256", new Uint8Array(32).fill(1)),
  } as const;
  const enrolled = encodeCcs({
    id,
    kid: kidOf(nobleEngine, key.publicKey),
    key,
    development: true,
    signingKey,
  });
  const credential = groupCredential(nobleEngine, enrolled);
  if (credential === undefined) throw new Error("no key that signs");
  return { id: bytesOf(senderId), credential };
}

function pairOf({ signingSecretKey }: End, own: GroupParty, other: GroupParty): GroupPair {
  const { gid, masterSecret, masterSalt } = fixture.group;
  const group = deriveGroup(nobleEngine, {
    ...{ gid: bytesOf(gid), masterSecret: bytesOf(masterSecret), masterSalt: bytesOf(masterSalt) },
    ...{ manager: HEAD_END.credential, own, signingSecretKey: bytesOf(signingSecretKey) },
  });
  const pair = pairWith(group, other);
  if (pair === undefined) throw new Error("no point");
  return pair;
}

function datagramOf(content: CoapContent): string {
  const header = { type: "CON", messageId: 0, token: Uint8Array.of(7) } as const;
  return toHex(encodeMessage({ ...header, ...content } satisfies CoapMessage));
}
