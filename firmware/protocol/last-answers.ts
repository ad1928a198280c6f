// The last sealed answer to each asker, for who asks the same sealed request again because that one was lost.
import type { Station } from "../../hal/ports/link.ts";
import { EMPTY, equal } from "./bytes.ts";
import { type CoapContent, findOption, OPTION } from "./coap/message.ts";
import type { Reply } from "./replies.ts";

interface LastAnswer {
  readonly from: Station;
  readonly option: Uint8Array;
  readonly ciphertext: Uint8Array;
  readonly answer: CoapContent;
}

/**
 * Of a session, and of a membership of a group, the last one. It is repeated byte for byte: nothing is served, and no
 * nonce is used, a second time. Whatever is outside of the seal, as Uri-Host and tokens are, may be another.
 */
export class LastAnswers {
  readonly #byOwner = new WeakMap<object, LastAnswer>();

  /**
   * The answer again, where this is the request that it was to. Who asks from elsewhere than the first time may be anybody
   * who has recorded it, in somebody else's name: he gets little for little.
   */
  repeat(owner: object, from: Station, message: CoapContent): Reply | undefined {
    const last = this.#byOwner.get(owner);
    if (last === undefined || !equal(last.ciphertext, message.payload)) return undefined;
    if (!equal(last.option, optionOf(message))) return undefined;
    return { how: from === last.from ? "answer" : "greet", content: last.answer };
  }

  /** Keeps the answer in the place of the one before. */
  keep(owner: object, from: Station, message: CoapContent, answer: CoapContent): void {
    const request = { option: optionOf(message), ciphertext: message.payload };
    this.#byOwner.set(owner, { from, ...request, answer });
  }
}

function optionOf(message: CoapContent): Uint8Array {
  return findOption(message, OPTION.oscore) ?? EMPTY;
}
