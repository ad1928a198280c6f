import { describe, expect, test } from "vitest";
import { toHex } from "../../../../firmware/protocol/bytes.ts";
import { encodeCbor } from "../../../../firmware/protocol/cbor.ts";
import { encodeMessage } from "../../../../firmware/protocol/coap/codec.ts";
import { findOption, OPTION } from "../../../../firmware/protocol/coap/message.ts";
import {
  additionalData,
  deriveContext,
  nonceOf,
  type OscoreContext,
} from "../../../../firmware/protocol/oscore/context.ts";
import {
  protectNumberedResponse,
  protectRequest,
  protectResponse,
  type RequestBinding,
  unprotectRequest,
  unprotectResponse,
} from "../../../../firmware/protocol/oscore/protect.ts";
import { ReplayWindow } from "../../../../firmware/protocol/oscore/replay-window.ts";
import { MemorySequence } from "../../../../firmware/protocol/oscore/sender-sequence.ts";
import type { CryptoEngine } from "../../../../hal/ports/crypto.ts";
import { CONTEXTS, MASTER_SECRET, REQUESTS, RESPONSES } from "../../../vectors/oscore/rfc8613.ts";
import { ENGINES, given, hex, message } from "./support.ts";

type ContextName = keyof typeof CONTEXTS;

function ends(crypto: CryptoEngine, name: ContextName): { client: OscoreContext; server: OscoreContext } {
  const { masterSalt, clientId, serverId, idContext } = CONTEXTS[name];
  const shared = {
    masterSecret: hex(MASTER_SECRET),
    ...(masterSalt === undefined ? {} : { masterSalt: hex(masterSalt) }),
    ...(idContext === undefined ? {} : { idContext: hex(idContext) }),
  };
  const [client, server] = [hex(clientId), hex(serverId)];
  return {
    client: deriveContext(crypto, { ...shared, senderId: client, recipientId: server }),
    server: deriveContext(crypto, { ...shared, senderId: server, recipientId: client }),
  };
}

/** The engine, and what it was asked: info of each HKDF-Expand, nonce, AAD and text of each seal. */
function listening(engine: CryptoEngine): { engine: CryptoEngine; infos: string[]; sealed: string[][] } {
  const infos: string[] = [];
  const sealed: string[][] = [];
  const listener: CryptoEngine = {
    ...engine,
    name: engine.name,
    sha256: (data) => engine.sha256(data),
    hkdfExtract: (salt, input) => engine.hkdfExtract(salt, input),
    hkdfExpand: (key, info, length) => {
      infos.push(toHex(info));
      return engine.hkdfExpand(key, info, length);
    },
    seal: (aead, key, nonce, aad, plaintext) => {
      sealed.push([nonce, aad, plaintext].map(toHex));
      return engine.seal(aead, key, nonce, aad, plaintext);
    },
    open: (aead, key, nonce, aad, text) => engine.open(aead, key, nonce, aad, text),
  };
  return { engine: listener, infos, sealed };
}

describe.each(ENGINES.map((engine) => ({ name: engine.name, engine })))("RFC 8613 on $name", ({ engine }) => {
  describe.each(Object.keys(CONTEXTS) as ContextName[])("Appendix %s", (name) => {
    const expected = CONTEXTS[name];

    test("keys, Common IV and first nonces of both ends come out", () => {
      const { client, server } = ends(engine, name);
      for (const [mine, theirs] of [
        [client.sender, server.recipient],
        [server.sender, client.recipient],
      ] as const)
        expect(mine).toEqual(theirs);
      expect(toHex(client.commonIv)).toBe(expected.commonIv);
      expect(toHex(server.commonIv)).toBe(expected.commonIv);
      expect(toHex(client.sender.key)).toBe(expected.clientKey);
      expect(toHex(server.sender.key)).toBe(expected.serverKey);
      expect(toHex(nonceOf(client.sender, hex("00")))).toBe(expected.clientNonce0);
      expect(toHex(nonceOf(server.sender, hex("00")))).toBe(expected.serverNonce0);
    });

    test("the info of each key and of the Common IV is the one printed, and a decoy's is like none of them", () => {
      const { engine: listener, infos } = listening(engine);
      ends(listener, name);
      const ofTheDecoy = toHex(encodeCbor("decoy"));
      expect(new Set(infos)).toEqual(
        new Set([expected.clientKeyInfo, expected.serverKeyInfo, expected.ivInfo, ofTheDecoy]),
      );
    });
  });

  describe.each(Object.keys(REQUESTS) as (keyof typeof REQUESTS)[])("Appendix %s", (name) => {
    const expected = REQUESTS[name];

    test("the client's request is byte for byte the one printed", () => {
      const { engine: listener, sealed } = listening(engine);
      const { client } = ends(listener, expected.context);
      const plain = message(expected.unprotected);
      const { content, number } = given(protectRequest(client, new MemorySequence({ first: 20 }), plain));
      expect(sealed).toEqual([[expected.nonce, expected.aad, expected.plaintext]]);
      expect(toHex(content.payload)).toBe(expected.ciphertext);
      expect(toHex(given(findOption(content, OPTION.oscore)))).toBe(expected.option);
      expect(toHex(encodeMessage({ ...plain, ...content }))).toBe(expected.sent);
      expect(number).toBe(20);
    });

    test("the server reads the request printed", () => {
      const { server } = ends(engine, expected.context);
      const { type, messageId, token, ...content } = message(expected.sent);
      const result = unprotectRequest(server, new ReplayWindow(), content);
      if ("refused" in result) throw new Error(result.refused);
      expect(toHex(encodeMessage({ type, messageId, token, ...result.content }))).toBe(expected.unprotected);
      expect(result.number).toBe(20);
      expect(toHex(result.binding.aad)).toBe(expected.aad);
      expect(toHex(result.binding.nonce)).toBe(expected.nonce);
      expect(toHex(additionalData(server.recipient, hex("14")))).toBe(expected.aad);
    });
  });

  /** C.4 sent and received: both ends' bindings. */
  function c4(crypto: CryptoEngine): {
    client: OscoreContext;
    server: OscoreContext;
    atClient: RequestBinding;
    atServer: RequestBinding;
  } {
    const { client, server } = ends(crypto, "C.1");
    const plain = message(REQUESTS["C.4"].unprotected);
    const sent = given(protectRequest(client, new MemorySequence({ first: 20 }), plain));
    const received = unprotectRequest(server, new ReplayWindow(), sent.content);
    if ("refused" in received) throw new Error(received.refused);
    return { client, server, atClient: sent.binding, atServer: received.binding };
  }

  describe.each(Object.keys(RESPONSES) as (keyof typeof RESPONSES)[])("Appendix %s", (name) => {
    const expected = RESPONSES[name];
    const plain = message(expected.unprotected);

    test("the server's answer is byte for byte the one printed", () => {
      const { engine: listener, sealed } = listening(engine);
      const { server, atServer } = c4(listener);
      const content =
        name === "C.7"
          ? protectResponse(server, atServer, plain)
          : given(protectNumberedResponse(server, new MemorySequence(), atServer, plain));
      expect(sealed[1]).toEqual([expected.nonce, REQUESTS["C.4"].aad, expected.plaintext]);
      expect(toHex(content.payload)).toBe(expected.ciphertext);
      expect(toHex(encodeMessage({ ...plain, ...content }))).toBe(expected.sent);
    });

    test("the client reads the answer printed", () => {
      const { client, atClient } = c4(engine);
      const content = given(unprotectResponse(client, atClient, message(expected.sent)));
      expect(toHex(encodeMessage({ ...plain, ...content }))).toBe(expected.unprotected);
    });
  });
});
