import { describe, expect, test } from "vitest";
import { concat, toHex } from "../../../../firmware/protocol/bytes.ts";
import { encodeOptionsAndPayload } from "../../../../firmware/protocol/coap/codec.ts";
import { type CoapContent, OPTION } from "../../../../firmware/protocol/coap/message.ts";
import { deriveContext } from "../../../../firmware/protocol/oscore/context.ts";
import {
  RequestBinding,
  unprotectRequest,
  unprotectResponse,
} from "../../../../firmware/protocol/oscore/protect.ts";
import { ReplayWindow } from "../../../../firmware/protocol/oscore/replay-window.ts";
import { RECORDED_CONTEXT, RECORDED_EXCHANGES } from "../../../vectors/oscore/recorded.ts";
import { ENGINES, given, hex, message } from "./support.ts";

/** The plaintext that a verified message came from: Uri-Port (7) came from outside. */
function plaintextOf(content: CoapContent): string {
  const inner = content.options.filter(({ number }) => number !== OPTION.uriPort);
  return toHex(concat(Uint8Array.of(content.code), encodeOptionsAndPayload(inner, content.payload)));
}

describe.each(ENGINES.map((engine) => ({ name: engine.name, engine })))(
  "datagrams of other implementations, on $name",
  ({ engine }) => {
    const { clientId, serverId, masterSecret, masterSalt } = RECORDED_CONTEXT;
    const shared = { masterSecret: hex(masterSecret), masterSalt: hex(masterSalt) };
    const client = deriveContext(engine, {
      ...shared,
      senderId: hex(clientId),
      recipientId: hex(serverId),
    });
    const server = deriveContext(engine, {
      ...shared,
      senderId: hex(serverId),
      recipientId: hex(clientId),
    });

    test("their keys are ours", () => {
      expect(toHex(client.sender.key)).toBe(RECORDED_CONTEXT.clientKey);
      expect(toHex(client.recipient.key)).toBe(RECORDED_CONTEXT.serverKey);
      expect(toHex(client.commonIv)).toBe(RECORDED_CONTEXT.commonIv);
    });

    test.each(RECORDED_EXCHANGES)("$name", ({ request, requestPlaintext, response, responsePlaintext }) => {
      const verified = unprotectRequest(server, new ReplayWindow(), message(request));
      if ("refused" in verified) throw new Error(verified.refused);
      expect(plaintextOf(verified.content)).toBe(requestPlaintext);
      const { aad, nonce } = verified.binding;
      const atClient = new RequestBinding(aad, nonce, verified.content, "client");
      const answer = given(unprotectResponse(client, atClient, message(response)));
      expect(plaintextOf(answer)).toBe(responsePlaintext);
    });
  },
);
