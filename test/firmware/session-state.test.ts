// A meter's sessions and starts in its journal.
import { describe, expect, test } from "vitest";
import { Journal, type JournalRecord } from "../../firmware/journal/journal.ts";
import type { CborValue } from "../../firmware/protocol/cbor.ts";
import type { KeptSession } from "../../firmware/protocol/kept-session.ts";
import { SESSION_RULES, SessionState } from "../../firmware/session-state.ts";
import type { AeadName } from "../../hal/ports/crypto.ts";
import type { StorageResult } from "../../hal/ports/storage.ts";
import { MemoryStorage } from "../../hal/storage/memory-storage.ts";

function open(storage: MemoryStorage, isDamaged = false) {
  const found = new Map<number, CborValue>();
  const journal = Journal.open(storage, {
    rules: SESSION_RULES,
    onRecovered: ({ kind, value }) => void found.set(kind, value),
  });
  return new SessionState({ found, isDamaged, append: (records) => journal.append(records) });
}

function session(n: number, aead: AeadName = "AES-CCM-16-64-128"): KeptSession {
  const bytes = (length: number) => new Uint8Array(length).fill(n);
  const keyBytes = aead === "ChaCha20/Poly1305" ? 32 : 16;
  const ids = { senderId: Uint8Array.of(n), recipientId: Uint8Array.of(n + 1, n) };
  const material = { masterSecret: bytes(keyBytes), masterSalt: bytes(8), ...ids, aead };
  const marks = { numbers: 2 ** 40, messages: 2 ** 20, forgeries: 2 ** 14, heard: -1 };
  return { peerHash: bytes(32), material, bornUtcMs: Date.UTC(2026, 10, 24), ...marks };
}

describe("sessions in a journal", () => {
  test("are there after a cut as they were saved last, sixteen of the largest too", () => {
    const storage = new MemoryStorage();
    const sessions = Array.from({ length: 16 }, (_, n) => session(n, "ChaCha20/Poly1305"));
    const state = open(storage);
    expect(state.save([session(99)])).toBe(true);
    expect(state.save(sessions)).toBe(true);
    const after = open(storage.afterCut({ bytes: "none", folder: "none" }));
    expect(after.kept()).toEqual(sessions);
    expect(after.save([...sessions, session(16)])).toBe(true);
    expect(open(storage.afterCut({ bytes: "none", folder: "none" })).kept()).toEqual(sessions);
  });

  test.each<AeadName>(["AES-CCM-16-64-128", "AES-CCM-16-128-128", "A128GCM", "ChaCha20/Poly1305"])(
    "with %s come back whole",
    (aead) => {
      const storage = new MemoryStorage();
      open(storage).save([session(3, aead)]);
      expect(open(storage.afterCut({ bytes: "none", folder: "none" })).kept()).toEqual([session(3, aead)]);
    },
  );

  test("are dropped where something durable was lost, as they may be of before their end", () => {
    const storage = new MemoryStorage();
    open(storage).save([session(1)]);
    expect(open(storage, true).kept()).toEqual([]);
  });

  test.each<[string, CborValue]>([
    ["nothing of it", "no list"],
    ["an item of another form", [[1, 2, 3]]],
    [
      "an AEAD of another firmware",
      [
        [
          new Uint8Array(32),
          new Uint8Array(16),
          new Uint8Array(8),
          new Uint8Array(1),
          new Uint8Array(1),
          99,
          0,
          0,
          0,
          0,
        ],
      ],
    ],
    [
      "a secret of a wrong length",
      [
        [
          new Uint8Array(32),
          new Uint8Array(3),
          new Uint8Array(8),
          new Uint8Array(1),
          new Uint8Array(1),
          10,
          0,
          0,
          0,
          0,
        ],
      ],
    ],
    [
      "a mark that is none",
      [
        [
          new Uint8Array(32),
          new Uint8Array(16),
          new Uint8Array(8),
          new Uint8Array(1),
          new Uint8Array(1),
          10,
          0,
          -1,
          0,
          0,
        ],
      ],
    ],
  ])("that cannot be read are none: %s", (_, value) => {
    const found = new Map<number, CborValue>([[14, value]]);
    expect(new SessionState({ found, isDamaged: false, append: () => "done" }).kept()).toEqual([]);
  });
});

describe("starts", () => {
  test("count up, each durable before anybody can hear of it", () => {
    let storage = new MemoryStorage();
    for (let start = 1; start <= 5; start++) {
      expect(open(storage).starts).toBe(start);
      storage = storage.afterCut({ bytes: "none", folder: "none" });
    }
  });

  test("that cannot be counted are told to nobody", () => {
    const written: (readonly JournalRecord[])[] = [];
    const append = (records: readonly JournalRecord[]): StorageResult => {
      written.push(records);
      return "read-only";
    };
    expect(new SessionState({ found: new Map(), isDamaged: false, append }).starts).toBeUndefined();
    expect(written).toHaveLength(1);
  });
});
