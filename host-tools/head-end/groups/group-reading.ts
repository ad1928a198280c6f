// A group read: by one request for all, or member by member; who has answered, who has not, and why where that is known.
import { CODE, type CoapContent } from "../../../firmware/protocol/coap/message.ts";
import type { BoundGroupRequest } from "../../../firmware/protocol/group/protect.ts";
import type { MissingAnswer } from "../../dap/forward/bundle.ts";
import type { Answer, Target } from "../client.ts";
import { HeadEndError } from "../errors.ts";
import { unknownForm } from "../failures.ts";
import type { BodyQuestion } from "../questions.ts";
import type { Group } from "./group.ts";
import {
  type BundleListener,
  challengeOf,
  type GroupAsks,
  type GroupPlace,
  type MemberEnd,
  troubleOf,
} from "./group-asks.ts";
import type { GroupRequestEnd } from "./group-line.ts";
import type { Joining } from "./group-manager.ts";
import { inTurns } from "./turns.ts";

/**
 * What came of one member. `late`: it answered only when it was asked once more; `missing`: nothing was heard of it;
 * `refused`: it, or the head-end, would not.
 */
export type MemberReport<Body> =
  | { readonly meter: string; readonly outcome: "answered" | "late"; readonly body: Body }
  | { readonly meter: string; readonly outcome: "missing" | "refused"; readonly why: string };

/**
 * How the request for all travels. `all`: whoever forwards gives it to all, and their answers come one by one or together;
 * `each`: each member is asked alone, and whoever forwards to all puts their answers together; `alone`: each by itself.
 */
export type Together =
  | {
      readonly how: "all";
      readonly place: GroupPlace;
      readonly answers: "forward" | "bundle";
      /** Whom he gives it to, where that is known: others are not waited for. */
      readonly among?: readonly string[] | undefined;
    }
  | { readonly how: "each"; readonly placeOf: (id: string) => GroupPlace }
  | { readonly how: "alone" };

export interface GroupReadParts {
  readonly asks: GroupAsks;
  readonly group: Group;
  /** What came of those who had not joined before. */
  readonly joinings: readonly Joining[];
  readonly together: Together;
  readonly placeOf: (id: string) => GroupPlace;
  /** Told of a member that has not the group's keys any more. */
  readonly onLost: (id: string) => void;
}

const REASONS: Readonly<Record<MissingAnswer["reason"], string | undefined>> = {
  "no-answer": "it did not answer there either",
  "no-route": "it knows no way there",
  "line-down": "its line is down",
  "queue-full": "too many wait for its line",
  "too-long": "its answer was too long to be bundled",
  unknown: undefined,
};

/** Members that are asked by themselves at once. */
export const ASKED_AT_ONCE = 4;

/**
 * Asks all members of a group by one request, those who said nothing once more by the same bytes, and those who challenge
 * it by themselves. Each member is told of once, as soon as it is known how it stands. Rejects with {@link HeadEndError}.
 */
export async function readTogether<Body>(
  parts: GroupReadParts,
  question: BodyQuestion<Body>,
  tell: (report: MemberReport<Body>) => void,
): Promise<void> {
  const read = new TogetherRead(parts, question, tell);
  read.tellAbsent();
  if (read.silent.size === 0) return;
  if (parts.together.how === "each") {
    await read.askEach(parts.together);
    await inTurns([...read.silent], ASKED_AT_ONCE, (id) => read.askAlone(id, "late"));
  } else {
    const sealed = parts.asks.seal(parts.group, question);
    if (parts.together.how === "all") await read.askAll(parts.together, sealed);
    await inTurns([...read.silent], ASKED_AT_ONCE, (id) => read.askAgain(id, sealed));
  }
  await inTurns([...read.challenged], ASKED_AT_ONCE, (id) => read.askAlone(id, "answered"));
}

/** Asks members one by one, each over its own session. Each is told of once. */
export async function readOneByOne<Body>(
  ids: readonly string[],
  read: (id: string) => Promise<Answer<Body>>,
  tell: (report: MemberReport<Body>) => void,
): Promise<void> {
  await inTurns(ids, ASKED_AT_ONCE, async (meter) => {
    try {
      tell({ meter, outcome: "answered", body: (await read(meter)).body });
    } catch (error) {
      if (!(error instanceof HeadEndError)) throw error;
      tell({ meter, outcome: error.kind === "timeout" ? "missing" : "refused", why: error.message });
    }
  });
}

class TogetherRead<Body> {
  /** Members that have joined, and of whom nothing has been heard. */
  readonly silent: Set<string>;
  /** Members who want to know first that the head-end is there. */
  readonly challenged = new Set<string>();
  /** What whoever forwards says of those of whom he has no answer. */
  readonly #reasons = new Map<string, MissingAnswer["reason"]>();
  readonly #parts: GroupReadParts;
  readonly #question: BodyQuestion<Body>;
  readonly #tell: (report: MemberReport<Body>) => void;

  constructor(
    parts: GroupReadParts,
    question: BodyQuestion<Body>,
    tell: (report: MemberReport<Body>) => void,
  ) {
    this.#parts = parts;
    this.#question = question;
    this.#tell = tell;
    const joined = parts.group.members.filter(({ state }) => state === "joined");
    this.silent = new Set(joined.map(({ id }) => id));
  }

  /** Also of those who were taken out just now. */
  tellAbsent(): void {
    const { group, joinings } = this.#parts;
    const ids = new Set([...group.members, ...joinings].map(({ id }) => id));
    for (const meter of [...ids].filter((id) => !this.silent.has(id))) {
      const joining = joinings.find(({ id }) => id === meter);
      const isUnfit = joining?.outcome === "unfit";
      const why = joining?.why ?? "has not been given the group's keys";
      this.#tell({ meter, outcome: isUnfit ? "refused" : "missing", why: isUnfit ? `It ${why}.` : why });
    }
  }

  async askAll(
    { place, answers, among }: Extract<Together, { how: "all" }>,
    sealed: BoundGroupRequest,
  ): Promise<void> {
    const { asks } = this.#parts;
    const wanted = new Set([...this.silent].filter((id) => among?.includes(id) ?? true));
    if (wanted.size === 0) return;
    const listener = this.#listenerAt(place.target);
    const end =
      answers === "forward"
        ? await asks.askAll(place, sealed, this.#question, wanted, listener.onAnswer)
        : await asks.askBundled(place, sealed, wanted, listener);
    orThrow(end, place.target);
  }

  async askEach({ placeOf }: Extract<Together, { how: "each" }>): Promise<void> {
    const { asks, group } = this.#parts;
    const places = new Map([...this.silent].map((id) => [id, placeOf(id)] as const));
    const [first] = places.values();
    if (first === undefined) return;
    const listener = this.#listenerAt(first.target);
    orThrow(await asks.askEachBundled(places, group, this.#question, listener), first.target);
  }

  async askAgain(id: string, sealed: BoundGroupRequest): Promise<void> {
    const { asks, placeOf, together } = this.#parts;
    await this.#orMissing(id, async () => {
      const place = placeOf(id);
      const end = await asks.askAgain(place, sealed, this.#question, id);
      this.#judge(id, end, place.target, together.how === "alone" ? "answered" : "late");
    });
  }

  async askAlone(id: string, outcome: "answered" | "late"): Promise<void> {
    const { asks, placeOf, group } = this.#parts;
    // It has been challenged as often as it is worth then.
    this.challenged.add(id);
    await this.#orMissing(id, async () => {
      const place = placeOf(id);
      this.#judge(id, await asks.askAlone(place, group, this.#question, id), place.target, outcome);
    });
  }

  #listenerAt(target: Target): BundleListener {
    return {
      onAnswer: ({ member, content }) => this.#take(member, content, target, "answered"),
      onMissing: (alias, reason) => void this.#reasons.set(alias, reason),
    };
  }

  async #orMissing(meter: string, ask: () => Promise<void>): Promise<void> {
    try {
      await ask();
    } catch (error) {
      if (!(error instanceof HeadEndError)) throw error;
      this.#tell({ meter, outcome: "missing", why: error.message });
    }
  }

  #judge(meter: string, end: MemberEnd, target: Target, outcome: "answered" | "late"): void {
    if (end.kind === "answer") return this.#take(meter, end.content, target, outcome);
    const { kind, message: why } = troubleOf(end, target) as HeadEndError;
    const isMissing = kind === "timeout" || kind === "not-there";
    if (!isMissing) this.#parts.onLost(meter);
    const reason = REASONS[this.#reasons.get(meter) ?? "unknown"];
    const said = reason === undefined || !isMissing ? "" : ` The DAP says that ${reason}.`;
    this.#tell({ meter, outcome: isMissing ? "missing" : "refused", why: `${why}${said}` });
  }

  #take(meter: string, content: CoapContent, target: Target, outcome: "answered" | "late"): void {
    this.silent.delete(meter);
    const isFirst = !this.challenged.has(meter);
    if (isFirst && challengeOf(content) !== undefined) {
      this.challenged.add(meter);
      return;
    }
    const trouble = troubleOf({ kind: "answer", content }, target);
    const body = content.code === CODE.content ? this.#question.decode(content.payload) : undefined;
    if (body !== undefined) this.#tell({ meter, outcome, body });
    else this.#tell({ meter, outcome: "refused", why: (trouble ?? unknownForm(target)).message });
  }
}

/** Whoever heard nothing of all of them in his time says so: each is asked by itself then. */
function orThrow(end: GroupRequestEnd, target: Target): void {
  const isSilent = end.kind === "refused" && end.message?.code === CODE.gatewayTimeout;
  if (end.kind === "answered" || end.kind === "timeout" || isSilent) return;
  if (end.kind === "refused" && end.message?.code === CODE.unauthorized)
    throw new HeadEndError(
      "identity",
      `The DAP at ${target.name} does more than pass a request on for its own head-ends alone (4.01): give its credential file with --dap, and have it trust this head-end (dap --trust).`,
    );
  throw troubleOf(end, target) ?? new Error("a refusal has a reason");
}
