// How a board is asked about its images: protected, wherever its meter is, or plainly on its recovery line.
import { CODE, codeText } from "../../firmware/protocol/coap/message.ts";
import type { Refused } from "../../firmware/update/refusals.ts";
import type { ImagePart, Installed, SlotsReport } from "../../firmware/update/slots-report.ts";
import type { Clock } from "../../hal/ports/clock.ts";
import type { HeadEnd, Target } from "../head-end/client.ts";
import { HeadEndError, type HeadEndErrorKind } from "../head-end/errors.ts";
import {
  installQuestion,
  type PartTaken,
  partQuestion,
  SLOTS_QUESTION,
  type UpdateQuestion,
} from "../head-end/update-questions.ts";
import type { PlainAsker, PlainFailure } from "./plain-asker.ts";
import { FlashError, type FlashErrorKind } from "./target.ts";

/** One board at the other end of a line. Whatever is not an answer rejects with a {@link FlashError}. */
export interface BoardAsker {
  readonly name: string;
  readonly clock: Clock;
  /** True where the board runs a meter that goes on being there once it has another image. */
  readonly runs: boolean;
  report(): Promise<SlotsReport>;
  send(part: ImagePart): Promise<PartTaken | Refused>;
  install(digest: Uint8Array): Promise<Installed | Refused>;
  close(): Promise<void>;
}

/** A part in blocks, or the work of installing, takes longer than a reading. */
const TIMEOUT_MS = 120_000;

const KINDS: Readonly<Record<HeadEndErrorKind, FlashErrorKind>> = {
  timeout: "unreachable",
  identity: "identity",
  "not-there": "unusable",
  answer: "failed",
};

export interface ProtectedParts {
  readonly headEnd: HeadEnd;
  readonly target: Target;
  readonly clock: Clock;
  /** Gives up what the head-end stands on. */
  readonly close?: () => Promise<void>;
}

/** The board that a meter runs on, by the meter's own resource `u`. */
export function protectedAsker({ headEnd, target, clock, close }: ProtectedParts): BoardAsker {
  const patient = { ...target, timeoutMs: Math.max(target.timeoutMs, TIMEOUT_MS) };
  const body = async <Body>(asked: Promise<{ readonly body: Body }>): Promise<Body> => {
    try {
      return (await asked).body;
    } catch (error) {
      throw error instanceof HeadEndError ? flashError(error, target.name) : error;
    }
  };
  return {
    ...{ name: target.name, clock, runs: true },
    report: () => body(headEnd.readSlots(patient)),
    send: (part) => body(headEnd.sendImagePart(patient, part)),
    install: (digest) => body(headEnd.installImage(patient, digest)),
    close: async () => close?.(),
  };
}

export interface RecoveryParts {
  readonly asker: PlainAsker;
  readonly name: string;
  readonly clock: Clock;
  readonly close?: () => Promise<void>;
}

/** A board whose loader has opened its recovery console on this line. */
export function recoveryAsker({ asker, name, clock, close }: RecoveryParts): BoardAsker {
  const ask = async <Body>({ content, codes, decode }: UpdateQuestion<Body>): Promise<Body> => {
    const answer = await asker.ask(content, TIMEOUT_MS);
    if (typeof answer === "string") throw noAnswer(answer, name);
    const body = codes.includes(answer.code) ? decode(answer.payload, answer.code) : undefined;
    if (body !== undefined) return body;
    if (answer.code === CODE.unauthorized)
      throw new FlashError(
        "unusable",
        `A meter runs at ${name}, and takes nothing unprotected: write coap:${name}, or start its board with its recovery flag.`,
      );
    throw new FlashError(
      "failed",
      `Who answers at ${name} is no recovery console of this version (${codeText(answer.code)}): check the line, or compare versions.`,
    );
  };
  return {
    ...{ name, clock, runs: false },
    report: () => ask(SLOTS_QUESTION),
    send: (part) => ask(partQuestion(part)),
    install: (digest) => ask(installQuestion(digest)),
    close: async () => {
      asker.close();
      await close?.();
    },
  };
}

function noAnswer(failure: PlainFailure, name: string): FlashError {
  return new FlashError(
    "unreachable",
    failure === "reset"
      ? `Who is at ${name} turns every request down: no board's recovery console is open there.`
      : `No recovery console answers at ${name}: start the board with its recovery flag, or check the line and its baud rate.`,
  );
}

/** What a meter without `u` answers is that it has no board to flash. */
function flashError({ kind, message, mayPass }: HeadEndError, name: string): FlashError {
  if (kind === "not-there")
    return new FlashError(
      "unusable",
      `The meter at ${name} runs on no board that takes images from afar: flash it at dir:, ssh: or its console.`,
    );
  return new FlashError(mayPass ? "unreachable" : KINDS[kind], message);
}
