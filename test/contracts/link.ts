import { describe, expect, test } from "vitest";
import type { Link, Station } from "../../hal/ports/link.ts";

/** Two links that reach each other and damage nothing, fresh for each test. */
export interface LinkFixture {
  readonly near: Link;
  readonly far: Link;
  /** How `far` names `near`. */
  readonly nearStation: Station;
  /** How `near` names `far`. */
  readonly farStation: Station;
  /**
   * Lets time pass until `done`, or gives up after a while that is ample; without `done`, until all
   * that is under way has surely arrived.
   */
  settle(done?: () => boolean): Promise<void> | void;
  /** Ends what the fixture started; the links may be closed already. */
  close?(): Promise<void> | void;
}

/** More than any bounded queue takes, or, where there is none to fill, enough to see it go on. */
const FLOOD_SENDS = 2000;

/** What any Link does on a line without faults, in virtual or real time. */
export function linkContract(name: string, make: () => LinkFixture | Promise<LinkFixture>): void {
  describe(`${name} is a Link`, () => {
    test("datagrams of all sizes up to the MTU arrive whole, both ways, from the right station", async () => {
      await withFixture(make, async ({ near, far, nearStation, farStation, settle }) => {
        const atNear = collect(near);
        const atFar = collect(far);
        const sizes = [1, 2, 63, 64, 257, near.traits.mtuBytes].filter((n) => n <= near.traits.mtuBytes);
        for (const [i, size] of sizes.entries()) {
          expect(near.send(farStation, pattern(size, 1))).toBe("queued");
          expect(far.send(nearStation, pattern(size, 2))).toBe("queued");
          await settle(() => atNear.length > i && atFar.length > i);
        }
        expect(atFar).toEqual(sizes.map((size) => [nearStation, pattern(size, 1)]));
        expect(atNear).toEqual(sizes.map((size) => [farStation, pattern(size, 2)]));
      });
    });

    test("a datagram over the MTU is refused, never cut", async () => {
      await withFixture(make, async ({ near, far, farStation, settle }) => {
        const atFar = collect(far);
        expect(near.send(farStation, pattern(near.traits.mtuBytes + 1, 1))).toBe("too-long");
        await settle();
        expect(atFar).toEqual([]);
        expect(near.counters.sentDatagrams).toBe(0);
      });
    });

    test("datagrams are counted at both ends", async () => {
      await withFixture(make, async ({ near, far, farStation, settle }) => {
        const atFar = collect(far);
        for (let i = 0; i < 3; i++) near.send(farStation, pattern(10, i));
        await settle(() => atFar.length === 3);
        expect(near.counters.sentDatagrams).toBe(3);
        expect(far.counters.receivedDatagrams).toBe(3);
        expect(Object.values(far.counters.rejected).filter((count) => count > 0)).toEqual([]);
      });
    });

    test("send never calls a listener from inside itself", async () => {
      await withFixture(make, async ({ near, far, farStation, settle }) => {
        let sending = false;
        let reentered = false;
        let answers = 0;
        near.listen({
          datagram: () => {
            reentered ||= sending;
            answers++;
          },
        });
        far.listen({ datagram: (from, bytes) => far.send(from, bytes) });
        sending = true;
        near.send(farStation, pattern(5, 1));
        sending = false;
        await settle(() => answers === 1);
        expect({ reentered, answers }).toEqual({ reentered: false, answers: 1 });
      });
    });

    test("a second listener is refused", async () => {
      await withFixture(make, ({ near }) => {
        collect(near);
        expect(() => near.listen({ datagram: () => {} })).toThrow();
      });
    });

    test("a flood is taken or refused, never thrown, and the link carries on after it", async () => {
      await withFixture(make, async ({ near, far, farStation, settle }) => {
        const atFar = collect(far);
        let taken = 0;
        for (let i = 0; i < FLOOD_SENDS; i++) {
          const sent = near.send(farStation, pattern(60, i));
          expect(["queued", "busy"]).toContain(sent);
          if (sent === "queued") taken++;
        }
        await settle(() => atFar.length === taken);
        expect(atFar.length).toBeLessThanOrEqual(taken);
        const before = atFar.length;
        expect(near.send(farStation, pattern(61, 1))).toBe("queued");
        await settle(() => atFar.length > before);
        expect(atFar.at(-1)?.[1]).toEqual(pattern(61, 1));
      });
    });

    test("sending to a station that is none throws nothing and reaches nobody", async () => {
      await withFixture(make, async ({ near, far, settle }) => {
        const atFar = collect(far);
        expect(near.send("nobody", pattern(4, 1))).toBe("down");
        await settle();
        expect(atFar).toEqual([]);
      });
    });

    test("a closed link is down and hears nothing", async () => {
      await withFixture(make, async ({ near, far, nearStation, farStation, settle }) => {
        const atNear = collect(near);
        collect(far);
        far.send(nearStation, pattern(4, 1));
        near.close();
        expect(near.send(farStation, pattern(4, 1))).toBe("down");
        await settle();
        expect(atNear).toEqual([]);
        expect(() => near.close()).not.toThrow();
      });
    });
  });
}

async function withFixture(
  make: () => LinkFixture | Promise<LinkFixture>,
  run: (fixture: LinkFixture) => Promise<void> | void,
): Promise<void> {
  const fixture = await make();
  try {
    await run(fixture);
  } finally {
    fixture.near.close();
    fixture.far.close();
    await fixture.close?.();
  }
}

function collect(link: Link): [from: Station, datagram: Uint8Array][] {
  const received: [from: Station, datagram: Uint8Array][] = [];
  link.listen({ datagram: (from, datagram) => received.push([from, datagram]) });
  return received;
}

/** Bytes of all values, different for each `salt`. */
function pattern(length: number, salt: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 5 + salt * 13 + 0xbe) & 0xff);
}
