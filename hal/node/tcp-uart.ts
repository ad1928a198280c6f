import { once } from "node:events";
import { createServer, connect as openSocket, type Socket } from "node:net";
import type { Uart, UartSettings } from "../ports/uart.ts";
import { socketError } from "./line-error.ts";
import { type Connection, connectStreams, LineUart, type StallRule } from "./line-uart.ts";
import { hostAndPort, resolveHost } from "./network.ts";
import { openAndReopen } from "./reopen.ts";

/** The kernel's buffers are full for so long: the peer has stopped reading, or is gone. */
const STALL: StallRule = { patienceMs: () => 5000, reaction: "give-up" };

/** A connection that is not there by then is tried anew, so that a host that comes up is soon found. */
const CONNECT_WITHIN_MS = 2000;

/** Small frames leave at once; a peer that vanished without a word is found out sooner or later. */
const SOCKET_OPTIONS = { noDelay: true, keepAlive: true, keepAliveInitialDelay: 30_000 };

/**
 * A peer that has been silent for so long may be dead without having said so, and gives way to a newer one:
 * longer than a meter takes to answer, so that newcomers break no exchange, and short for a reader that
 * comes back.
 */
const SILENCE_MS = 2000;

/**
 * Listens at a TCP port for the bytes of a line. One peer at a time: a newer one replaces a peer that has
 * sent nothing for 2 s, and is closed at once otherwise. Down while there is none. Rejects with a
 * LineError where it cannot listen. `settings` are what the line counts as; TCP itself has none.
 */
export async function serveTcpUart(host: string, port: number, settings: UartSettings): Promise<Uart> {
  const { address } = await resolveHost(host);
  const server = createServer(SOCKET_OPTIONS);
  const uart = new LineUart(settings, STALL, { lost: () => {}, closed: () => server.close() });
  let heardAtMs = Number.NEGATIVE_INFINITY;
  server.on("connection", (socket) => {
    if (uart.state === "open" && performance.now() - heardAtMs < SILENCE_MS) {
      socket.destroy();
      return;
    }
    const heard = (): void => {
      heardAtMs = performance.now();
    };
    heard();
    uart.opened(socketConnection(uart, socket.on("data", heard)));
  });
  try {
    server.listen(port, address);
    await once(server, "listening");
  } catch (error) {
    throw socketError(`Cannot listen at tcp:${hostAndPort(host, port)}`, error);
  }
  // Accepting can fail while the process has no file descriptors left; the next peer may fare better.
  server.on("error", () => {});
  return uart;
}

/**
 * Connects to the bytes of a line at a TCP port, as ser2net serves them, and again when the
 * connection breaks. Down while nobody answers there, from the start or later; rejects with a
 * LineError only where the host has no address.
 */
export async function reachTcpUart(host: string, port: number, settings: UartSettings): Promise<Uart> {
  const { address } = await resolveHost(host);
  return openAndReopen(settings, STALL, (line) => connect(line, address, port), "retry");
}

async function connect(line: LineUart, host: string, port: number): Promise<Connection> {
  const socket = openSocket({ host, port, ...SOCKET_OPTIONS });
  try {
    await once(socket, "connect", { signal: AbortSignal.timeout(CONNECT_WITHIN_MS) });
  } catch (error) {
    socket.destroy();
    throw socketError(`Cannot connect to tcp:${hostAndPort(host, port)}`, error);
  }
  return socketConnection(line, socket);
}

function socketConnection(line: LineUart, socket: Socket): Connection {
  return connectStreams(line, socket, socket, () => socket.destroy());
}
