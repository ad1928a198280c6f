import { expect, test } from "vitest";
import { airBoundMs } from "../../../host-tools/world/air-bound.ts";
import { airPair, FAR, NEAR } from "../../support/xbee.ts";

const REGISTERS = { bitsPerSecond: 50_000, requestsBytes: [27], answersBytes: [32] };

test("50 meters' registers over one hop at 50 kbit/s take 2.936 s on the air, over two twice that", () => {
  // A packet of n bytes: 60 around it, 11 of acknowledgement, 48 bits to turn round, the same with n = 0 back.
  const bits = 8 * (60 + 27 + 11) + 48 + 8 * 71 + 48 + (8 * (60 + 32 + 11) + 48 + 8 * 71 + 48);
  expect(airBoundMs({ ...REGISTERS, meters: 1, hops: 1 })).toBeCloseTo(bits / 50, 9);
  expect(airBoundMs({ ...REGISTERS, meters: 50, hops: 1 })).toBeCloseTo(2936, 9);
  expect(airBoundMs({ ...REGISTERS, meters: 50, hops: 2 })).toBeCloseTo(2 * 2936, 9);
});

test("an exchange by emulated modules takes no less, and what it takes more are UARTs and waits", () => {
  const { clock, near, far } = airPair();
  const beganMs = clock.monotonicMs();
  let answeredMs: number | undefined;
  far.link.listen({ datagram: () => far.link.send(NEAR, new Uint8Array(32)) });
  near.link.listen({
    datagram: () => {
      answeredMs = clock.monotonicMs();
    },
  });
  near.link.send(FAR, new Uint8Array(27));
  clock.runUntil(() => answeredMs !== undefined, 5000);
  // The acknowledgement of the answer is on the air after it has come.
  const lastAcknowledgementMs = (8 * 71 + 48) / 50;
  const boundMs = airBoundMs({ ...REGISTERS, meters: 1, hops: 1 }) - lastAcknowledgementMs;
  expect((answeredMs ?? 0) - beganMs).toBeGreaterThan(boundMs);
  // Four waits of at most 7 times 80 bits, and 177 characters at 115200 baud.
  expect((answeredMs ?? 0) - beganMs).toBeLessThan(boundMs + 4 * 11.2 + 16);
});
