// Ends that keep their sessions as carelessly as others have: the checker must find each of them.
import { toHex } from "../../firmware/protocol/bytes.ts";
import { EchoChallenges } from "../../firmware/protocol/echo.ts";
import type { KeptSession } from "../../firmware/protocol/kept-session.ts";
import { ReplayWindow } from "../../firmware/protocol/oscore/replay-window.ts";
import type { Random } from "../../hal/ports/random.ts";
import type { Figures, Mutant } from "./history.ts";

/** What a careless end does, and by which fault that shows. */
export interface CarelessEnd extends Mutant {
  readonly fault: keyof Figures["faults"];
  /** Changes what no port reaches, until what it gives is called. */
  readonly install?: () => () => void;
}

/** Chance that skips nothing at a start. */
function withoutSkip(random: Random): Random {
  const zeros = { bytes: (length: number) => new Uint8Array(length), fork: () => zeros };
  return {
    bytes: (length) => random.bytes(length),
    fork: (name) => (name === "kept sessions" ? zeros : random.fork(name)),
  };
}

/** False where only the marks of a session have moved since the call before. */
function seesNews(): (sessions: readonly KeptSession[]) => boolean {
  let known = "";
  return (sessions) => {
    const now = sessions.map(({ material }) => toHex(material.masterSecret)).join(" ");
    const isNews = now !== known;
    known = now;
    return isNews;
  };
}

/** Puts another function in the place of a method. */
function replaced<Of, Name extends keyof Of>(of: Of, name: Name, by: Of[Name]): () => void {
  const original = of[name];
  of[name] = by;
  return () => {
    of[name] = original;
  };
}

export const CARELESS_ENDS: ReadonlyMap<string, CarelessEnd> = new Map<string, CarelessEnd>([
  [
    "a meter that writes no numbers ahead",
    {
      fault: "nonceTwice",
      meterRandomOf: withoutSkip,
      keepingOf: (keeping) => {
        const isNews = seesNews();
        return { ...keeping, save: (sessions) => !isNews(sessions) || keeping.save(sessions) };
      },
    },
  ],
  ["a meter that goes on at its mark", { fault: "nonceTwice", meterRandomOf: withoutSkip }],
  [
    "a head-end that writes no numbers ahead",
    {
      fault: "nonceTwice",
      filesOf: (files) => {
        const isNews = seesNews();
        return {
          utcMs: () => files.utcMs(),
          find: (peer) => files.find(peer),
          forget: (peer) => files.forget(peer),
          lastAt: (place) => files.lastAt(place),
          foundAt: (place, peer) => files.foundAt(place, peer),
          save: (peer, session) => !isNews([session]) || files.save(peer, session),
        };
      },
    },
  ],
  [
    "a meter that asks for no Echo after a start",
    {
      fault: "replaysServed",
      install: () => replaced(EchoChallenges.prototype, "isAnswered", () => true),
    },
  ],
  [
    "a meter whose windows begin open",
    {
      fault: "replaysServed",
      install: () =>
        replaced(ReplayWindow.prototype, "beginAt", function (this: ReplayWindow, number: number) {
          this.accept(number);
        }),
    },
  ],
  [
    "a head-end that looks at no epoch",
    {
      fault: "restoresMissed",
      epochsOf: (epochs) => ({ takes: (peer, told) => epochs.takes(peer, told) || true }),
    },
  ],
]);
