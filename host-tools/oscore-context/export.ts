// A context in the forms that other implementations read.
import { toHex } from "../../firmware/protocol/bytes.ts";
import { AEAD_NUMBERS } from "../../firmware/protocol/cose/algorithms.ts";
import { type NamedContext, otherEnd, writeContextFile } from "./context-file.ts";

/** For whom a context can be written, as seen by the end that is not ours. */
export const EXPORTS: Readonly<Record<string, (context: NamedContext) => string>> = {
  libcoap: (context) => libcoapText(otherEnd(context)),
  aiocoap: (context) => aiocoapText(otherEnd(context)),
  meterbench: (context) => writeContextFile(otherEnd(context)),
};

/** Lines of `keyword,encoding,value`, as coap-client -E and coap-server -E read them. */
function libcoapText(context: NamedContext): string {
  const { masterSecret, masterSalt, senderId, recipientId, idContext, aead } = context;
  const hex = (keyword: string, bytes: Uint8Array): string => `${keyword},hex,"${toHex(bytes)}"`;
  const lines = [
    hex("master_secret", masterSecret),
    ...(masterSalt === undefined ? [] : [hex("master_salt", masterSalt)]),
    ...(idContext === undefined ? [] : [hex("id_context", idContext)]),
    hex("sender_id", senderId),
    hex("recipient_id", recipientId),
    `aead_alg,integer,${AEAD_NUMBERS[aead]}`,
    "hkdf_alg,integer,-10",
  ];
  return `${lines.join("\n")}\n`;
}

/** The settings.json of an aiocoap context folder. */
function aiocoapText(context: NamedContext): string {
  const { masterSecret, masterSalt, senderId, recipientId, idContext, aead } = context;
  const settings = {
    "sender-id_hex": toHex(senderId),
    "recipient-id_hex": toHex(recipientId),
    algorithm: aead,
    "kdf-hashfun": "sha256",
    secret_hex: toHex(masterSecret),
    ...(masterSalt && { salt_hex: toHex(masterSalt) }),
    ...(idContext && { "id-context_hex": toHex(idContext) }),
  };
  return `${JSON.stringify(settings, null, 2)}\n`;
}
