// A board whose loader waits at its recovery console is flashed over its serial line, whatever happens on the way.
import { describe, expect, test } from "vitest";
import {
  CODE,
  type CoapContent,
  codeText,
  OPTION,
  resourceRequest,
  withOptions,
} from "../../../firmware/protocol/coap/message.ts";
import { encodeInstallOrder } from "../../../firmware/protocol/readings/update-part.ts";
import { BoardSlots } from "../../../firmware/update/board-slots.ts";
import { RecoveryConsole } from "../../../firmware/update/recovery-console.ts";
import { FaultyLink } from "../../../hal/emulated/faulty-link.ts";
import { SeededRandom } from "../../../hal/emulated/seeded-random.ts";
import { uartPair } from "../../../hal/emulated/uart-pair.ts";
import { VirtualClock } from "../../../hal/emulated/virtual-clock.ts";
import { SlipmuxLink } from "../../../hal/modems/slipmux/driver.ts";
import { unpack } from "../../../hal/node/brotli.ts";
import { opensslEngine } from "../../../hal/node/openssl.ts";
import type { Link } from "../../../hal/ports/link.ts";
import { MemoryFileTree } from "../../../hal/storage/memory-file-tree.ts";
import { AskedBoard } from "../../../host-tools/flash/asked-board.ts";
import { recoveryAsker } from "../../../host-tools/flash/board-askers.ts";
import { readFlashImage } from "../../../host-tools/flash/image-file.ts";
import { PlainAsker } from "../../../host-tools/flash/plain-asker.ts";
import type { FlashImage } from "../../../host-tools/flash/target.ts";
import { settle } from "../../../host-tools/world/single-line.ts";
import { AUTHOR, author, FACTS, type Files, filesOf, imageOf } from "../../firmware/update/images.ts";

/** As large as a real one: a bundle and a native module that do not pack well. */
const LARGE: Files = {
  ...filesOf(8),
  "prebuilds/linux-arm64/node.napi.glibc.node": new SeededRandom("native").bytes(60_000),
};

function flashImage(bytes: Uint8Array): FlashImage {
  const image = readFlashImage(opensslEngine, bytes);
  return "refusal" in image ? expect.fail(image.why) : image;
}

const SMALL = flashImage(imageOf(8));
const WHOLE = flashImage(imageOf(8, { files: LARGE }));

interface Options {
  readonly baud?: number;
  /** Of datagrams each way, 0 to 1. */
  readonly loss?: number;
  readonly patienceMs?: number;
}

/** A board in recovery at one end of a line, a flasher at the other. */
function world({ baud = 115_200, loss = 0, patienceMs }: Options = {}) {
  const clock = new VirtualClock();
  const random = new SeededRandom(7);
  const lossy = (link: Link, name: string): Link =>
    new FaultyLink(link, clock, random.fork(name), { lose: loss });
  const [boardUart, flasherUart] = uartPair(clock, { baud, dataBits: 8, parity: "none", stopBits: 1 });
  const boardLink = relistened(lossy(new SlipmuxLink(boardUart, {}), "board"));
  const flasherLink = relistened(lossy(new SlipmuxLink(flasherUart, {}), "flasher"));
  const board = { tree: new MemoryFileTree(), restarts: 0, starts: 0 };
  let end = (): void => {};
  const start = (): void => {
    const slots = new BoardSlots({
      ...{ tree: board.tree, crypto: opensslEngine, authors: [AUTHOR.credential], facts: FACTS, unpack },
      isAtRest: true,
    });
    const restart = (): void => void board.restarts++;
    const own = random.fork(`board ${board.starts++}`);
    const console = new RecoveryConsole({ link: boardLink(), clock, random: own, slots, restart });
    end = () => console.stop();
  };
  start();
  let flashers = 0;
  return {
    clock,
    board,
    report: () =>
      new BoardSlots({
        ...{ tree: board.tree, crypto: opensslEngine, authors: [AUTHOR.credential], facts: FACTS, unpack },
      }).report(),
    /** The supply is gone, and back after a while; what was not synced may be lost. */
    cut(forMs: number) {
      end();
      boardLink().listen({ datagram: () => {} });
      clock.after(forMs, () => {
        board.tree = board.tree.afterCut({ bytes: "torn", folder: "none" });
        start();
      });
    },
    /** A program of its own each time. */
    flasher() {
      const link = flasherLink();
      const asker = new PlainAsker({ link, clock, random: random.fork(`flasher ${flashers++}`) });
      const parts = { asker, name: "serial:/dev/ttyUSB0", clock };
      return { asker, target: new AskedBoard(recoveryAsker(parts), { ...(patienceMs && { patienceMs }) }) };
    },
  };
}

/** A line whose end is another program's each time that it is taken. */
function relistened(link: Link): () => Link {
  let receive: Parameters<Link["listen"]>[0] | undefined;
  link.listen({ datagram: (...arrived) => receive?.datagram(...arrived) });
  return () => ({
    traits: link.traits,
    counters: link.counters,
    send: (...sent) => link.send(...sent),
    listen(listener) {
      receive = listener;
    },
    close: () => {},
  });
}

describe("a board at its recovery console", () => {
  test("gets its first image, which is the current one at once, and begins anew", async () => {
    const { clock, flasher, board, report } = world();
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
    const { clock, flasher, cut, report } = world({ baud: 9600, loss: 0.1 });
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
    const { clock, flasher, report } = world({ baud: 9600 });
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
    const { clock, flasher } = world();
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
    const { clock, flasher, cut } = world({ patienceMs: 30_000 });
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
    const { clock, flasher, report } = world();
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

describe("the recovery console", () => {
  /** What a request is answered; undefined for silence. */
  async function ask(content: CoapContent): Promise<string> {
    const { clock, flasher } = world();
    const answer = await settle(clock, flasher().asker.ask(content, 5000));
    return typeof answer === "string" ? answer : codeText(answer.code);
  }

  test("has no other door: every path of a meter is 4.04, and so is EDHOC", async () => {
    for (const path of ["r", "p", "e", "c", "t", "s", "g", "l", "i", "x", "k", "d"])
      for (const code of [CODE.get, CODE.fetch, CODE.put, CODE.post, CODE.delete])
        expect(await ask(resourceRequest(code, path, Uint8Array.of(0)))).toBe("4.04");
    expect(await ask(resourceRequest(CODE.delete, "u"))).toBe("4.05");
  });

  test("tells its one link, refuses to be a proxy, and does not know OSCORE", async () => {
    const links = resourceRequest(CODE.get, ".well-known");
    const core = withOptions(links, { number: OPTION.uriPath, value: new TextEncoder().encode("core") });
    const { clock, flasher } = world();
    const answer = await settle(clock, flasher().asker.ask(core, 5000));
    expect(typeof answer === "string" ? answer : new TextDecoder().decode(answer.payload)).toBe("</u>");
    const get = resourceRequest(CODE.get, "u");
    expect(await ask(withOptions(get, { number: OPTION.proxyUri, value: Uint8Array.of(65) }))).toBe("5.05");
    expect(await ask(withOptions(get, { number: OPTION.oscore, value: Uint8Array.of(9, 0, 1) }))).toBe(
      "4.02",
    );
  });

  test("takes no body beyond one part, and keeps nothing of it", async () => {
    expect(await ask(resourceRequest(CODE.put, "u", new Uint8Array(20_000)))).toBe("4.13");
  });

  test("answers what is no part and no order with 4.00", async () => {
    expect(await ask(resourceRequest(CODE.put, "u", encodeInstallOrder(new Uint8Array(32))))).toBe("4.00");
    expect(await ask(resourceRequest(CODE.post, "u", new Uint8Array(40)))).toBe("4.00");
  });
});
