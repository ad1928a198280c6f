// What whoever carries messages learns from them without a key, and so each DAP: the sum of many messages.
import { toHex, toUint } from "../../firmware/protocol/bytes.ts";
import { decodeMessage } from "../../firmware/protocol/coap/codec.ts";
import {
  type CoapMessage,
  codeText,
  FORMAT,
  findOption,
  isRequestCode,
  OPTION,
} from "../../firmware/protocol/coap/message.ts";
import { readOscoreOption } from "../../firmware/protocol/oscore/option.ts";
import { decodeBundle } from "../dap/forward/bundle.ts";

/** How often each was seen, by what it is. */
export type Counts = Readonly<Record<string, number>>;

/** Texts are as they were on the line: not yet safe to print. */
export interface LearntSummary {
  readonly messages: number;
  /** Bytes that are no CoAP message. */
  readonly others: number;
  /** Meters and groups by the names that they are asked by, or answer by in a bundle. */
  readonly aliases: Counts;
  /** IDs of groups' keys, in hex. */
  readonly groups: Counts;
  readonly handshakes: number;
  /** Codes as they are outside: they do not tell what is asked, or whether it was given. */
  readonly codes: Counts;
  /** Bytes that are sealed, in requests and in answers: by these, what kind of question it was, and a meter's rung. */
  readonly sealedRequestBytes: Counts;
  readonly sealedAnswerBytes: Counts;
  /** Seconds that requests let pass until an answer. */
  readonly toleranceSeconds: Counts;
}

/** Takes message by message. */
export class Learnt {
  readonly #aliases = new Map<string, number>();
  readonly #groups = new Map<string, number>();
  readonly #codes = new Map<string, number>();
  readonly #requests = new Map<string, number>();
  readonly #answers = new Map<string, number>();
  readonly #tolerances = new Map<string, number>();
  #messages = 0;
  #others = 0;
  #handshakes = 0;

  take(bytes: Uint8Array): void {
    const message = decodeMessage(bytes);
    if ("error" in message) {
      this.#others++;
      return;
    }
    this.#messages++;
    count(this.#codes, codeText(message.code));
    this.#takeNames(message);
    this.#takeSealed(message);
  }

  summary(): LearntSummary {
    return {
      messages: this.#messages,
      others: this.#others,
      aliases: recordOf(this.#aliases),
      groups: recordOf(this.#groups),
      handshakes: this.#handshakes,
      codes: recordOf(this.#codes),
      sealedRequestBytes: recordOf(this.#requests),
      sealedAnswerBytes: recordOf(this.#answers),
      toleranceSeconds: recordOf(this.#tolerances),
    };
  }

  #takeNames(message: CoapMessage): void {
    const host = findOption(message, OPTION.uriHost);
    if (host !== undefined) count(this.#aliases, new TextDecoder().decode(host));
    const tolerance = findOption(message, OPTION.delayTolerance);
    if (tolerance !== undefined && tolerance.length <= 4) count(this.#tolerances, String(toUint(tolerance)));
    const format = findOption(message, OPTION.contentFormat);
    if (format === undefined || format.length > 2) return;
    if (toUint(format) === FORMAT.connectionIdAndEdhoc) this.#handshakes++;
    const bundle = toUint(format) === FORMAT.bundle ? decodeBundle(message.payload) : undefined;
    for (const { alias, payload } of bundle?.answers ?? []) {
      count(this.#aliases, alias);
      count(this.#answers, String(payload.length));
    }
    for (const { alias } of bundle?.missing ?? []) count(this.#aliases, alias);
  }

  #takeSealed(message: CoapMessage): void {
    const option = readOscoreOption(message);
    if (option === undefined || "refused" in option || message.payload.length === 0) return;
    if (option.kidContext !== undefined) count(this.#groups, toHex(option.kidContext));
    count(isRequestCode(message.code) ? this.#requests : this.#answers, String(message.payload.length));
  }
}

function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

/** By name, numbers among them in their order. */
function recordOf(counts: ReadonlyMap<string, number>): Counts {
  return Object.fromEntries([...counts].sort(([a], [b]) => a.localeCompare(b, "en", { numeric: true })));
}
