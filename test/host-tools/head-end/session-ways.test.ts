// Sessions in a folder, for head-ends that reach their meter by more ways than one, one after the other or at once.
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type HeldSessions, holdSessions } from "../../../host-tools/head-end/session-folder.ts";
import { emptyFolder } from "../../support/command.ts";
import { DIRECT, HEAD_END, twoWays, VIA } from "../../support/two-ways.ts";

let place: ReturnType<typeof emptyFolder>;
const held: HeldSessions[] = [];

beforeEach(() => {
  place = emptyFolder();
});
afterEach(() => {
  for (const one of held.splice(0)) one.release();
  place.remove();
});

/** What a process holds that reaches the meter by this line. */
function hold(line: string): HeldSessions {
  const sessions = holdSessions({ folder: join(place.path, "sessions"), identity: HEAD_END, line });
  if (sessions === undefined) throw new Error("nothing is kept here");
  held.push(sessions);
  return sessions;
}

test("processes one after the other, by either way, go on with one session", () => {
  const { headEnd, sessions, nonces } = twoWays();
  for (const way of [DIRECT, VIA, DIRECT]) {
    const files = hold(`udp:${way.to}:5683`);
    const { ask, end } = headEnd("H", files);
    expect(ask(way)).toMatchObject({ kind: "answer" });
    end();
    files.release();
  }
  expect({ sessions, replays: nonces.replays }).toEqual({ sessions: ["H"], replays: 0 });
});

test("two processes at once have a session each, and whoever comes next goes on with the first's", () => {
  const { headEnd, sessions, nonces } = twoWays();
  const [first, second] = [hold("udp:meter:5683"), hold("udp:proxy:5683")];
  const [one, other] = [headEnd("H1", first), headEnd("H2", second)];
  for (let i = 0; i < 3; i++) {
    expect(one.ask(DIRECT)).toMatchObject({ kind: "answer" });
    expect(other.ask(VIA)).toMatchObject({ kind: "answer" });
  }
  for (const end of [one, other]) end.end();
  for (const files of [first, second]) files.release();
  expect(headEnd("H3", hold("udp:proxy:5683")).ask(VIA)).toMatchObject({ kind: "answer" });
  expect({ sessions, replays: nonces.replays }).toEqual({ sessions: ["H", "H"], replays: 0 });
});
