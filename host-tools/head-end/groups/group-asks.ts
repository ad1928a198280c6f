// What a group's head-end asks by the group's keys: all members at once, or one alone.

import { EMPTY, equal, fromUint, toUint } from "../../../firmware/protocol/bytes.ts";
import { messageBytes } from "../../../firmware/protocol/coap/codec.ts";
import {
  CODE,
  type CoapContent,
  type CoapMessage,
  codeText,
  FORMAT,
  findOption,
  OPTION,
  resourceRequest,
  withOptions,
} from "../../../firmware/protocol/coap/message.ts";
import { routed } from "../../../firmware/protocol/forwarders.ts";
import type { BoundGroupRequest, GroupBinding } from "../../../firmware/protocol/group/protect.ts";
import type { Clock } from "../../../hal/ports/clock.ts";
import {
  type Bundle,
  type BundledAnswer,
  decodeBundle,
  type MissingAnswer,
  unbundled,
} from "../../dap/forward/bundle.ts";
import type { HeadEnd, Target } from "../client.ts";
import { HeadEndError } from "../errors.ts";
import { failure, unwanted, withinMs } from "../failures.ts";
import type { Group } from "./group.ts";
import { GroupKeys, type GroupKeysParts, type MemberAnswer } from "./group-keys.ts";
import { GroupLine, type GroupRequest, type GroupRequestEnd } from "./group-line.ts";

/** Where a meter is reached, or by the alias of a group whoever forwards to all of it. */
export interface GroupPlace {
  readonly headEnd: Pick<HeadEnd, "share">;
  readonly target: Target;
}

/** What a question is about, and how long each answer will be at the most. */
export interface GroupQuestion {
  readonly content: CoapContent;
  readonly answerBytes?: number | undefined;
}

/** Told of what is in a bundle; reasons are the word of somebody who has proved nothing. */
export interface BundleListener {
  readonly onAnswer: (answer: MemberAnswer) => void;
  readonly onMissing: (alias: string, reason: MissingAnswer["reason"]) => void;
}

/** What came of asking one member. */
export type MemberEnd =
  | { readonly kind: "answer"; readonly content: CoapContent }
  | Exclude<GroupRequestEnd, { kind: "answered" }>;

type Manner = Pick<GroupRequest, "answers" | "answerBytes" | "take">;

/** A member challenges once; twice where the challenge came too late to be answered in time. */
const CHALLENGES_MAX = 2;
const TOKEN_BYTES = 1;
/** For the request and the bundle themselves, which may come in blocks. */
const BUNDLE_WAY_MS = 5000;

/** Asks by the keys of the epoch that a group is in, on whatever lines its members are. */
export class GroupAsks {
  /** CoAP bytes that were sent, repetitions left out, and of the answers that were taken. */
  readonly traffic = { requestBytes: 0, responseBytes: 0 };
  #bundles = 0;
  readonly #parts: GroupKeysParts;
  readonly #clock: Clock;
  readonly #lines = new Map<GroupPlace["headEnd"], GroupLine>();
  #keys: GroupKeys | undefined;

  constructor(parts: GroupKeysParts, clock: Clock) {
    this.#parts = parts;
    this.#clock = clock;
  }

  /** The request that all members of a group understand, if they have joined. Throws {@link HeadEndError}. */
  seal(group: Group, { content }: GroupQuestion): BoundGroupRequest {
    return this.#keysOf(group).sealForAll(content);
  }

  /**
   * Sends a sealed request to whoever forwards it to all, and hands on each member's first answer, until these members
   * have all answered or the time is up.
   */
  async askAll(
    place: GroupPlace,
    sealed: BoundGroupRequest,
    { answerBytes }: GroupQuestion,
    members: ReadonlySet<string>,
    onAnswer: (answer: MemberAnswer) => void,
  ): Promise<GroupRequestEnd> {
    const missing = new Set(members);
    return this.#send(place, sealed.content, {
      ...{ answers: "many", answerBytes },
      take: (message) => {
        const opened = this.#keys?.open(sealed.binding, message);
        if (opened === undefined || !missing.delete(opened.member)) return "no";
        this.#count(message);
        onAnswer(opened);
        return missing.size === 0 ? "all" : "some";
      },
    });
  }

  /**
   * The same, but for the answers together: whoever forwards gathers them for as long as the place's time, and says of
   * whom he has none.
   */
  async askBundled(
    place: GroupPlace,
    sealed: BoundGroupRequest,
    members: ReadonlySet<string>,
    listener: BundleListener,
  ): Promise<GroupRequestEnd> {
    const missing = new Set(members);
    const take = this.#takesBundle(listener, (answer) => {
      const opened = this.#keys?.open(sealed.binding, unbundled(answer));
      return opened !== undefined && missing.delete(opened.member) ? opened : undefined;
    });
    const content = bundling(sealed.content, place, EMPTY);
    return this.#send(patientOf(place), content, { answers: "one", take });
  }

  /**
   * Asks members alone and has their answers together: whoever forwards knows of no group then. All are on one line. A
   * request for one is shorter than one for all, and so all of them are no longer than they must be.
   */
  async askEachBundled(
    places: ReadonlyMap<string, GroupPlace>,
    group: Group,
    question: GroupQuestion,
    listener: BundleListener,
  ): Promise<GroupRequestEnd> {
    const wish = Uint8Array.of(this.#bundles++ & 0xff, places.size);
    const bindings = new Map<string, GroupBinding>();
    const take = this.#takesBundle(listener, (answer) => {
      const binding = bindings.get(answer.alias);
      const opened = binding && this.#keys?.open(binding, unbundled(answer), answer.alias);
      return opened !== undefined && bindings.delete(opened.member) ? opened : undefined;
    });
    const requests = [...places].map(([id, place]) => {
      const { content, binding } = this.#keysOf(group).sealFor(id, question.content);
      bindings.set(id, binding);
      return this.#request(patientOf(place), bundling(content, place, wish), { answers: "one", take });
    });
    const [first] = places.values();
    return first === undefined ? { kind: "answered" } : this.#lineOf(first.headEnd).askForAll(requests);
  }

  /** Sends the request that is for all to one member alone: the same bytes. */
  async askAgain(
    place: GroupPlace,
    sealed: BoundGroupRequest,
    question: GroupQuestion,
    id: string,
  ): Promise<MemberEnd> {
    return this.#askOne(place, sealed, question, id);
  }

  /** Asks one member by the keys that it has in common with the head-end, and repeats what it challenges by. */
  async askAlone(place: GroupPlace, group: Group, question: GroupQuestion, id: string): Promise<MemberEnd> {
    let asked = question;
    for (let challenges = 0; ; challenges++) {
      const sealed = this.#keysOf(group).sealFor(id, asked.content);
      const end = await this.#askOne(place, sealed, asked, id);
      const echo = end.kind === "answer" ? challengeOf(end.content) : undefined;
      if (echo === undefined || challenges === CHALLENGES_MAX) return end;
      asked = { ...question, content: withOptions(question.content, { number: OPTION.echo, value: echo }) };
    }
  }

  /**
   * Has a member show that it has the group's keys; in turn it is shown which of the head-end's numbers are new. Rejects
   * with {@link HeadEndError}.
   */
  async prove(place: GroupPlace, group: Group, id: string): Promise<void> {
    const end = await this.askAlone(place, group, { content: resourceRequest(CODE.get, "r") }, id);
    const trouble = troubleOf(end, place.target);
    if (trouble !== undefined) throw trouble;
  }

  async #askOne(
    place: GroupPlace,
    { content, binding }: BoundGroupRequest,
    { answerBytes }: GroupQuestion,
    id: string,
  ): Promise<MemberEnd> {
    let answer: CoapContent | undefined;
    const end = await this.#send(place, content, {
      ...{ answers: "one", answerBytes },
      take: (message) => {
        const opened = this.#keys?.open(binding, message, id);
        if (opened === undefined) return "no";
        this.#count(message);
        answer = opened.content;
        return "all";
      },
    });
    if (answer !== undefined) return { kind: "answer", content: answer };
    return end.kind === "answered" ? { kind: "timeout" } : end;
  }

  #send(place: GroupPlace, sealed: CoapContent, how: Manner): Promise<GroupRequestEnd> {
    return this.#lineOf(place.headEnd).ask(this.#request(place, sealed, how));
  }

  #request({ target }: GroupPlace, sealed: CoapContent, how: Manner): GroupRequest {
    const { station, host, toleranceSeconds } = target;
    const content = routed(sealed, { host }, toleranceSeconds);
    this.traffic.requestBytes += messageBytes(content, TOKEN_BYTES);
    return { ...how, to: station, content, withinMs: withinMs(target) };
  }

  /** Takes a bundle, and hands on what `open` makes of its answers. */
  #takesBundle(
    { onAnswer, onMissing }: BundleListener,
    open: (answer: BundledAnswer) => MemberAnswer | undefined,
  ): GroupRequest["take"] {
    return (message) => {
      const bundle = bundleIn(message);
      if (bundle === undefined) return "no";
      this.#count(message);
      for (const { alias, reason } of bundle.missing) onMissing(alias, reason);
      for (const answer of bundle.answers) {
        const opened = open(answer);
        if (opened !== undefined) onAnswer(opened);
      }
      return "all";
    };
  }

  #count(message: CoapMessage): void {
    this.traffic.responseBytes += messageBytes(message, message.token.length);
  }

  #lineOf(headEnd: GroupPlace["headEnd"]): GroupLine {
    const line = this.#lines.get(headEnd) ?? new GroupLine(headEnd, this.#clock);
    this.#lines.set(headEnd, line);
    return line;
  }

  #keysOf(group: Group): GroupKeys {
    if (this.#keys === undefined || !equal(this.#keys.epoch.gid, group.epoch.gid))
      this.#keys = new GroupKeys(this.#parts, group);
    this.#keys.admit(group);
    return this.#keys;
  }
}

/** The request with what whoever forwards is asked for: to gather answers for so long, of it alone, or of all with these bytes. */
function bundling(sealed: CoapContent, { target }: GroupPlace, wish: Uint8Array): CoapContent {
  const gather = { number: OPTION.multicastTimeout, value: fromUint(Math.ceil(target.timeoutMs / 1000)) };
  return withOptions(sealed, gather, { number: OPTION.bundle, value: wish });
}

function patientOf({ headEnd, target }: GroupPlace): GroupPlace {
  return { headEnd, target: { ...target, timeoutMs: withinMs(target) + BUNDLE_WAY_MS } };
}

/** Anybody can send one: what is in it is proved by itself. */
function bundleIn(message: CoapMessage): Bundle | undefined {
  const format = findOption(message, OPTION.contentFormat);
  if (message.code !== CODE.content || format === undefined || toUint(format) !== FORMAT.bundle)
    return undefined;
  return decodeBundle(message.payload);
}

/** What a member wants repeated before it believes that a request is of now. */
export function challengeOf(answer: CoapContent): Uint8Array | undefined {
  return answer.code === CODE.unauthorized ? findOption(answer, OPTION.echo) : undefined;
}

/** Why a member gave nothing that was asked; undefined where it did. */
export function troubleOf(end: MemberEnd, target: Target): HeadEndError | undefined {
  if (end.kind === "answer")
    return end.content.code === CODE.content ? undefined : unwanted(end.content, target);
  return end.kind === "refused" ? refusal(end.message, target) : failure(end.kind, target, "credentials");
}

/** What is believed of somebody who has proved nothing: whoever forwards, or a meter that has not the group's keys. */
function refusal(message: CoapMessage | undefined, target: Target): HeadEndError {
  const { name, host, expect = host } = target;
  if (message?.code === CODE.gatewayTimeout) return failure("unreachable", target, "credentials");
  if (message?.code === CODE.notFound) return failure("unrouted", target, "credentials");
  const code = message === undefined ? "RST" : codeText(message.code);
  return new HeadEndError(
    "identity",
    `${expect} at ${name} took no question by the keys of its group (${code}): it is given new ones with the next read, or by 'meterbench group rekey'.`,
  );
}
