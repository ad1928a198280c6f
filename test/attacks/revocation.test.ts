// Those who were trusted once: meters and head-ends that are taken out while the other end runs.
import { describe, expect, test } from "vitest";
import { CODE } from "../../firmware/protocol/coap/message.ts";
import { decodeCcs } from "../../firmware/protocol/cose/credential.ts";
import { MemoryStorage } from "../../hal/storage/memory-storage.ts";
import { identity } from "../support/secured-line.ts";
import { attackedMeter } from "./attacked-meter.ts";
import { asNew, BODY, HEAD_END, isMessage3, messageOf, meterOf, Village } from "./village.ts";

const HEAD = identity("head-end", "H");

describe("a head-end that is taken out while the meter runs", () => {
  test("has no session from then on, gets none, and what it sent before is nobody's", () => {
    const village = new Village({ headEnd: HEAD });
    village.ask();
    village.ask();
    const recorded = village.sent.findLast(({ from }) => from === HEAD_END)?.bytes;
    const { served, trust } = village.meter();
    expect(trust.revoke("H")).toBe(true);
    const before = served.length;
    expect(village.ask()).toMatchObject({ kind: "failed", reason: "refused" });
    expect(village.refusals()).toEqual(["unknown-kid", "unknown-credential", "unknown-credential"]);
    expect(messageOf(village.injectAndListen(asNew(recorded))[0]).code).toBe(CODE.unauthorized);
    expect(village.refusals().at(-1)).toBe("unknown-kid");
    expect(served).toHaveLength(before);
  });

  test("does not come back with a restart of the meter, which trusts it by its list again", async () => {
    const storage = new MemoryStorage();
    const before = attackedMeter({ storage });
    await before.read();
    await before.read();
    const recorded = before.requests.at(-1);
    expect(before.runtime.revoke("head-end")).toBe(true);
    before.stop();
    const after = attackedMeter({ storage, startUtcMs: before.clock.utcMs() ?? 0 });
    expect(messageOf(after.inject(asNew(recorded))[0]).code).toBe(CODE.unauthorized);
  });

  test("between message_2 and message_3 does not complete its handshake", () => {
    const village = new Village({ headEnd: HEAD });
    village.between = (packet) => {
      if (isMessage3(packet)) village.meter().trust.revoke("H");
      return [packet];
    };
    expect(village.ask()).toMatchObject({ kind: "failed" });
    expect(village.refusals()).toContain("unknown-credential");
    expect(village.sessions()).toBe(0);
    expect(village.meter().served).toEqual([]);
  });

  test("by a new list that it is not on is out too, and comes back as a stranger", () => {
    const village = new Village({ headEnd: HEAD });
    village.ask();
    const { trust } = village.meter();
    trust.replace([identity("head-end", "successor").credential]);
    expect(village.ask()).toMatchObject({ kind: "failed", reason: "refused" });
    trust.replace([HEAD.credential]);
    expect(village.ask()).toMatchObject({ kind: "answer", handshake: { proved: { id: "M1" } } });
    expect(village.sessions()).toBe(2);
  });

  test("keeps its session over a new list that has the same credential, read anew", () => {
    const village = new Village({ headEnd: HEAD });
    village.ask();
    const same = decodeCcs(HEAD.credential.bytes.slice());
    if (same === undefined) throw new Error("no credential");
    village.meter().trust.replace([identity("head-end", "successor").credential, same]);
    expect(village.ask()).not.toHaveProperty("handshake");
    expect(village.sessions()).toBe(1);
  });

  test("of a whole meter reads nothing more, and is logged as one that failed to prove itself", async () => {
    const meter = attackedMeter();
    await meter.read();
    expect(meter.runtime.revoke("head-end")).toBe(true);
    expect(meter.runtime.revoke("head-end")).toBe(false);
    await expect(meter.read()).rejects.toMatchObject({ kind: "identity" });
    expect(meter.logged()).toContain("authentication-failed");
  });
});

describe("a meter that is taken out while the head-end runs", () => {
  const meters = { A: meterOf("A"), B: meterOf("B") };

  test("is not spoken to again, whatever session it had, and others keep theirs", () => {
    const village = new Village({ meters });
    for (const name of ["A", "B"]) village.ask(name, BODY, { expect: name });
    village.trust.revoke("A");
    const before = village.sent.length;
    expect(village.ask("A", BODY, { expect: "A" })).toMatchObject({ kind: "failed", reason: "not-proved" });
    expect(village.sent).toHaveLength(before);
    expect(village.ask("B", BODY, { expect: "B" })).not.toHaveProperty("handshake");
  });

  test("while its answer is on the way is not believed any more", () => {
    const village = new Village({ meters });
    village.ask("A", BODY, { expect: "A" });
    village.between = (packet) => {
      if (packet.from === "A") village.trust.revoke("A");
      return [packet];
    };
    expect(village.ask("A", BODY, { expect: "A" })).toMatchObject({ kind: "failed", reason: "not-proved" });
  });

  test("between message_1 and the first answer does not complete its handshake", () => {
    for (const nth of [1, 2]) {
      const village = new Village({ meters });
      let answers = 0;
      village.between = (packet) => {
        if (packet.from === "A" && ++answers === nth) village.trust.revoke("A");
        return [packet];
      };
      expect(village.ask("A", BODY, { expect: "A" })).toMatchObject({ kind: "failed", reason: "not-proved" });
    }
  });
});
