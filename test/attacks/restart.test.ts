// Sessions that outlive a power cut, a kill and a storage that somebody put back: what replays, clones and rollbacks get.
import { describe, expect, test } from "vitest";
import { toUint } from "../../firmware/protocol/bytes.ts";
import { CODE, findOption, OPTION } from "../../firmware/protocol/coap/message.ts";
import type { Credential } from "../../firmware/protocol/cose/credential.ts";
import { readOscoreOption } from "../../firmware/protocol/oscore/option.ts";
import { LINE } from "../../hal/ports/link.ts";
import { MemoryStorage } from "../../hal/storage/memory-storage.ts";
import { HeadEndFiles, HeardEpochs, NonceLog } from "../power-cuts/head-end-memory.ts";
import { Line, type LineParts } from "../power-cuts/line.ts";
import { CARELESS_ENDS } from "../power-cuts/mutants.ts";
import { identity } from "../support/secured-line.ts";
import { asNew, messageOf } from "./village.ts";

const HOUR_MS = 3_600_000;
const HEAD_END = identity("head-end", "H").credential;

/** A meter with a storage and a head-end with files, and what both have sent. */
function keptPair(more: Partial<LineParts> = {}) {
  const nonces = new NonceLog();
  const files = new HeadEndFiles();
  const epochs = new HeardEpochs();
  const sent: { from: string; bytes: Uint8Array }[] = [];
  const line = new Line({
    ...{ seed: "restart", crypto: nonces.engine, storage: new MemoryStorage(), epochs, headEndFiles: files },
    tap: (from, bytes) => sent.push({ from, bytes: bytes.slice() }),
    ...more,
  });
  files.utcMs = () => line.utcMs();
  line.startMeter(line.storage);
  let reads = 0;
  const ask = (code: number = CODE.fetch) => {
    const before = sent.length;
    line.events.length = 0;
    const id = line.ask(Uint8Array.of(0x18, 0x20 + reads++), 8000, code);
    const end = () => line.events.find((event) => event.ask === id);
    line.run(9000, () => end() !== undefined);
    const requests = sent.slice(before).filter(({ from }) => from === "head-end");
    const event = end();
    if (event === undefined) throw new Error("an ask without an end");
    return { ...event, requests: requests.map(({ bytes }) => messageOf(bytes)) };
  };
  const imageNow = () => line.storage.afterCut({ bytes: "all", folder: "all" });
  const restart = (storage = line.storage.afterCut({ bytes: "none", folder: "none" })) => {
    line.cutMeter();
    line.startMeter(storage);
  };
  return { line, nonces, files, epochs, sent, ask, imageNow, restart };
}

/** True where a message of EDHOC alone is among the requests. */
function hasHandshake(requests: readonly ReturnType<typeof messageOf>[]): boolean {
  return requests.some((request) => findOption(request, OPTION.oscore) === undefined);
}

/** The sender's own number of a datagram; undefined without one. */
function numberOf(bytes: Uint8Array): number | undefined {
  const option = readOscoreOption(messageOf(bytes));
  return option && "partialIv" in option && option.partialIv ? toUint(option.partialIv) : undefined;
}

describe("a session of before a power cut", () => {
  test("goes on without EDHOC: its first request is challenged, and answered when it is repeated", () => {
    const { line, ask, restart } = keptPair();
    expect(hasHandshake(ask().requests)).toBe(true);
    restart();
    const served = line.served;
    const after = ask();
    expect(after).toMatchObject({ kind: "answer" });
    expect(hasHandshake(after.requests)).toBe(false);
    expect(after.requests).toHaveLength(2);
    expect(line.served).toBe(served + 1);
    expect(ask().requests).toHaveLength(1);
  });

  test("that is fresh needs no challenge, and a command in it the one that each command needs", () => {
    const { ask } = keptPair();
    expect(ask().requests).toHaveLength(2);
    expect(ask(CODE.put).requests).toHaveLength(2);
    expect(ask().requests).toHaveLength(1);
  });

  test("serves no request that was recorded, neither before the first new one nor after it", () => {
    const { line, ask, restart } = keptPair();
    for (let i = 0; i < 4; i++) ask();
    const recorded = [...line.delivered];
    const replayAll = () => {
      for (const request of recorded) {
        line.replay(asNew(request));
        line.run(2000);
      }
    };
    restart();
    replayAll();
    expect(ask()).toMatchObject({ kind: "answer" });
    replayAll();
    expect(line.replaysServed).toBe(0);
  });

  test("is challenged under numbers above all that were used, also where the cut comes right after a block began", () => {
    const { sent, nonces, ask, restart } = keptPair();
    const numbers = () =>
      sent.flatMap(({ from, bytes }) => (from === "meter" ? (numberOf(bytes) ?? []) : []));
    ask();
    for (let cut = 0; cut < 8; cut++) {
      restart();
      expect(ask()).toMatchObject({ kind: "answer" });
    }
    expect(numbers()).toHaveLength(8);
    expect(numbers()).toEqual([...numbers()].sort((a, b) => a - b));
    expect(nonces.replays).toBe(0);
  });

  test.each([
    ["it is a day old", 25 * HOUR_MS],
    ["the meter's clock went back behind its birth", -25 * HOUR_MS],
  ])("ends where %s", (_, byMs) => {
    let utcMs = Date.UTC(2026, 10, 24);
    const { ask, restart } = keptPair({ keepingOf: (keeping) => ({ ...keeping, utcMs: () => utcMs }) });
    ask();
    utcMs += byMs;
    restart();
    expect(hasHandshake(ask().requests)).toBe(true);
  });

  test("ends where the meter does not know the time", () => {
    let utcMs: number | undefined = Date.UTC(2026, 10, 24);
    const { ask, restart } = keptPair({ keepingOf: (keeping) => ({ ...keeping, utcMs: () => utcMs }) });
    ask();
    utcMs = undefined;
    restart();
    expect(hasHandshake(ask().requests)).toBe(true);
  });

  test("ends where its peer is no longer trusted at the start, and does not come back with its trust", () => {
    let served: readonly Credential[] = [HEAD_END];
    const { ask, restart } = keptPair({ served: () => served });
    ask();
    served = [];
    restart();
    expect(ask()).toMatchObject({ kind: "failed", reason: "refused" });
    served = [HEAD_END];
    restart();
    expect(hasHandshake(ask().requests)).toBe(true);
  });
});

describe("a handshake that a power cut takes", () => {
  test("between message_2 and message_3 is begun anew, and the ask is answered", () => {
    const { line, sent, restart } = keptPair();
    const id = line.ask(Uint8Array.of(5), 8000);
    line.run(100, () => sent.length === 3);
    restart();
    line.run(8000, () => line.events.some(({ ask }) => ask === id));
    expect(line.events).toMatchObject([{ kind: "answer", ask: id }]);
  });

  test("ends with the watch that began it, and whoever waited for it begins another", () => {
    const { line, sent, restart } = keptPair();
    const watch = line.watch(8000) ?? -1;
    const id = line.ask(Uint8Array.of(5), 8000);
    line.run(100, () => sent.length === 3);
    restart();
    line.client.unwatch(line.nowMs, watch);
    line.run(8000, () => line.events.some(({ ask }) => ask === id));
    expect(line.events).toMatchObject([{ kind: "answer", ask: id }]);
  });
});

describe("a storage that somebody put back", () => {
  test("is found at the next request: nothing of its answer is believed, and the session ends", () => {
    const { files, ask, imageNow, restart } = keptPair();
    ask();
    const image = imageNow();
    restart();
    ask();
    restart(image);
    const found = ask();
    expect(found).toMatchObject({ kind: "failed", reason: "forgetful", peer: { id: "M1" } });
    expect(files.find(LINE)).toBeUndefined();
    expect(ask()).toMatchObject({ kind: "failed", reason: "forgetful" });
  });

  test("by one start is found though it counts as the start that was heard of, also in a session that it does not know", () => {
    const { files, ask, imageNow, restart } = keptPair();
    ask();
    restart();
    const image = imageNow();
    restart();
    files.clear();
    ask();
    restart(image);
    expect(ask()).toMatchObject({ kind: "failed", reason: "forgetful" });
  });

  test.each(["emptied", "taken out"])("and one that was %s are found alike", (what) => {
    let isTakenOut = false;
    const { ask, restart } = keptPair({
      keepingOf: (keeping) => ({ ...keeping, starts: isTakenOut ? undefined : keeping.starts }),
    });
    ask();
    isTakenOut = what === "taken out";
    restart(new MemoryStorage());
    expect(ask()).toMatchObject({ kind: "failed", reason: "forgetful" });
  });

  test("repeats no nonce, whether it is found or nobody has heard of anything later", () => {
    const { line, nonces, epochs, ask, imageNow, restart } = keptPair();
    ask();
    const image = imageNow();
    for (let i = 0; i < 3; i++) {
      line.watch(1000);
      line.run(2000);
      epochs.clear();
      restart(image.afterCut({ bytes: "all", folder: "all" }));
      ask();
      ask();
    }
    expect(nonces.replays).toBe(0);
  });

  test("shows by its own numbers where no start was told, if it uses them again", () => {
    const { meterRandomOf } = CARELESS_ENDS.get("a meter that goes on at its mark") ?? {};
    const { line, epochs, ask, imageNow, restart } = keptPair({ meterRandomOf });
    ask();
    const image = imageNow();
    restart();
    line.watch(1000);
    line.run(2000);
    epochs.clear();
    restart(image);
    expect(ask()).toMatchObject({ kind: "failed", reason: "forgetful" });
  });

  test("is taken as it is once an operator accepts it", () => {
    const { epochs, ask, imageNow, restart } = keptPair();
    const image = imageNow();
    restart();
    ask();
    restart(image);
    expect(ask()).toMatchObject({ reason: "forgetful" });
    epochs.clear();
    expect(ask()).toMatchObject({ kind: "answer" });
  });
});

describe("a clone", () => {
  test("that runs beside the meter on a copy of its storage is found when both have been heard", () => {
    const { line, ask, imageNow, restart } = keptPair();
    ask();
    const copy = imageNow();
    restart();
    const genuine = line.storage;
    ask();
    line.cutMeter();
    line.startMeter(copy);
    expect(ask()).toMatchObject({ kind: "failed", reason: "forgetful" });
    restart(genuine);
    expect(ask()).toMatchObject({ kind: "answer" });
  });
});

describe("a head-end", () => {
  test("whose process was killed goes on with its session, under numbers that it has not used", () => {
    const { line, sent, nonces, ask } = keptPair();
    ask();
    for (let i = 0; i < 3; i++) {
      line.startHeadEnd();
      const after = ask();
      expect(after).toMatchObject({ kind: "answer" });
      expect(hasHandshake(after.requests)).toBe(false);
      expect(after.requests).toHaveLength(1);
    }
    const numbers = sent.flatMap(({ from, bytes }) => (from === "head-end" ? (numberOf(bytes) ?? []) : []));
    expect(numbers).toEqual([0, 64, 128, 192]);
    expect(nonces.replays).toBe(0);
  });

  test("that ended in order loses no number", () => {
    const { line, sent, ask } = keptPair();
    ask();
    line.client.settle();
    line.startHeadEnd();
    ask();
    const numbers = sent.flatMap(({ from, bytes }) => (from === "head-end" ? (numberOf(bytes) ?? []) : []));
    expect(numbers).toEqual([0, 1]);
  });

  test("that has lost all runs EDHOC at once: two round trips, never a 4.01 without end", () => {
    const { line, files, ask } = keptPair();
    ask();
    files.clear();
    line.startHeadEnd();
    const after = ask();
    expect(after).toMatchObject({ kind: "answer" });
    expect(after.requests).toHaveLength(2);
  });
});

describe("a meter's start", () => {
  test("is told in the first answer of a session and in the challenge after a start, and in nothing else", () => {
    const { sent, ask, restart } = keptPair();
    const answerBytes = () => {
      const before = sent.length;
      ask();
      return sent.slice(before).flatMap(({ from, bytes }) => (from === "meter" ? bytes.length : []));
    };
    const [, first = 0] = answerBytes();
    const [plain = 0] = answerBytes();
    // Option head of three bytes, mark of four, count of one.
    expect(first).toBe(plain + 8);
    restart();
    expect(answerBytes()[1]).toBe(plain);
    expect(answerBytes()).toEqual([plain]);
  });

  test("is nothing that the asker of a reading sees", () => {
    const { ask } = keptPair();
    const first = ask();
    expect(first.kind === "answer" && findOption(first.content, OPTION.epoch)).toBeUndefined();
  });
});

describe("a storage that takes no more", () => {
  test("gives sessions of one block, which EDHOC follows, and no nonce twice", () => {
    const { line, nonces, ask } = keptPair();
    line.storage.failAt({ operation: line.storage.operations + 1, fault: "full", lasting: true });
    const handshakes = Array.from({ length: 150 }, () => ask()).filter(({ requests }) =>
      hasHandshake(requests),
    );
    expect(handshakes).toHaveLength(3);
    expect(nonces.replays).toBe(0);
  });

  test("at a start serves what it has kept to nobody, but by EDHOC", () => {
    const { line, epochs, ask, restart } = keptPair();
    ask();
    const storage = line.storage.afterCut({ bytes: "none", folder: "none" });
    storage.failAt({ operation: 1, fault: "read-only", lasting: true });
    restart(storage);
    // It cannot count this start, and tells of none.
    expect(ask()).toMatchObject({ kind: "failed", reason: "forgetful" });
    epochs.clear();
    expect(ask()).toMatchObject({ kind: "answer" });
  });
});
