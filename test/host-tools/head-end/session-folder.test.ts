// Sessions in a folder: whose they are, and which of them nobody may go on with.
import {
  chmodSync,
  copyFileSync,
  linkSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { KeptSession } from "../../../firmware/protocol/kept-session.ts";
import { endSessions, type HeldSessions, holdSessions } from "../../../host-tools/head-end/session-folder.ts";
import { emptyFolder } from "../../support/command.ts";
import { identity } from "../../support/secured-line.ts";

const HEAD_END = identity("head-end", "H");
const AT = "udp:127.0.0.1:5683";

let place: ReturnType<typeof emptyFolder>;
let folder: string;
const held: HeldSessions[] = [];

beforeEach(() => {
  place = emptyFolder();
  folder = join(place.path, "sessions");
});
afterEach(() => {
  vi.unstubAllGlobals();
  for (const one of held.splice(0)) one.release();
  place.remove();
});

function hold(line = AT, by = HEAD_END): HeldSessions {
  const sessions = holdSessions({ folder, identity: by, line });
  if (sessions === undefined) throw new Error("nothing is kept here");
  held.push(sessions);
  return sessions;
}

/** Lets go of all, and takes them again: another process, as far as files know. */
function again(line?: string, by?: typeof HEAD_END): HeldSessions {
  for (const one of held.splice(0)) one.release();
  return hold(line, by);
}

function session(n = 1): KeptSession {
  const bytes = (length: number) => new Uint8Array(length).fill(n);
  const ids = { senderId: Uint8Array.of(n), recipientId: new Uint8Array(0) };
  const material = {
    masterSecret: bytes(16),
    masterSalt: bytes(8),
    ...ids,
    aead: "AES-CCM-16-64-128",
  } as const;
  return {
    peerHash: bytes(32),
    material,
    bornUtcMs: Date.now(),
    numbers: 64,
    messages: 64,
    forgeries: 1,
    heard: -1,
  };
}

function onlyFile(): string {
  const [name = "", ...others] = readdirSync(folder);
  expect(others).toEqual([]);
  return join(folder, name);
}

test("a session is there for the next process as it was saved last, for its owner alone, and gone once it is forgotten", () => {
  const sessions = hold();
  expect(sessions.find("M1")).toBeUndefined();
  expect(sessions.save("M1", session())).toBe(true);
  const later = { ...session(), numbers: 192, heard: 2 ** 33 };
  expect(sessions.save("M1", later)).toBe(true);
  expect(statSync(onlyFile()).mode & 0o777).toBe(0o600);
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  const next = again();
  expect(next.find("M1")).toEqual(later);
  next.forget("M1");
  expect(readdirSync(folder)).toEqual([]);
});

test("a session is held by one: a second gets and saves none until it is released; one with another peer is free", () => {
  const first = hold();
  first.save("M1", session(1));
  const second = hold();
  expect(second.find("M1")).toBeUndefined();
  expect(second.save("M1", session(2))).toBe(false);
  second.forget("M1");
  expect(second.save("M2", session(2))).toBe(true);
  expect(first.find("M2")).toBeUndefined();
  first.release();
  expect(second.find("M1")).toMatchObject({ numbers: session(1).numbers });
});

test("another head-end and another peer have none of it; by another line it is the same", () => {
  hold().save("M1", session());
  expect(again().find("M2")).toBeUndefined();
  expect(again(AT, identity("head-end", "H", "another key")).find("M1")).toBeUndefined();
  expect(again("pty:/dev/pts/9").find("M1")).toBeDefined();
});

test("who was found at a place is known to the next process, by that line and to that head-end alone", () => {
  const sessions = hold();
  expect(sessions.lastAt("line")).toBeUndefined();
  sessions.foundAt("line", "M1");
  sessions.foundAt("line", "M2");
  expect(again().lastAt("line")).toBe("M2");
  expect(again().lastAt("line M2")).toBeUndefined();
  expect(again("pty:/dev/pts/9").lastAt("line")).toBeUndefined();
  expect(again(AT, identity("head-end", "H", "another key")).lastAt("line")).toBeUndefined();
  writeFileSync(onlyFile(), "../M1");
  expect(again().lastAt("line")).toBeUndefined();
});

test("a file that was copied or restored is no session: its numbers may have been used since", () => {
  hold().save("M1", session());
  const path = onlyFile();
  copyFileSync(path, join(place.path, "backup"));
  renameSync(join(place.path, "backup"), path);
  expect(again().find("M1")).toBeUndefined();
});

test("a file that has the inode of another, which is gone, is not that one", () => {
  const sessions = hold();
  sessions.save("M1", session());
  const path = onlyFile();
  const text = readFileSync(path, "utf8");
  writeFileSync(path, text.replace(/ \d+"/, ' 1"'));
  expect(sessions.find("M1")).toBeUndefined();
  writeFileSync(path, text);
  expect(sessions.find("M1")).toBeDefined();
});

test("a file of another network is none: whoever works there is not known here", () => {
  const sessions = hold();
  sessions.save("M1", session());
  const path = onlyFile();
  writeFileSync(path, readFileSync(path, "utf8").replace(/net:\[\d+/, "net:[1"));
  expect(sessions.find("M1")).toBeUndefined();
});

test("a backup of links has no session once it goes on: it would begin at numbers that were used since", () => {
  hold().save("M1", session());
  const path = onlyFile();
  const backup = join(place.path, "backup");
  linkSync(path, backup);
  expect(again().save("M1", { ...session(), numbers: 192 })).toBe(true);
  renameSync(backup, path);
  expect(again().find("M1")).toBeUndefined();
});

test("a session whose file was taken away is kept no more, as the file may be put back; another one is", () => {
  const sessions = hold();
  sessions.save("M1", session(1));
  const path = onlyFile();
  const away = join(place.path, "away");
  renameSync(path, away);
  expect(sessions.save("M1", { ...session(1), numbers: 192 })).toBe(false);
  expect(sessions.save("M1", session(2))).toBe(true);
  expect(sessions.save("M1", { ...session(2), numbers: 192 })).toBe(true);
  renameSync(away, path);
  expect(sessions.save("M1", { ...session(2), numbers: 448 })).toBe(false);
});

test("where the folder of sessions is something else, there are none, and none are kept", () => {
  writeFileSync(folder, "");
  const sessions = hold();
  expect(sessions.find("M1")).toBeUndefined();
  expect(sessions.save("M1", session())).toBe(false);
  sessions.foundAt("line", "M1");
  expect(sessions.lastAt("line")).toBeUndefined();
  endSessions(folder, session().peerHash);
});

test("a session of before a start of the machine is none: its disk may have been put back", () => {
  const sessions = hold();
  sessions.save("M1", session());
  const path = onlyFile();
  const text = readFileSync(path, "utf8");
  writeFileSync(path, text.replace(/"original": "[^ ]+/, '"original": "another-boot'));
  expect(sessions.find("M1")).toBeUndefined();
  writeFileSync(path, text);
  expect(sessions.find("M1")).toBeDefined();
});

test("a file that others may read, or that is damaged, is no session", () => {
  const sessions = hold();
  sessions.save("M1", session());
  chmodSync(onlyFile(), 0o644);
  expect(sessions.find("M1")).toBeUndefined();
  sessions.save("M1", session());
  const path = onlyFile();
  const whole = readFileSync(path, "utf8");
  const long = whole.replace(/"senderId": "/, `$&${"00".repeat(7)}`);
  for (const text of ["", "{}", whole.replace(/"numbers": \d+/, '"numbers": -5'), long]) {
    writeFileSync(path, text, { mode: 0o600 });
    expect(sessions.find("M1")).toBeUndefined();
  }
});

test("what is older than its keys may be is removed by whoever comes next", () => {
  const sessions = hold();
  sessions.save("a", session(1));
  sessions.save("b", session(2));
  const [name = ""] = readdirSync(folder);
  const longAgo = Date.now() / 1000 - 25 * 3600;
  utimesSync(join(folder, name), longAgo, longAgo);
  again("pty:/dev/pts/9");
  expect(readdirSync(folder)).toHaveLength(1);
});

test("what a process left that was ended as it wrote goes too", () => {
  hold().save("M1", session());
  const left = `${onlyFile()}.0123abcd`;
  writeFileSync(left, "{", { mode: 0o600 });
  const longAgo = Date.now() / 1000 - 25 * 3600;
  utimesSync(left, longAgo, longAgo);
  again();
  onlyFile();
});

test("all sessions with a peer end at once, and those with others go on", () => {
  const sessions = hold();
  sessions.save("a", session(1));
  sessions.save("b", session(2));
  endSessions(folder, session(1).peerHash);
  expect(sessions.find("a")).toBeUndefined();
  expect(sessions.find("b")).toEqual({ ...session(2), bornUtcMs: sessions.find("b")?.bornUtcMs });
  endSessions(join(place.path, "nowhere"), session(1).peerHash);
});

test("where it cannot be told who else is at work, nothing is kept", () => {
  vi.stubGlobal("process", { ...process, platform: "darwin" });
  expect(holdSessions({ folder, identity: HEAD_END, line: AT })).toBeUndefined();
});
