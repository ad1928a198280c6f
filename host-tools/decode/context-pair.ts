// Opens both directions of a conversation whose OSCORE context is known.
import { toHex } from "../../firmware/protocol/bytes.ts";
import { type CoapContent, type CoapMessage, isRequestCode } from "../../firmware/protocol/coap/message.ts";
import { deriveContext, type OscoreContext } from "../../firmware/protocol/oscore/context.ts";
import {
  type RequestBinding,
  unprotectRequest,
  unprotectResponse,
} from "../../firmware/protocol/oscore/protect.ts";
import { ReplayWindow } from "../../firmware/protocol/oscore/replay-window.ts";
import type { CryptoEngine } from "../../hal/ports/crypto.ts";

/** Answers that wait for their request's place; a recording of one line has no more open at once. */
const OPEN_REQUESTS_MAX = 1024;

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
