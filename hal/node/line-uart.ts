import type { Readable, Writable } from "node:stream";
import type { Uart, UartListener, UartSettings, UartState, UartWrite } from "../ports/uart.ts";

/** Bytes that may wait to leave: a few of the longest frames. More would only make answers late. */
const TRANSMIT_QUEUE_BYTES = 8192;

/** One life of a line, from its opening to its loss. */
export interface Connection {
  /** Hands bytes on and calls `taken` later, once the operating system has them all. */
  write(bytes: Uint8Array, taken: () => void): void;
  /** Ends this life; harmless when it is over. */
  end(): void;
}

/**
 * What to do when the operating system takes no bytes any more. A line that paces its bytes or that
 * only one program can have is given up and opened again. On one where readers come and go,
 * nobody reads, and as on a real line with nobody there the bytes are lost: when the queue is full
 * and its first write has been stuck for `patienceMs`, what waits makes room for newer bytes.
 */
export interface StallRule {
  /** Longest time that a write of so many bytes can take on a sound line, in milliseconds. */
  patienceMs(bytes: number): number;
  readonly reaction: "give-up" | "discard";
}

/** Whoever opens the connections of a {@link LineUart}. */
export interface LineOwner {
  /** The connection is gone; a new one is wanted unless the line is closed by now. */
  lost(): void;
  /** The line is given up for good. */
  closed(): void;
}

type Line =
  | { readonly is: "open"; readonly connection: Connection; readonly queue: TransmitQueue }
  | { readonly is: "down" }
  | { readonly is: "closed" };

/**
 * A UART over connections that come and go. At most one is current: bytes of any other are
 * dropped, so that those of two peers never mix. A write over 8192 bytes is always `busy`; bytes
 * that arrive before `listen` are lost.
 */
export class LineUart implements Uart {
  readonly settings: UartSettings;
  readonly #stall: StallRule;
  readonly #owner: LineOwner;
  #line: Line = { is: "down" };
  #listener: UartListener | undefined;

  constructor(settings: UartSettings, stall: StallRule, owner: LineOwner) {
    this.settings = settings;
    this.#stall = stall;
    this.#owner = owner;
  }

  get state(): UartState {
    return this.#line.is === "open" ? "open" : "down";
  }

  write(bytes: Uint8Array): UartWrite {
    return this.#line.is === "open" ? this.#line.queue.write(bytes) : "down";
  }

  listen(listener: UartListener): void {
    if (this.#listener !== undefined) throw new Error("a UART has one listener");
    this.#listener = listener;
  }

  close(): void {
    const line = this.#line;
    if (line.is === "closed") return;
    this.#line = { is: "closed" };
    if (line.is === "open") end(line);
    this.#owner.closed();
  }

  /** Makes `connection` the current one, in place of any other. A closed line ends it at once. */
  opened(connection: Connection): void {
    if (this.#line.is === "open") this.#goDown(this.#line);
    if (this.#line.is === "closed") {
      connection.end();
      return;
    }
    const giveUp = () => this.lost(connection);
    this.#line = { is: "open", connection, queue: new TransmitQueue(connection, this.#stall, giveUp) };
    this.#listener?.state?.("open");
  }

  /** Bytes that came by `connection`; they are copied. */
  received(connection: Connection, bytes: Uint8Array): void {
    if (this.#line.is !== "open" || this.#line.connection !== connection) return;
    this.#listener?.bytes(new Uint8Array(bytes));
  }

  /** The connection broke; saying so again does nothing. */
  lost(connection: Connection): void {
    if (this.#line.is !== "open" || this.#line.connection !== connection) return;
    this.#goDown(this.#line);
    this.#owner.lost();
  }

  #goDown(line: Line & { is: "open" }): void {
    this.#line = { is: "down" };
    end(line);
    this.#listener?.state?.("down");
  }
}

/**
 * A connection of `line` over a pair of streams, or over one that is both; `end` ends the streams,
 * and may be called more than once.
 */
export function connectStreams(
  line: LineUart,
  input: Readable,
  output: Writable,
  end: () => void,
): Connection {
  const connection: Connection = {
    write: (bytes, taken) => {
      // A failed write shows as the stream's own error.
      output.write(bytes, (error) => error ?? taken());
    },
    end,
  };
  const lost = () => line.lost(connection);
  input.on("data", (bytes: Uint8Array) => line.received(connection, bytes));
  for (const stream of new Set([input, output])) stream.on("error", lost).on("close", lost);
  return connection;
}

function end(line: Line & { is: "open" }): void {
  line.queue.stop();
  line.connection.end();
}

/** What waits to leave by one connection, handed on one write at a time. */
class TransmitQueue {
  readonly #connection: Connection;
  readonly #stall: StallRule;
  readonly #giveUp: () => void;
  readonly #waiting: Uint8Array[] = [];
  #bytes = 0;
  #leaving: { readonly bytes: number; readonly stuckAtMs: number } | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(connection: Connection, stall: StallRule, giveUp: () => void) {
    this.#connection = connection;
    this.#stall = stall;
    this.#giveUp = giveUp;
  }

  write(bytes: Uint8Array): "queued" | "busy" {
    if (bytes.length === 0) return "queued";
    if (this.#bytes + bytes.length > TRANSMIT_QUEUE_BYTES) this.#discardStale();
    if (this.#bytes + bytes.length > TRANSMIT_QUEUE_BYTES) return "busy";
    this.#waiting.push(bytes);
    this.#bytes += bytes.length;
    if (this.#leaving === undefined) this.#sendNext();
    return "queued";
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#waiting.length = 0;
  }

  #discardStale(): void {
    if (this.#stall.reaction !== "discard" || this.#leaving === undefined) return;
    if (performance.now() < this.#leaving.stuckAtMs) return;
    this.#waiting.length = 0;
    this.#bytes = this.#leaving.bytes;
  }

  #sendNext(): void {
    const bytes = this.#waiting.shift();
    if (bytes === undefined) return;
    const patienceMs = this.#stall.patienceMs(bytes.length);
    this.#leaving = { bytes: bytes.length, stuckAtMs: performance.now() + patienceMs };
    if (this.#stall.reaction === "give-up") this.#timer = setTimeout(this.#giveUp, patienceMs);
    this.#connection.write(bytes, () => {
      clearTimeout(this.#timer);
      this.#leaving = undefined;
      this.#bytes -= bytes.length;
      this.#sendNext();
    });
  }
}
