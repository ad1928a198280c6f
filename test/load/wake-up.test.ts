// What a head-end and fifty meters do as the supply of their street comes back.
import { expect, test } from "vitest";
import { disks, wakeUp } from "./wake-up.ts";

const METERS = 50;
const AFTER_MS = 90_000;

test("fifty meters that come back at once are watched and read within a minute, two handshakes at a time", async () => {
  const figures = await wakeUp({ meters: METERS, afterMs: AFTER_MS, headEnd: "kept" });
  expect(figures).toMatchObject({ starved: 0, handshakes: METERS, handshakesRefused: 0 });
  expect(figures.allBackSeconds).toBeLessThan(65);
  // Two turns, and one that was given up as its line was slow.
  expect(figures.handshakesAtOnce).toBeLessThanOrEqual(3);
  expect(figures.lineShareInASecond).toBeLessThan(1);
  expect(figures.retransmissions).toBeLessThan(0.2 * figures.messages);
});

test("programs that know nothing of each other and begin anew at once make a storm of it", async () => {
  const figures = await wakeUp({ meters: METERS, afterMs: AFTER_MS, headEnd: "hasty" });
  expect(figures.handshakesAtOnce).toBeGreaterThan(10);
  expect(figures.lineShareInASecond).toBeGreaterThan(1.5);
  expect(figures.retransmissions).toBeGreaterThan(0.4 * figures.messages);
});

test("with meters whose sessions outlive the blackout there is no handshake and hardly a copy, and they are back as soon", async () => {
  const figures = await wakeUp({ meters: METERS, afterMs: AFTER_MS, headEnd: "kept", storage: disks() });
  expect(figures).toMatchObject({ starved: 0, handshakes: 0 });
  expect(figures.allBackSeconds).toBeLessThan(65);
  expect(figures.retransmissions).toBeLessThan(0.05 * figures.messages);
});
