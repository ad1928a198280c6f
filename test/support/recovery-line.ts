// A board whose loader waits at its recovery console, at one end of a serial line in virtual time, and flashers at the other.
import { expect } from "vitest";
import { RecoveryConsole } from "../../firmware/update/recovery-console.ts";
import { FaultyLink } from "../../hal/emulated/faulty-link.ts";
import { SeededRandom } from "../../hal/emulated/seeded-random.ts";
import { uartPair } from "../../hal/emulated/uart-pair.ts";
import { VirtualClock } from "../../hal/emulated/virtual-clock.ts";
import { SlipmuxLink } from "../../hal/modems/slipmux/driver.ts";
import { opensslEngine } from "../../hal/node/openssl.ts";
import type { Link } from "../../hal/ports/link.ts";
import { MemoryFileTree } from "../../hal/storage/memory-file-tree.ts";
import { AskedBoard } from "../../host-tools/flash/asked-board.ts";
import { recoveryAsker } from "../../host-tools/flash/board-askers.ts";
import { readFlashImage } from "../../host-tools/flash/image-file.ts";
import { PlainAsker } from "../../host-tools/flash/plain-asker.ts";
import type { FlashImage } from "../../host-tools/flash/target.ts";
import { slotsOn } from "../firmware/update/board.ts";

export function flashImage(bytes: Uint8Array): FlashImage {
  const image = readFlashImage(opensslEngine, bytes);
  return "refusal" in image ? expect.fail(image.why) : image;
}

export interface RecoveryLineOptions {
  readonly baud?: number;
  /** Of datagrams each way, 0 to 1. */
  readonly loss?: number;
  readonly patienceMs?: number;
  /** What the board has; nothing unless given. */
  readonly tree?: MemoryFileTree;
}

/** A board in recovery at one end of a line, a flasher at the other. */
export function recoveryLine({
  baud = 115_200,
  loss = 0,
  patienceMs,
  tree = new MemoryFileTree(),
}: RecoveryLineOptions = {}) {
  const clock = new VirtualClock();
  const random = new SeededRandom(7);
  const lossy = (link: Link, name: string): Link =>
    new FaultyLink(link, clock, random.fork(name), { lose: loss });
  const [boardUart, flasherUart] = uartPair(clock, { baud, dataBits: 8, parity: "none", stopBits: 1 });
  const boardLink = relistened(lossy(new SlipmuxLink(boardUart, {}), "board"));
  const flasherLink = relistened(lossy(new SlipmuxLink(flasherUart, {}), "flasher"));
  const board = { tree, restarts: 0, starts: 0 };
  let end = (): void => {};
  const start = (): void => {
    const slots = slotsOn(board.tree, { isAtRest: true });
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
    /** The flasher's end of the line, as bytes. */
    uart: flasherUart,
    report: () => slotsOn(board.tree).report(),
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
