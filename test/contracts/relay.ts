import { describe, expect, test } from "vitest";
import type { Relay } from "../../hal/ports/relay.ts";

/** A relay under test whose contacts obey, and time for them. */
export interface RelayFixture {
  readonly relay: Relay;
  /** Lets `settleMs` pass. */
  settle(): Promise<void> | void;
  close(): void;
}

/** What any Relay does while nothing about it is broken; `senses` where the board has a feedback. */
export function relayContract(name: string, senses: boolean, make: () => RelayFixture): void {
  describe(`${name} is a Relay`, () => {
    const withRelay = async (run: (fixture: RelayFixture) => Promise<void> | void): Promise<void> => {
      const fixture = make();
      try {
        await run(fixture);
      } finally {
        fixture.close();
      }
    };

    test("asking for the position changes nothing, and gives one of its words", () =>
      withRelay(({ relay }) => {
        expect(["closed", "open", "unknown"]).toContain(relay.position());
        expect(relay.position()).toBe(relay.position());
        expect(relay.settleMs).toBeGreaterThanOrEqual(0);
      }));

    test("is where it was driven to once it has settled, and stays there", () =>
      withRelay(async ({ relay, settle }) => {
        for (const to of ["open", "closed", "open"] as const) {
          expect(relay.drive(to)).toBe("driven");
          await settle();
          expect(relay.position()).toBe(senses ? to : "unknown");
          await settle();
          expect(relay.position()).toBe(senses ? to : "unknown");
        }
      }));

    test("driven to where it is, it stays there", () =>
      withRelay(async ({ relay, settle }) => {
        for (let i = 0; i < 2; i++) {
          expect(relay.drive("open")).toBe("driven");
          await settle();
          expect(relay.position()).toBe(senses ? "open" : "unknown");
        }
      }));

    test("driven twice in a row, it ends where it was driven last", () =>
      withRelay(async ({ relay, settle }) => {
        relay.drive("open");
        relay.drive("closed");
        await settle();
        expect(relay.position()).toBe(senses ? "closed" : "unknown");
      }));

    test("after close it cannot be driven and its position is unknown; closing twice does nothing", () =>
      withRelay(({ relay }) => {
        relay.close();
        relay.close();
        expect(relay.drive("open")).toBe("failed");
        expect(relay.position()).toBe("unknown");
      }));
  });
}
