// A board whose loader waits at its recovery console is flashed over its serial line, whatever happens on the way.
import { describe, expect, test } from "vitest";
import { SeededRandom } from "../../../hal/emulated/seeded-random.ts";
import { settle } from "../../../host-tools/world/single-line.ts";
import { author, type Files, filesOf, imageOf } from "../../firmware/update/images.ts";
import { flashImage, recoveryLine } from "../../support/recovery-line.ts";

/** As large as a real one: a bundle and a native module that do not pack well. */
const LARGE: Files = {
  ...filesOf(8),
  "prebuilds/linux-arm64/node.napi.glibc.node": new SeededRandom("native").bytes(60_000),
};

const SMALL = flashImage(imageOf(8));
const WHOLE = flashImage(imageOf(8, { files: LARGE }));

describe("a board at its recovery console", () => {
  test("gets its first image, which is the current one at once, and begins anew", async () => {
    const { clock, flasher, board, report } = recoveryLine();
    const { target } = flasher();
    const progress: number[] = [];
    const uploaded = await settle(
      clock,
      target.upload(WHOLE, (done) => progress.push(done)),
    );
    expect(uploaded).toEqual({ bytes: WHOLE.bytes.length, resumedAt: 0 });
    expect(progress.at(-1)).toBe(WHOLE.bytes.length);
    expect(await settle(clock, target.activate(WHOLE.digest))).toEqual({
      ...{ slot: "a", sequence: 8, armed: false, starts: false },
    });
    expect(report()).toMatchObject({ current: "a", floor: 8, slots: { a: { state: "confirmed" } } });
    clock.advanceBy(2000);
    expect(board.restarts).toBe(1);
  });

  test("takes an image at a tenth lost each way and with its supply cut five times, from where it was each time", async () => {
    const { clock, flasher, cut, report } = recoveryLine({ baud: 9600, loss: 0.1 });
    const { target } = flasher();
    for (const atMs of [5000, 16_000, 30_000, 41_000, 60_000]) clock.after(atMs, () => cut(1500));
    const uploaded = await settle(
      clock,
      target.upload(WHOLE, () => {}),
    );
    expect(uploaded.bytes).toBeLessThan(WHOLE.bytes.length * 2);
    await settle(clock, target.activate(WHOLE.digest));
    expect(report()).toMatchObject({ current: "a", slots: { a: { state: "confirmed", sequence: 8 } } });
  });

  test("goes on where it was for another flasher, after the first one has died", async () => {
    const { clock, flasher, report } = recoveryLine({ baud: 9600 });
    const first = flasher();
    const died = first.target.upload(WHOLE, () => {}).catch(() => "died");
    await settle(clock, new Promise<void>((resolve) => void clock.after(30_000, resolve)));
    first.asker.close();
    const second = flasher().target;
    const uploaded = await settle(
      clock,
      second.upload(WHOLE, () => {}),
    );
    expect(uploaded.resumedAt).toBeGreaterThan(10_000);
    expect(uploaded.resumedAt + uploaded.bytes).toBe(WHOLE.bytes.length);
    await settle(clock, second.activate(WHOLE.digest));
    expect(report().current).toBe("a");
    await Promise.race([died, undefined]);
  });

  test("that was flashed already is not sent the image again, and says so again", async () => {
    const { clock, flasher } = recoveryLine();
    const { target } = flasher();
    await settle(
      clock,
      target.upload(SMALL, () => {}),
    );
    const installed = await settle(clock, target.activate(SMALL.digest));
    const again = flasher().target;
    expect(
      await settle(
        clock,
        again.upload(SMALL, () => {}),
      ),
    ).toEqual({
      ...{ bytes: 0, resumedAt: SMALL.bytes.length },
    });
    expect(await settle(clock, again.activate(SMALL.digest))).toEqual(installed);
  });

  test("that is not there is given up when patience ends, with what to do", async () => {
    const { clock, flasher, cut } = recoveryLine({ patienceMs: 30_000 });
    const { target } = flasher();
    cut(10_000_000);
    await expect(
      settle(
        clock,
        target.upload(SMALL, () => {}),
      ),
    ).rejects.toThrow(
      "No recovery console answers at serial:/dev/ttyUSB0: start the board with its recovery flag, or check the line and its baud rate.",
    );
  });

  test("refuses what nobody that it knows has signed by the first part", async () => {
    const { clock, flasher, report } = recoveryLine();
    const forged = flashImage(imageOf(8, { files: LARGE, author: author("mallory") }));
    const { target } = flasher();
    await expect(
      settle(
        clock,
        target.upload(forged, () => {}),
      ),
    ).rejects.toMatchObject({
      ...{ kind: "identity", refusal: "signature" },
    });
    expect(report()).toMatchObject({ slots: {} });
    expect(report().incoming).toBeUndefined();
  });
});
