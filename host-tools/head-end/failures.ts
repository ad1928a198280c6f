// Why a question got no answer, in sentences for people.
import type { AskFailure, ClientEvent } from "../../firmware/protocol/asks.ts";
import { CODE, type CoapContent, codeText } from "../../firmware/protocol/coap/message.ts";
import type { Peer } from "../../firmware/protocol/sessions.ts";
import type { Target } from "./asking.ts";
import { HeadEndError, type HeadEndErrorKind } from "./errors.ts";

/** How long an answer to this target is waited for. */
export function withinMs({ timeoutMs, toleranceSeconds = 0 }: Target): number {
  return Math.max(timeoutMs, 1000 * toleranceSeconds);
}

/** What is asked, which of them would do, and how the two ends come to know each other. */
const METER_WORDS = {
  kind: "meter",
  any: "an enrolled meter",
  trusting: "enrol its credential at the meter (serve --trust)",
  knowing: "enrol its credential first (meterbench enrol)",
};
const DAP_WORDS: typeof METER_WORDS = {
  kind: "DAP",
  any: "a DAP that is known here",
  trusting: "start the DAP with its credential (dap --trust)",
  knowing: "give its credential file with --dap",
};

export function failure(
  reason: AskFailure,
  target: Target,
  trustIs: "credentials" | "preset",
  peer?: Peer,
): HeadEndError {
  const { name, expect, host, isDap } = target;
  const words = isDap ? DAP_WORDS : METER_WORDS;
  const meter = expect === undefined ? `The ${words.kind}` : `The ${words.kind} ${expect}`;
  const seconds = withinMs(target) / 1000;
  switch (reason) {
    case "timeout":
      return new HeadEndError(
        "timeout",
        host === undefined
          ? `Nobody at ${name} answered within ${seconds} s: check that the ${words.kind} runs and the line is right.`
          : `Nobody at ${name} answered for ${host} within ${seconds} s: check that both run, and the way between them (dap --routes).`,
      );
    case "refused":
      return new HeadEndError(
        "identity",
        trustIs === "preset"
          ? `${meter} at ${name} refused this context: check that both ends have the same one, and that its .seq file is above all numbers that were used.`
          : `${meter} at ${name} refused this head-end: ${words.trusting}.`,
      );
    case "not-proved":
      return new HeadEndError(
        "identity",
        `Who answers at ${name} did not prove to be ${expect ?? words.any}: ${words.knowing}, or check the line.`,
      );
    case "incomplete":
      return incomplete(meter, name);
    case "forgetful":
      return new HeadEndError(
        "identity",
        `The meter ${peer?.id ?? ""} at ${name} has forgotten what it told this head-end before: its storage was put back, emptied, copied or left out (serve --state); look at it, and where that was meant, run 'meterbench enrol accept ${peer?.id ?? "ID"}'.`,
      );
    case "unreachable":
      return new HeadEndError(
        "timeout",
        `Who forwards at ${name} got no answer from the meter ${expect} in time: check that it runs and its line is right, or tolerate a delay.`,
      );
    case "unrouted":
      return new HeadEndError(
        "not-there",
        `Who forwards at ${name} knows no meter ${expect}: add it to the routes there (dap --routes).`,
      );
    case "busy":
      return new HeadEndError(
        "timeout",
        `Too many questions are under way to ask ${name}: wait for some answers first.`,
      );
  }
}

/** Blocks were lost: the next try may bring all of them. */
function incomplete(meter: string, name: string): HeadEndError {
  const sentence = `${meter} at ${name} answered in parts that are not of one whole: ask again.`;
  return new HeadEndError("answer", sentence, undefined, true);
}

/** An answer that is not what was asked for: what kind of trouble, and what to do. */
const UNWANTED: Readonly<Record<number, readonly [HeadEndErrorKind, advice: string]>> = {
  [CODE.forbidden]: [
    "identity",
    "allow it at the meter (serve --allow; for orders to a relay, serve --operator)",
  ],
  [CODE.notFound]: ["not-there", "ask for something that it has"],
  [CODE.conflict]: ["answer", "look at its clock and its rules (meterbench clock)"],
  [CODE.serviceUnavailable]: ["answer", "mend that at the meter"],
};

export function unwanted(answer: CoapContent, { name }: Target, peer?: Peer): HeadEndError {
  const text = new TextDecoder().decode(answer.payload);
  const [kind, advice] = UNWANTED[answer.code] ?? ["answer", "ask for something that it has"];
  return new HeadEndError(
    kind,
    `The meter at ${name} answered ${codeText(answer.code)}${text === "" ? "" : ` (${text})`}: ${advice}.`,
    peer,
  );
}

export function unknownForm({ name }: Target): HeadEndError {
  return new HeadEndError(
    "answer",
    `The meter at ${name} answered in a form that this version does not know: compare versions.`,
  );
}

/** Why a watch ended; an answer as to a plain question is all that a meter gives which takes no more observers. */
export function endOfWatch(
  event: Exclude<ClientEvent, { kind: "notification" }>,
  target: Target,
  trustIs: "credentials" | "preset",
): HeadEndError {
  if (event.kind === "failed") return failure(event.reason, target, trustIs, event.peer);
  if (event.content.code !== CODE.content) return unwanted(event.content, target);
  return new HeadEndError(
    "answer",
    `The meter at ${target.name} answered once and tells nothing by itself: end other watches of it, or ask it now and then.`,
  );
}
