// OSCORE context files: a context agreed on beforehand, for development and for clients without EDHOC.
import * as v from "valibot";
import { fromHex, toHex } from "../../firmware/protocol/bytes.ts";
import { AEAD_NUMBERS, aeadByNumber } from "../../firmware/protocol/cose/algorithms.ts";
import { type ContextParameters, idBytesMax } from "../../firmware/protocol/oscore/context.ts";

/** A context as one end sees it, its AEAD named. */
export type NamedContext = ContextParameters & Required<Pick<ContextParameters, "aead">>;

/** The algorithm that all must have (RFC 8613 5): AES-CCM-16-64-128. */
const DEFAULT_ALGORITHM = 10;

// Every fault has words of its own: the library's quote what they found, which may be the secret.
const HEX_FAULT = "is no text of hex digits";
const Hex = v.pipe(
  v.string(HEX_FAULT),
  v.check((text) => fromHex(text) !== undefined, HEX_FAULT),
  v.transform((text) => fromHex(text) as Uint8Array),
);
const NUMBER_FAULT = "is no whole number";
const FIELDS = {
  masterSecret: v.pipe(
    Hex,
    v.check((secret) => secret.length > 0, "is empty"),
  ),
  masterSalt: v.optional(Hex),
  senderId: Hex,
  recipientId: Hex,
  idContext: v.optional(Hex),
  algorithm: v.optional(v.pipe(v.number(NUMBER_FAULT), v.integer(NUMBER_FAULT))),
};
const FileSchema = v.strictObject(FIELDS, ({ received }) =>
  received === "undefined" ? "is missing" : "is no object of hex fields",
);

/** The context in a file's text, or what is wrong with it, as the end of a sentence. */
export function readContextFile(text: string): NamedContext | { readonly error: string } {
  const json = parseJson(text);
  if (json === undefined) return { error: "is not JSON" };
  const parsed = v.safeParse(FileSchema, json);
  if (!parsed.success) return { error: `is no OSCORE context file: ${faultOf(parsed.issues[0])}` };
  const { algorithm = DEFAULT_ALGORITHM, masterSalt, idContext, ...rest } = parsed.output;
  const aead = aeadByNumber(algorithm);
  if (aead === undefined) return { error: `names COSE algorithm ${algorithm}, which is not served` };
  const long = (["senderId", "recipientId"] as const).find((name) => rest[name].length > idBytesMax(aead));
  if (long !== undefined)
    return { error: `is no OSCORE context file: ${long} has more than ${idBytesMax(aead)} bytes` };
  if (toHex(rest.senderId) === toHex(rest.recipientId)) return { error: "has the same ID for both ends" };
  return { ...rest, aead, ...(masterSalt && { masterSalt }), ...(idContext && { idContext }) };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Names are ours or not shown: a name in the file may be a secret in the wrong place. */
function faultOf({ path, message }: v.BaseIssue<unknown>): string {
  const name = path?.[0]?.key;
  if (path === undefined) return `it ${message}`;
  return typeof name === "string" && Object.hasOwn(FIELDS, name)
    ? `${name} ${message}`
    : "it has a field that none has";
}

/** The text of a context file. */
export function writeContextFile(context: NamedContext): string {
  const { masterSecret, masterSalt, senderId, recipientId, idContext, aead } = context;
  const file = {
    masterSecret: toHex(masterSecret),
    ...(masterSalt && { masterSalt: toHex(masterSalt) }),
    senderId: toHex(senderId),
    recipientId: toHex(recipientId),
    ...(idContext && { idContext: toHex(idContext) }),
    algorithm: AEAD_NUMBERS[aead],
  };
  return `${JSON.stringify(file, null, 2)}\n`;
}

/** The same context as the other end sees it. */
export function otherEnd(context: NamedContext): NamedContext {
  return { ...context, senderId: context.recipientId, recipientId: context.senderId };
}
