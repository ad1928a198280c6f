// A member's requests: those to all of its group, and those to itself alone (RFC 10021 7.2, 8.4 and 9).
import type { LinkTraits, Station } from "../../../hal/ports/link.ts";
import type { Random } from "../../../hal/ports/random.ts";
import { EMPTY } from "../bytes.ts";
import { bareAnswer, CODE, type CoapContent, type CoapMessage, pathOf } from "../coap/message.ts";
import type { WholeMessages } from "../coap/outer/whole-messages.ts";
import { changesSomething, EchoChallenges } from "../echo.ts";
import type { LastAnswers } from "../last-answers.ts";
import { KEY_LIMITS } from "../oscore/key-use.ts";
import type { OscoreOption } from "../oscore/option.ts";
import { ReplayWindow } from "../oscore/replay-window.ts";
import type { Reply } from "../replies.ts";
import type { Resources } from "../served-request.ts";
import { Budget, type Peer } from "../sessions.ts";
import type { Member } from "./member.ts";
import type { Memberships } from "./memberships.ts";
import {
  type BoundGroupRequest,
  protectGroupAnswer,
  protectNumberedGroupAnswer,
  unprotectGroupRequest,
} from "./protect.ts";

export interface ServedGroupsParts {
  readonly random: Random;
  readonly traits: LinkTraits;
  /** Undefined for an end that is in no groups. */
  readonly memberships?: Memberships | undefined;
  readonly resources: Resources;
  readonly coap: Pick<WholeMessages, "proved">;
  readonly lastAnswers: LastAnswers;
  /** Takes note of a refusal, and says how it is told. */
  readonly refuse: (from: Station, reason: string) => Reply;
  /** Told once for a membership, when so many messages came in the head-end's name that it did not send. */
  readonly onForgeries: (from: Station, peer: Peer, count: number) => void;
}

/** What a group is for. Statements are made for one asker, and commands need a session that has proved itself just now. */
const PATHS: ReadonlySet<string> = new Set(["r", "p"]);
const NOT_FOR_GROUPS = bareAnswer(CODE.forbidden, "groups read r and p");
/** As those of sessions: they take numbers, which are made durable. */
const CHALLENGES_PER_SECOND = 4;
const CHALLENGES_AT_ONCE = 16;
/** Signatures that are looked at in vain: anybody can send them, and each takes some milliseconds on a small board. */
const FORGERIES_PER_SECOND = 4;
const FORGERIES_AT_ONCE = 16;

/** The groups of one server. Whatever comes in that is not right is refused, never thrown. */
export class ServedGroups {
  readonly #parts: ServedGroupsParts;
  readonly #echoes: EchoChallenges;
  readonly #challengeBudget = new Budget(CHALLENGES_PER_SECOND, CHALLENGES_AT_ONCE);

  readonly #forgeryBudget = new Budget(FORGERIES_PER_SECOND, FORGERIES_AT_ONCE);

  constructor(parts: ServedGroupsParts) {
    this.#parts = parts;
    this.#echoes = new EchoChallenges(parts.random.fork("group echo"), parts.traits);
  }

  /** True for a request that is a group's, whether or not this end is in that one. */
  isTheirs({ isGroupMode = false, kidContext, kid = EMPTY }: OscoreOption): boolean {
    if (isGroupMode) return true;
    return kidContext !== undefined && this.#parts.memberships?.find(kidContext, kid) !== undefined;
  }

  /** What such a request is replied. */
  reply(nowMs: number, from: Station, message: CoapMessage, option: OscoreOption): Reply {
    const { kidContext = EMPTY, kid = EMPTY } = option;
    const member = this.#parts.memberships?.find(kidContext, kid);
    if (member === undefined) return this.#refuse(from, message, "unknown-group");
    const repeated = this.#parts.lastAnswers.repeat(member, from, message);
    if (repeated !== undefined) return repeated;
    if (option.isGroupMode && !this.#forgeryBudget.has(nowMs))
      return this.#refuse(from, message, "forgeries");
    const window = member.isProved ? member.window : new ReplayWindow();
    const request = unprotectGroupRequest(member.pair, window, message);
    if ("refused" in request) {
      if (request.refused === "decrypt") this.#watchForgeries(nowMs, from, member);
      return this.#refuse(from, message, request.refused);
    }
    if (!this.#isProvedBy(nowMs, member, request)) return this.#challenge(nowMs, from, member, request);
    this.#parts.coap.proved(from);
    const answer = protectGroupAnswer(
      member.pair,
      request.binding,
      this.#serve(member, from, request.content),
    );
    this.#parts.lastAnswers.keep(member, from, message, answer);
    return { how: "answer", content: answer };
  }

  /** An Echo counts in pairwise mode alone: one to all of a group could be handed to another member (RFC 10021 14.9). */
  #isProvedBy(nowMs: number, member: Member, { content, binding, number }: BoundGroupRequest): boolean {
    if (member.isProved) return true;
    if (binding.mode === "group" || !this.#echoes.isAnswered(nowMs, member, content)) return false;
    member.window.beginAt(number);
    member.isProved = true;
    return true;
  }

  #serve({ peer }: Member, from: Station, content: CoapContent): CoapContent {
    if (changesSomething(content.code) || !PATHS.has(pathOf(content) ?? "")) return NOT_FOR_GROUPS;
    return this.#parts.resources.serve({ peer, from, content });
  }

  /** Its request's nonce may be spent, as it may be a copy: the answer has a number of its own. */
  #challenge(nowMs: number, from: Station, member: Member, { binding }: BoundGroupRequest): Reply {
    if (!this.#challengeBudget.take(nowMs)) return this.#parts.refuse(from, "challenges");
    const challenge = this.#echoes.challenge(nowMs, member);
    const content = protectNumberedGroupAnswer(member.pair, member.sequence, binding, challenge);
    return content === undefined ? this.#parts.refuse(from, "exhausted") : { how: "answer", content };
  }

  #watchForgeries(nowMs: number, from: Station, { pair, peer }: Member): void {
    this.#forgeryBudget.take(nowMs);
    const count = pair.use.forgeries;
    if (count === KEY_LIMITS.alarmForgeries) this.#parts.onForgeries(from, peer, count);
  }

  /** What may have gone to many at once is not refused by all of them at once (RFC 10021 7). */
  #refuse(from: Station, { type }: CoapMessage, reason: string): Reply {
    const refused = this.#parts.refuse(from, reason);
    return type === "NON" ? { how: "silence" } : refused;
  }
}
