// Protecting and verifying messages: RFC 8613 section 8.
import { equal, fromUint, toUint } from "../bytes.ts";
import { type CoapContent, codeKind, findOption, OPTION } from "../coap/message.ts";
import { additionalData, nonceOf, type OscoreContext } from "./context.ts";
import { encodePlaintext, unwrap, wrap } from "./message-fields.ts";
import { encodeOscoreOption, type OscoreOption, readOscoreOption } from "./option.ts";
import type { ReplayWindow } from "./replay-window.ts";
import type { SenderSequence } from "./sender-sequence.ts";

/** The option of an answer, which its request tells all that the option could. */
const NO_FIELDS: OscoreOption = { partialIv: undefined, kidContext: undefined, kid: undefined };

/**
 * Ties answers to their request (RFC 8613 7.1): its AAD, and its nonce, which the client's key has
 * used and the server's may use once. Both ends keep theirs as long as answers may come.
 */
export class RequestBinding {
  readonly aad: Uint8Array;
  readonly nonce: Uint8Array;
  /** The request registered for notifications: its Observe is 0 (RFC 7641 2). */
  readonly registers: boolean;
  #nonceIs: "free" | "spent";

  /** `end` is where this one is kept. */
  constructor(aad: Uint8Array, nonce: Uint8Array, request: CoapContent, end: "client" | "server") {
    this.aad = aad;
    this.nonce = nonce;
    this.registers = findOption(request, OPTION.observe)?.every((byte) => byte === 0) ?? false;
    this.#nonceIs = end === "server" ? "free" : "spent";
  }

  /** The request's nonce for an answer. A second call, or one at the client, is a bug and throws. */
  spendNonce(): Uint8Array {
    if (this.#nonceIs === "spent") throw new Error("the nonce of this request is spent");
    this.#nonceIs = "spent";
    return this.nonce;
  }
}

/** A request, protected or verified, and what its answers are protected or verified with. */
export interface BoundRequest {
  readonly content: CoapContent;
  /** The client's number of it. */
  readonly number: number;
  readonly binding: RequestBinding;
}

/**
 * Why a message was not taken for a request: its OSCORE option is missing or malformed (4.02), names
 * another context (4.01), its number was seen or is too old (4.01), it is not genuine (4.00), or it is
 * genuine and no request (4.00). RFC 8613 8.2 gives the codes.
 */
export interface RefusedRequest {
  readonly refused: "option" | "context" | "replay" | "decrypt" | "plaintext";
}

/**
 * The request as an OSCORE message under a fresh number, or undefined where the sequence is at its
 * end. Content that cannot be protected (an OSCORE or a Proxy-Uri option) is a bug and throws.
 */
export function protectRequest(
  context: OscoreContext,
  sequence: SenderSequence,
  content: CoapContent,
): BoundRequest | undefined {
  const number = sequence.next();
  if (number === undefined) return undefined;
  const { sender, idContext } = context;
  const partialIv = fromUint(number);
  const nonce = nonceOf(sender, partialIv);
  const binding = new RequestBinding(additionalData(sender, partialIv), nonce, content, "client");
  const option = encodeOscoreOption({ partialIv, kidContext: idContext, kid: sender.id });
  return { content: seal(context, content, nonce, binding, option), number, binding };
}

/**
 * The request inside an OSCORE message. The window takes the number only of a genuine one. One of another
 * context, or seen before, is opened in vain: how soon it is refused tells nobody why. Never throws.
 */
export function unprotectRequest(
  context: OscoreContext,
  window: ReplayWindow,
  content: CoapContent,
): BoundRequest | RefusedRequest {
  const option = readOscoreOption(content);
  if (option === undefined || "refused" in option) return { refused: "option" };
  const { partialIv, kid } = option;
  if (partialIv === undefined || kid === undefined) return { refused: "option" };
  const { recipient, decoyKey } = context;
  const number = toUint(partialIv);
  const isOurs = equal(kid, recipient.id) && isContextOf(context, option);
  const isFresh = window.isFresh(number);
  const nonce = nonceOf(recipient, partialIv);
  const aad = additionalData(recipient, partialIv);
  const isTried = isOurs && isFresh;
  const plaintext = open(context, isTried ? recipient.key : decoyKey, content.payload, nonce, aad);
  if (isTried) context.use.tried(plaintext === undefined ? "forgery" : "opened");
  if (!isOurs) return { refused: "context" };
  if (!isFresh) return { refused: "replay" };
  if (plaintext === undefined) return { refused: "decrypt" };
  window.accept(number);
  const request = unwrap(content, plaintext);
  if (request === undefined || codeKind(request.code) !== "request") return { refused: "plaintext" };
  return { content: request, number, binding: new RequestBinding(aad, nonce, request, "server") };
}

/**
 * The one answer that uses its request's nonce, and so needs no number of its own: a second one to
 * the same request, and a notification (RFC 8613 4.1.3.5.2), throw; they take a number of their own.
 */
export function protectResponse(
  context: OscoreContext,
  binding: RequestBinding,
  content: CoapContent,
): CoapContent {
  if (findOption(content, OPTION.observe)) throw new Error("a notification needs a number of its own");
  return seal(context, content, binding.spendNonce(), binding, encodeOscoreOption(NO_FIELDS));
}

/** An answer under a fresh number of this end; undefined where the sequence is at its end. */
export function protectNumberedResponse(
  context: OscoreContext,
  sequence: SenderSequence,
  binding: RequestBinding,
  content: CoapContent,
): CoapContent | undefined {
  const number = sequence.next();
  if (number === undefined) return undefined;
  const partialIv = fromUint(number);
  const option = encodeOscoreOption({ ...NO_FIELDS, partialIv });
  return seal(context, content, nonceOf(context.sender, partialIv), binding, option);
}

/**
 * The answer inside an OSCORE message, or undefined where it is not a genuine one to this request.
 * Whether a notification is newer than the one before is not looked at. Never throws.
 */
export function unprotectResponse(
  context: OscoreContext,
  binding: RequestBinding,
  content: CoapContent,
): CoapContent | undefined {
  const option = readOscoreOption(content);
  if (option === undefined || "refused" in option || !isOfResponse(context, option)) return undefined;
  const { partialIv } = option;
  const nonce = partialIv === undefined ? binding.nonce : nonceOf(context.recipient, partialIv);
  const plaintext = open(context, context.recipient.key, content.payload, nonce, binding.aad);
  context.use.tried(plaintext === undefined ? "forgery" : "opened");
  const response = plaintext && unwrap(content, plaintext);
  if (response === undefined || codeKind(response.code) !== "response") return undefined;
  // RFC 8613 4.1.3.5.2: notifications come to registrations only.
  if (findOption(response, OPTION.observe) && !binding.registers) return undefined;
  return response;
}

function seal(
  context: OscoreContext,
  content: CoapContent,
  nonce: Uint8Array,
  { aad }: RequestBinding,
  option: Uint8Array,
): CoapContent {
  const { crypto, aead, sender, use } = context;
  use.sealed();
  return wrap(content, option, crypto.seal(aead, sender.key, nonce, aad, encodePlaintext(content)));
}

function open(
  { crypto, aead }: OscoreContext,
  key: Uint8Array,
  ciphertext: Uint8Array,
  nonce: Uint8Array,
  aad: Uint8Array,
): Uint8Array | undefined {
  return crypto.open(aead, key, nonce, aad, ciphertext);
}

/** A request may leave the ID Context out, but not name another one (RFC 8613 5.1); no group's context is here. */
function isContextOf({ idContext }: OscoreContext, { kidContext, isGroupMode }: OscoreOption): boolean {
  if (isGroupMode) return false;
  return kidContext === undefined || (idContext !== undefined && equal(kidContext, idContext));
}

/** RFC 8613 5: no kid context in answers; a kid is unusual and must be the peer's. */
function isOfResponse({ recipient }: OscoreContext, { kidContext, kid, isGroupMode }: OscoreOption): boolean {
  if (isGroupMode) return false;
  return kidContext === undefined && (kid === undefined || equal(kid, recipient.id));
}
