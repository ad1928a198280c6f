import { expect, test } from "vitest";
import type { RelayReading } from "../../../firmware/protocol/readings/relay-reading.ts";
import { relayDocument, relayLines } from "../../../host-tools/cli/relay-output.ts";

const SIZE = { requestBytes: 21, responseBytes: 40, milliseconds: 3 };
const READING: RelayReading = {
  ...{ timeSeconds: 1_795_478_400, status: 0, state: "ready", position: "open", mode: 3 },
  limit: { watts: 2000, seconds: 30 },
  lastOrder: { kind: "connect", operator: "op\u001b[2J", timeSeconds: undefined },
  challenge: new Uint8Array(8),
};

function shown(changes: Partial<RelayReading> = {}) {
  const read = { meter: "M1", body: { ...READING, ...changes }, size: SIZE };
  return { text: relayLines(read).join("\n"), document: relayDocument(read) };
}

test("a relay is told with its state, contacts, limit and last order, and without its challenge", () => {
  const { text, document } = shown();
  expect(text).toContain("ready for reconnection: the button at the meter closes it");
  expect(text).toContain("2000 W for 30 s");
  expect(text).toContain("connect by op\\u{1b}[2J\n");
  expect(document).toMatchObject({
    ...{ meter: "M1", time: "2026-11-24T00:00:00Z", state: "ready", position: "open", agrees: true },
    ...{ limit: { watts: 2000, seconds: 30 }, lastOrder: { order: "connect", time: null } },
  });
  expect(JSON.stringify(document)).not.toContain("challenge");
});

test("contacts that are not where the meter wants them are said, and such as nobody sees are not", () => {
  const welded = shown({ state: "disconnected", position: "closed" });
  expect(welded.document.agrees).toBe(false);
  expect(welded.text).toContain("The contacts are closed although the meter is disconnected");
  const blind = shown({ position: "unknown" });
  expect(blind.document.agrees).toBeNull();
  expect(blind.text).not.toContain("although");
});

test("a meter that has no limit, no order and no time, and is not switched from afar, says so", () => {
  const none = { limit: undefined, lastOrder: undefined, timeSeconds: undefined, mode: 0 } as const;
  const { text, document } = shown(none);
  expect(text).toMatch(/its clock is not set[\s\S]*limit +none[\s\S]*last order +none[\s\S]*not switched/);
  expect(document).toMatchObject({ time: null, limit: null, lastOrder: null });
});
