// Requests to a group and to one of its members, and answers to both: RFC 10021 sections 7 and 8.
import { EMPTY, equal, fromUint, toUint } from "../bytes.ts";
import { type CborValue, encodeCbor } from "../cbor.ts";
import { type CoapContent, codeKind, findOption, OPTION } from "../coap/message.ts";
import { nonceOf } from "../oscore/context.ts";
import { encodePlaintext, unwrap, wrap } from "../oscore/message-fields.ts";
import { encodeOscoreOption, type OscoreOption, readOscoreOption } from "../oscore/option.ts";
import type { RefusedRequest } from "../oscore/protect.ts";
import type { ReplayWindow } from "../oscore/replay-window.ts";
import type { SenderSequence } from "../oscore/sender-sequence.ts";
import { GROUP_ALGORITHMS } from "./algorithms.ts";
import { type GroupContext, type GroupEnd, type GroupPair, PAIRWISE_AEAD } from "./context.ts";
import { signAndSeal, verifyAndOpen } from "./group-mode.ts";

/** What ties answers to their request. Both ends keep theirs as long as answers may come. */
export class GroupBinding {
  readonly mode: "group" | "pairwise";
  /** The requester's. */
  readonly kid: Uint8Array;
  readonly partialIv: Uint8Array;
  #nonceIs: "free" | "spent";

  /** `end` is where this one is kept. */
  constructor(mode: "group" | "pairwise", kid: Uint8Array, partialIv: Uint8Array, end: "client" | "server") {
    this.mode = mode;
    this.kid = kid;
    this.partialIv = partialIv;
    this.#nonceIs = end === "server" ? "free" : "spent";
  }

  /** Takes the request's nonce for an answer. A second call, or one at the client, is a bug and throws. */
  spendNonce(): void {
    if (this.#nonceIs === "spent") throw new Error("the nonce of this request is spent");
    this.#nonceIs = "spent";
  }
}

/** A request, protected or verified, and what its answers are protected or verified with. */
export interface BoundGroupRequest {
  readonly content: CoapContent;
  /** The client's number of it. */
  readonly number: number;
  readonly binding: GroupBinding;
}

const OSCORE_VERSION = 1;

/**
 * The request for all of a group, signed; the same bytes go to each member. Undefined where the sequence is at its end.
 * All numbers of this end in a group, of either mode, are of one sequence (RFC 10021 2.5.3).
 */
export function protectGroupRequest(
  group: GroupContext,
  sequence: SenderSequence,
  content: CoapContent,
): BoundGroupRequest | undefined {
  const number = sequence.next();
  if (number === undefined) return undefined;
  const binding = new GroupBinding("group", group.own.id, fromUint(number), "client");
  const option = requestOption(group, binding);
  const aad = externalAad(group, binding, option, group.own);
  const payload = signAndSeal(group, binding.partialIv, aad, encodePlaintext(content));
  return { content: wrap(content, option, payload), number, binding };
}

/** The request for one member alone, with a tag in the place of the signature. */
export function protectPairwiseRequest(
  pair: GroupPair,
  sequence: SenderSequence,
  content: CoapContent,
): BoundGroupRequest | undefined {
  const number = sequence.next();
  if (number === undefined) return undefined;
  const { own } = pair.group;
  const binding = new GroupBinding("pairwise", own.id, fromUint(number), "client");
  const option = requestOption(pair.group, binding);
  const nonce = nonceOf(own.pairwiseNonce, binding.partialIv);
  return { content: seal(pair, binding, content, option, nonce), number, binding };
}

/**
 * The request inside a message of the pair's peer, of either mode. The window takes the number only of a genuine one.
 * Never throws.
 */
export function unprotectGroupRequest(
  pair: GroupPair,
  window: ReplayWindow,
  content: CoapContent,
): BoundGroupRequest | RefusedRequest {
  const option = readOscoreOption(content);
  if (option === undefined || "refused" in option) return { refused: "option" };
  const { partialIv, kid, kidContext, isGroupMode = false } = option;
  if (partialIv === undefined || kid === undefined) return { refused: "option" };
  const { group, peer } = pair;
  if (kidContext === undefined || !equal(kidContext, group.gid) || !equal(kid, peer.id))
    return { refused: "context" };
  const number = toUint(partialIv);
  if (!window.isFresh(number)) return { refused: "replay" };
  const binding = new GroupBinding(isGroupMode ? "group" : "pairwise", kid, partialIv, "server");
  const plaintext = openRequest(pair, binding, content);
  // A signature that does not hold says nothing of the pair's keys: nobody ends a membership by it.
  if (plaintext !== undefined || !isGroupMode) pair.use.tried(plaintext === undefined ? "forgery" : "opened");
  if (plaintext === undefined) return { refused: "decrypt" };
  window.accept(number);
  const request = unwrap(content, plaintext);
  if (request === undefined || codeKind(request.code) !== "request") return { refused: "plaintext" };
  return { content: request, number, binding };
}

/**
 * The one answer that uses its request's nonce: a second one throws. Answers are pairwise, so that no other member reads
 * them, and name the member where the request was for all of them (RFC 10021 3.2).
 */
export function protectGroupAnswer(
  pair: GroupPair,
  binding: GroupBinding,
  content: CoapContent,
): CoapContent {
  binding.spendNonce();
  const option = encodeOscoreOption(answerFields(pair, binding));
  return seal(pair, binding, content, option, nonceOf(pair.peer.pairwiseNonce, binding.partialIv));
}

/** An answer under a fresh number of this end; undefined where the sequence is at its end. */
export function protectNumberedGroupAnswer(
  pair: GroupPair,
  sequence: SenderSequence,
  binding: GroupBinding,
  content: CoapContent,
): CoapContent | undefined {
  const number = sequence.next();
  if (number === undefined) return undefined;
  const partialIv = fromUint(number);
  const option = encodeOscoreOption({ ...answerFields(pair, binding), partialIv });
  return seal(pair, binding, content, option, nonceOf(pair.group.own.pairwiseNonce, partialIv));
}

/** The kid that an answer names: by it its member is found. Undefined where it names none, or is no OSCORE message. */
export function kidOfAnswer(content: CoapContent): Uint8Array | undefined {
  const option = readOscoreOption(content);
  return option === undefined || "refused" in option ? undefined : option.kid;
}

/** The answer of the pair's peer to this request, or undefined where it is no genuine one. Never throws. */
export function unprotectGroupAnswer(
  pair: GroupPair,
  binding: GroupBinding,
  content: CoapContent,
): CoapContent | undefined {
  const option = readOscoreOption(content);
  if (option === undefined || "refused" in option || !isAnswerOf(pair, binding, option)) return undefined;
  const { group, peer, recipientKey, use } = pair;
  const nonce =
    option.partialIv === undefined
      ? nonceOf(group.own.pairwiseNonce, binding.partialIv)
      : nonceOf(peer.pairwiseNonce, option.partialIv);
  const aad = encryptAad(externalAad(group, binding, optionValue(content), peer));
  const plaintext = group.crypto.open(PAIRWISE_AEAD, recipientKey, nonce, aad, content.payload);
  use.tried(plaintext === undefined ? "forgery" : "opened");
  const answer = plaintext && unwrap(content, plaintext);
  // There is no Observe in groups: each answer ends its member's part of the request.
  const isAnswer = answer !== undefined && codeKind(answer.code) === "response";
  return isAnswer && findOption(answer, OPTION.observe) === undefined ? answer : undefined;
}

function openRequest(
  { group, peer, recipientKey }: GroupPair,
  binding: GroupBinding,
  content: CoapContent,
): Uint8Array | undefined {
  const { mode, partialIv } = binding;
  const aad = externalAad(group, binding, optionValue(content), peer);
  if (mode === "group") return verifyAndOpen(group, peer, partialIv, aad, content.payload);
  const nonce = nonceOf(peer.pairwiseNonce, partialIv);
  return group.crypto.open(PAIRWISE_AEAD, recipientKey, nonce, encryptAad(aad), content.payload);
}

function seal(
  { group, senderKey, use }: GroupPair,
  binding: GroupBinding,
  content: CoapContent,
  option: Uint8Array,
  nonce: Uint8Array,
): CoapContent {
  if (findOption(content, OPTION.observe)) throw new Error("there is no Observe in groups");
  use.sealed();
  const aad = encryptAad(externalAad(group, binding, option, group.own));
  const ciphertext = group.crypto.seal(PAIRWISE_AEAD, senderKey, nonce, aad, encodePlaintext(content));
  return wrap(content, option, ciphertext);
}

/** The Gid is always there (RFC 10021 3.2). */
function requestOption({ gid }: GroupContext, { mode, kid, partialIv }: GroupBinding): Uint8Array {
  return encodeOscoreOption({ partialIv, kidContext: gid, kid, isGroupMode: mode === "group" });
}

function answerFields({ group }: GroupPair, { mode }: GroupBinding): OscoreOption {
  return { partialIv: undefined, kidContext: undefined, kid: mode === "group" ? group.own.id : undefined };
}

function isAnswerOf({ group, peer }: GroupPair, { mode }: GroupBinding, option: OscoreOption): boolean {
  const { kid, kidContext, isGroupMode } = option;
  if (isGroupMode || (kidContext !== undefined && !equal(kidContext, group.gid))) return false;
  return kid === undefined ? mode === "pairwise" : equal(kid, peer.id);
}

/** RFC 10021 3.4; `option` is that of the message itself, and `sender` whose message it is. */
function externalAad(
  { gid, manager }: GroupContext,
  { kid, partialIv }: GroupBinding,
  option: Uint8Array,
  sender: GroupEnd,
): Uint8Array {
  const { aead, groupEncryption, signature, keyAgreement } = GROUP_ALGORITHMS;
  const algorithms: CborValue = [aead, groupEncryption, signature, keyAgreement];
  const noClassI = EMPTY;
  const request: readonly CborValue[] = [kid, partialIv, noClassI, gid];
  return encodeCbor([OSCORE_VERSION, algorithms, ...request, option, sender.credential, manager]);
}

/** RFC 9052 5.3. */
function encryptAad(external: Uint8Array): Uint8Array {
  return encodeCbor(["Encrypt0", EMPTY, external]);
}

function optionValue(content: CoapContent): Uint8Array {
  return findOption(content, OPTION.oscore) ?? EMPTY;
}
