// What a head-end and fifty meters behind one DAP do as their supply comes back.
import { expect, test } from "vitest";
import { blackout } from "./blackout.ts";
import { disks } from "./wake-up.ts";

test("fifty meters behind one DAP prove themselves anew within half a minute of a blackout, one handshake each", async () => {
  const figures = await blackout({ south: "rs485" });
  expect(figures).toMatchObject({ read: 50, handshakes: 50, handshakesRefused: 0 });
  expect(figures.seconds).toBeLessThan(30);
  expect(figures.datagramsInASecond).toBeLessThan(60);
  expect(figures.copies).toBeLessThan(0.5 * figures.datagrams);
});

test("meters whose sessions outlive the blackout are read without a handshake", async () => {
  const figures = await blackout({ south: "ip", meters: 10, storage: disks() });
  expect(figures).toMatchObject({ read: 10, handshakes: 0, copies: 0 });
});
