import { describe, expect, test } from "vitest";
import { decodeMessage } from "../../firmware/protocol/coap/codec.ts";
import { CODE } from "../../firmware/protocol/coap/message.ts";
import { SeededRandom, uniform } from "../../hal/emulated/seeded-random.ts";
import { opensslEngine } from "../../hal/node/openssl.ts";
import type { CryptoEngine } from "../../hal/ports/crypto.ts";
import { bestArea } from "./classifier.ts";
import { CAUSES, RefusingMeter } from "./refusals.ts";

describe("a wrong tag, an unknown kid and a replay", () => {
  test("get one code and one size, and cost one decryption each; their times are a script's: npm run timings", () => {
    let opened = 0;
    const counting: CryptoEngine = {
      ...opensslEngine,
      open: (...sealed) => {
        opened++;
        return opensslEngine.open(...sealed);
      },
    };
    const meter = new RefusingMeter(counting);
    while (meter.server.nextEvent() !== undefined);
    const reasons = CAUSES.map((cause) => {
      opened = 0;
      const datagram = meter.datagram(cause);
      expect(datagram).toHaveLength(26);
      const reply = meter.reply(datagram) ?? new Uint8Array(0);
      expect(decodeMessage(reply)).toMatchObject({ code: CODE.unauthorized, payload: new Uint8Array(0) });
      expect([cause, reply.length, opened]).toEqual([cause, 5, 1]);
      const event = meter.server.nextEvent();
      return event?.kind === "refused" && event.reason;
    });
    expect(reasons).toEqual(["decrypt", "unknown-kid", "replay"]);
  });
});

describe("the classifier", () => {
  const random = new SeededRandom("classifier");
  const draw = (): number => uniform(random) + uniform(random) + uniform(random);
  const times = (): number[] => Array.from({ length: 3000 }, draw);

  test("does not tell apart what is drawn alike", () => {
    expect(bestArea(times(), times())).toBeLessThan(0.53);
  });

  test("tells what is a little longer, and what is as long but wider", () => {
    const shifted = times().map((time) => time + 0.2);
    const wider = times().map((time) => 1.5 + 2 * (time - 1.5));
    expect(bestArea(times(), shifted)).toBeGreaterThan(0.58);
    expect(bestArea(times(), wider)).toBeGreaterThan(0.6);
  });
});
