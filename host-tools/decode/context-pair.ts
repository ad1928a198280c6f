// Opens both directions of a conversation whose OSCORE context is known.
import * as v from "valibot";
import { fromHex, toHex } from "../../firmware/protocol/bytes.ts";
import { type CoapContent, type CoapMessage, isRequestCode } from "../../firmware/protocol/coap/message.ts";
import { aeadByNumber } from "../../firmware/protocol/cose/algorithms.ts";
import { deriveContext, type OscoreContext } from "../../firmware/protocol/oscore/context.ts";
import {
  type RequestBinding,
  unprotectRequest,
  unprotectResponse,
} from "../../firmware/protocol/oscore/protect.ts";
import { ReplayWindow } from "../../firmware/protocol/oscore/replay-window.ts";
import type { AeadName, CryptoEngine } from "../../hal/ports/crypto.ts";

/** Answers that wait for their request's place; a recording of one line has no more open at once. */
const OPEN_REQUESTS_MAX = 1024;

const Hex = v.pipe(
  v.string(),
  v.check((text) => fromHex(text) !== undefined, "hex digits are expected"),
  v.transform((text) => fromHex(text) as Uint8Array),
);
const FileSchema = v.strictObject({
  masterSecret: Hex,
  masterSalt: v.optional(Hex),
  senderId: Hex,
  recipientId: Hex,
  idContext: v.optional(Hex),
  algorithm: v.optional(v.pipe(v.number(), v.integer())),
});

/** A context seen from outside: requests of either end, and the answers to them. */
export class ContextPair {
  readonly #contexts: readonly OscoreContext[];
  readonly #bindings = new Map<string, { context: OscoreContext; binding: RequestBinding }>();

  /** `senderId` and `recipientId` may be either end's. */
  constructor(crypto: CryptoEngine, parameters: Parameters<typeof deriveContext>[1]) {
    const { senderId, recipientId } = parameters;
    this.#contexts = [
      deriveContext(crypto, parameters),
      deriveContext(crypto, { ...parameters, senderId: recipientId, recipientId: senderId }),
    ];
  }

  /** The content of an OSCORE message; undefined where these keys do not open it, or its request was not seen. */
  open(message: CoapMessage): CoapContent | undefined {
    return isRequestCode(message.code) ? this.#openRequest(message) : this.#openAnswer(message);
  }

  #openRequest(message: CoapMessage): CoapContent | undefined {
    for (const context of this.#contexts) {
      // A fresh window each time: a recording may hold copies.
      const request = unprotectRequest(context, new ReplayWindow(), message);
      if ("refused" in request) continue;
      this.#remember(message.token, context, request.binding);
      return request.content;
    }
    return undefined;
  }

  #remember(token: Uint8Array, server: OscoreContext, binding: RequestBinding): void {
    const context = this.#contexts.find((other) => other !== server);
    const [oldest] = this.#bindings.keys();
    if (this.#bindings.size >= OPEN_REQUESTS_MAX && oldest !== undefined) this.#bindings.delete(oldest);
    if (context !== undefined) this.#bindings.set(toHex(token), { context, binding });
  }

  #openAnswer(message: CoapMessage): CoapContent | undefined {
    const open = this.#bindings.get(toHex(message.token));
    return open && unprotectResponse(open.context, open.binding, message);
  }
}

/** The context in an OSCORE context file's text, or what is wrong with it, as the end of a sentence. */
export function readContextFile(
  crypto: CryptoEngine,
  text: string,
): ContextPair | { readonly error: string } {
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), FileSchema), text);
  if (!parsed.success) return { error: `is no OSCORE context file (${parsed.issues[0].message})` };
  const { algorithm = 10, masterSalt, idContext, ...rest } = parsed.output;
  const aead: AeadName | undefined = aeadByNumber(algorithm);
  if (aead === undefined) return { error: `names COSE algorithm ${algorithm}, which is not served` };
  try {
    return new ContextPair(crypto, {
      ...rest,
      aead,
      ...(masterSalt && { masterSalt }),
      ...(idContext && { idContext }),
    });
  } catch (error) {
    return { error: `holds no usable context (${(error as Error).message})` };
  }
}
