// Whoever would like a meter to have signed something else.
import { describe, expect, test } from "vitest";
import { signSign1 } from "../../firmware/protocol/cose/sign1.ts";
import {
  encodeStatement,
  STATEMENT_CONTEXT,
  type Statement,
} from "../../firmware/protocol/readings/statement.ts";
import type { StatedMonth } from "../../firmware/protocol/readings/statement-request.ts";
import { opensslEngine } from "../../hal/node/openssl.ts";
import { MemoryStorage } from "../../hal/storage/memory-storage.ts";
import { checkChain, type SignedStatement, verifyStatement } from "../../host-tools/head-end/statements.ts";
import { settle } from "../../host-tools/world/single-line.ts";
import { identity } from "../support/secured-line.ts";
import { attackedMeter } from "./attacked-meter.ts";

const HOUR_MS = 3_600_000;
const CHALLENGE = new Uint8Array(16).fill(9);

type World = ReturnType<typeof attackedMeter>;

function ask({ clock, headEnd, target }: World, month?: StatedMonth, challenge = CHALLENGE) {
  const request = { challenge, registers: ["1-0:1.8.0*255"], ...(month !== undefined && { month }) };
  return settle(clock, headEnd.readStatement(target, request));
}

/** A meter with a storage that has come into December. */
function meterInDecember(storage = new MemoryStorage()): World {
  const startUtcMs = Date.UTC(2026, 10, 30, 22);
  const world = attackedMeter({ storage, startUtcMs, pollIntervalMs: 60_000 });
  world.clock.advanceBy(3 * HOUR_MS);
  return world;
}

/** The meter's own key, as a thief of it would have it. */
const meter = identity("meter", "M1", "thief");
const credential = meter.credential;

function signed(more: Partial<Statement> = {}, context = STATEMENT_CONTEXT, by = meter): SignedStatement {
  const statement: Statement = {
    ...{ serialNumber: "T-1", id: "M1", sequence: 1, previous: new Uint8Array(), challenge: CHALLENGE },
    ...{ timeSeconds: 1_795_478_400, status: 0, clockStatus: 0, month: undefined },
    entries: [{ register: "1-0:1.8.0*255", quality: "measured", value: 7, unit: "Wh", scaler: 0 }],
    ...more,
  };
  const payload = encodeStatement(statement);
  const bytes = signSign1(opensslEngine, by.signingSecretKey, context, payload);
  return { statement, payload, bytes };
}

const faultOf = (bytes: Uint8Array, of = credential) => {
  const verified = verifyStatement(opensslEngine, bytes, of);
  return "fault" in verified ? verified.fault : undefined;
};

describe("a statement", () => {
  test("with any bit of it changed, cut anywhere, or with more behind it proves nothing", () => {
    const { bytes } = signed();
    expect(faultOf(bytes)).toBeUndefined();
    for (let bit = 0; bit < 8 * bytes.length; bit++) {
      const changed = bytes.slice();
      changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
      expect(faultOf(changed)).toBeDefined();
    }
    for (let length = 0; length < bytes.length; length++)
      expect(faultOf(bytes.slice(0, length))).toBeDefined();
    expect(faultOf(Uint8Array.of(...bytes, 0))).toBe("is no signed statement");
    expect(faultOf(new Uint8Array(100_000))).toBe("is no signed statement");
  });

  test("of another meter, by another meter's key or in its name, is not this one's", () => {
    const other = identity("meter", "M2");
    expect(faultOf(signed({ id: "M2" }, STATEMENT_CONTEXT, other).bytes)).toMatch(
      /of M2, and this credential is of M1/,
    );
    expect(faultOf(signed({}, STATEMENT_CONTEXT, other).bytes)).toMatch(/not signed by the key of M1/);
    const twin = identity("meter", "M1", "M2").credential;
    expect(faultOf(signed().bytes, twin)).toMatch(/not signed by the key of M1/);
  });

  test("is not made of what the key has signed for another use, and a key for sessions makes none", () => {
    expect(faultOf(signed({}, new Uint8Array()).bytes)).toMatch(/not signed/);
    const { signingKey: _, ...without } = credential;
    expect(faultOf(signed().bytes, without)).toMatch(/no key that signs/);
    const { publicKey } = credential.key;
    expect(faultOf(signed().bytes, { ...credential, signingKey: publicKey })).toMatch(/not signed/);
  });

  test("of one month is not given for another, nor of one that is not over", async () => {
    const world = meterInDecember();
    const november = await ask(world, { year: 2026, month: 11 });
    const { statement } = november.body;
    expect(statement.month).toMatchObject({ year: 2026, month: 11, flags: 0 });
    expect(statement.month?.endSeconds).toBe(Date.UTC(2026, 11, 1) / 1000);
    expect(statement.month?.afterSeconds).toBe(statement.month?.endSeconds);
    for (const month of [
      { year: 2026, month: 10 },
      { year: 2026, month: 12 },
    ])
      await expect(ask(world, month)).rejects.toThrow("4.04");
    const [{ body: first }, { body: second }] = [await ask(world), await ask(world)];
    expect(first.statement.month).toBeUndefined();
    expect([november.body, first, second].map((body) => body.statement.sequence)).toEqual([1, 2, 3]);
    expect(checkChain(opensslEngine, [second, november.body, first])).toEqual({ gaps: [] });
    world.stop();
  });
});

describe("statements of one meter", () => {
  test("say of a month what they said before, whatever power cut came after it", async () => {
    const storage = new MemoryStorage();
    const november = { year: 2026, month: 11 };
    const before = await ask(meterInDecember(storage), november);
    const left = storage.afterCut({ bytes: "none", folder: "none" });
    const after = attackedMeter({ storage: left, startUtcMs: Date.UTC(2026, 11, 2) });
    const again = await ask(after, november);
    const { entries, month } = before.body.statement;
    // Two hours of 1 kW, as far as the part has counted them.
    expect(entries).toMatchObject([{ quality: "measured", value: 1999 }]);
    expect(again.body.statement).toMatchObject({ entries, month, sequence: 2 });
  });

  test("hang together over a power cut, and a number is not given twice", async () => {
    const storage = new MemoryStorage();
    const before = attackedMeter({ storage });
    const first = await ask(before);
    // Nothing but what was durable when the answer went out is left.
    const after = attackedMeter({ storage: storage.afterCut({ bytes: "none", folder: "none" }) });
    const second = await ask(after);
    expect(second.body.statement.sequence).toBe(2);
    expect(checkChain(opensslEngine, [first.body, second.body])).toEqual({ gaps: [] });
  });

  test("count once, also one whose answer is lost and asked for again", async () => {
    let lost = 0;
    const world = attackedMeter({
      storage: new MemoryStorage(),
      between: (bytes, towards) =>
        towards === "head-end" && bytes.length > 150 && lost++ === 0 ? [] : [bytes],
    });
    const [first, second] = [await ask(world), await ask(world)];
    expect(lost).toBe(3);
    expect([first, second].map(({ body }) => body.statement.sequence)).toEqual([1, 2]);
    expect(checkChain(opensslEngine, [first.body, second.body])).toEqual({ gaps: [] });
  });

  test("show which are not at hand, and one that was put in, left out unseen, or made twice", () => {
    const first = signed();
    const previous = opensslEngine.sha256(first.payload);
    const second = signed({ sequence: 2, previous });
    const fourth = signed({ sequence: 4, previous });
    const chain = (...all: SignedStatement[]) => checkChain(opensslEngine, all);
    expect(chain(fourth, first, first)).toEqual({ gaps: [{ from: 2, to: 3 }] });
    expect(chain(first, second)).toEqual({ gaps: [] });
    expect(chain(first, signed({ sequence: 2 }))).toEqual({
      fault: expect.stringContaining("does not follow"),
    });
    expect(chain(second, signed({ sequence: 2, previous, timeSeconds: 1_795_478_401 }))).toEqual({
      fault: expect.stringContaining("number 2 is on two statements that differ"),
    });
  });

  test("are none where nothing is kept, or nothing can be", async () => {
    await expect(ask(attackedMeter())).rejects.toThrow("a meter without storage makes no statements");
    const storage = new MemoryStorage();
    const world = attackedMeter({ storage });
    await ask(world);
    storage.failAt({ operation: storage.operations + 1, fault: "full", lasting: true });
    await expect(ask(world)).rejects.toThrow("5.03");
    expect(await ask(world).catch((error: unknown) => error)).toBeInstanceOf(Error);
  });
});
