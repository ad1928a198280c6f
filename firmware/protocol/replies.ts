// What a serving end replies to a request, and how.
import {
  answerWith,
  bareAnswer,
  CODE,
  type CoapContent,
  FORMAT,
  findOption,
  isUnwanted,
  OPTION,
} from "./coap/message.ts";
import { changesSomething } from "./echo.ts";
import { protectResponse, type RequestBinding } from "./oscore/protect.ts";
import type { Session } from "./sessions.ts";

/**
 * `answer`: kept for copies of the request. `greet`: the same to a stranger, who gets little for little. `refuse`: costs
 * nothing, a copy gets it anew; to a stranger every failure looks alike. `silence`: a sender who means it will repeat.
 * `acknowledge`: it was served, and nobody wants to hear of it.
 */
export type Reply =
  | { readonly how: "answer" | "greet" | "refuse"; readonly content: CoapContent }
  | { readonly how: "silence" | "acknowledge" };

export function protectedAnswer({ context }: Session, binding: RequestBinding, answer: CoapContent): Reply {
  return { how: "answer", content: protectResponse(context, binding, answer) };
}

/** What nobody wants to hear of (RFC 7967); whoever sends blocks must hear how to go on. */
export function staysUnsaid(request: CoapContent, { code }: CoapContent): boolean {
  const isInBlocks = findOption(request, OPTION.block1) !== undefined;
  return changesSomething(request.code) && !isInBlocks && isUnwanted(request, code);
}

/** Who has no OSCORE answer to come asks for message_4, which confirms the keys (RFC 9528 5.5, appendix A.2). */
export function afterMessage3(message4: Uint8Array | undefined): CoapContent {
  return message4 === undefined ? bareAnswer(CODE.changed) : answerWith(CODE.changed, FORMAT.edhoc, message4);
}

export function refusal(content: CoapContent): Reply {
  return { how: "refuse", content };
}
