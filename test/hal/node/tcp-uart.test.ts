import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { reachTcpUart, serveTcpUart } from "../../../hal/node/tcp-uart.ts";
import type { Uart } from "../../../hal/ports/uart.ts";
import { uartContract, uartInterruptionContract } from "../../contracts/uart.ts";
import { freePort } from "../../support/free-port.ts";
import { PTY_SETTINGS } from "../../support/pty-pair.ts";
import { settle, sleep, until } from "../../support/real-time.ts";

const toDo: (() => void)[] = [];

afterEach(() => {
  for (const clean of toDo.splice(0).reverse()) clean();
});

function keep<Made extends Uart>(uart: Made): Made {
  toDo.push(() => uart.close());
  return uart;
}

async function tcpPair() {
  const port = await freePort();
  const served = await serveTcpUart("127.0.0.1", port, PTY_SETTINGS);
  const reached = await reachTcpUart("127.0.0.1", port, PTY_SETTINGS);
  await until(() => served.state === "open");
  return { served, reached, port };
}

/** A line that is served, and what it heard. */
async function heardServer() {
  const port = await freePort();
  const served = keep(await serveTcpUart("127.0.0.1", port, PTY_SETTINGS));
  const events: (string | number[])[] = [];
  served.listen({ bytes: (bytes) => events.push([...bytes]), state: (state) => events.push(state) });
  return { port, served, events };
}

/** A way to a port that can be cut in the middle; whoever goes it again finds it whole. */
async function relayTo(target: number) {
  const port = await freePort();
  const open = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(target, "127.0.0.1");
    for (const socket of [near, far]) {
      open.add(socket);
      socket.on("error", () => {}).on("close", () => open.delete(socket));
    }
    near.pipe(far).pipe(near);
  });
  await once(server.listen(port, "127.0.0.1"), "listening");
  const cut = () => {
    for (const socket of open) socket.destroy();
  };
  const close = () => {
    cut();
    server.close();
  };
  return { port, cut, close };
}

async function rawPeer(port: number): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  toDo.push(() => socket.destroy());
  socket.on("error", () => {});
  await once(socket, "connect");
  return socket;
}

uartContract("TCP, the end that is served", async () => {
  const { served, reached } = await tcpPair();
  return { near: served, far: reached, settle };
});

uartContract("TCP, the end that is reached", async () => {
  const { served, reached } = await tcpPair();
  return { near: reached, far: served, settle };
});

uartInterruptionContract("TCP, the end that is reached", async () => {
  const port = await freePort();
  const served = await serveTcpUart("127.0.0.1", port, PTY_SETTINGS);
  const path = await relayTo(port);
  const reached = await reachTcpUart("127.0.0.1", path.port, PTY_SETTINGS);
  await until(() => served.state === "open");
  return { near: reached, far: served, settle, interrupt: path.cut, restore: () => {}, close: path.close };
});

describe("a line over TCP that is served", () => {
  test("is down while there is no peer", async () => {
    const { served, reached } = await tcpPair();
    keep(served);
    expect(served.state).toBe("open");
    reached.close();
    expect(await until(() => served.state === "down")).toBe(true);
    expect(served.write(Uint8Array.of(1))).toBe("down");
  });

  test("keeps a peer that is talking, and closes newcomers at once, however many they are", async () => {
    const { port, events } = await heardServer();
    const older = await rawPeer(port);
    await until(() => events.length === 1);
    for (let i = 0; i < 25; i++) {
      const newer = await rawPeer(port);
      newer.write(Uint8Array.of(99));
      expect(await until(() => newer.destroyed)).toBe(true);
      older.write(Uint8Array.of(i));
      await until(() => events.length === i + 2);
    }
    expect(events).toEqual(["open", ...Array.from({ length: 25 }, (_, i) => [i])]);
  });

  test("keeps a peer that talks now and then for as long as it does", async () => {
    const { port, events } = await heardServer();
    const older = await rawPeer(port);
    for (let i = 0; i < 3; i++) {
      await sleep(1200);
      older.write(Uint8Array.of(i));
      await until(() => events.length === i + 2);
    }
    const newer = await rawPeer(port);
    expect(await until(() => newer.destroyed)).toBe(true);
    expect(events).toEqual(["open", [0], [1], [2]]);
  });

  test("leaves a peer that has been silent for 2 s for a newer one, and never mixes their bytes", async () => {
    const { served, port, events } = await heardServer();
    const older = await rawPeer(port);
    older.write(Uint8Array.of(1));
    await until(() => events.length === 2);
    await sleep(2100);
    const newer = await rawPeer(port);
    await until(() => events.length === 4);
    older.write(Uint8Array.of(2));
    newer.write(Uint8Array.of(3));
    served.write(Uint8Array.of(4));
    const [answer] = (await once(newer, "data")) as [Uint8Array];
    await until(() => events.length === 5);
    expect(events).toEqual(["open", [1], "down", "open", [3]]);
    expect([...answer]).toEqual([4]);
    expect(await until(() => older.destroyed)).toBe(true);
  });

  test("says so where another program has the port", async () => {
    const port = await freePort();
    keep(await serveTcpUart("127.0.0.1", port, PTY_SETTINGS));
    await expect(serveTcpUart("127.0.0.1", port, PTY_SETTINGS)).rejects.toThrow(
      `Cannot listen at tcp:127.0.0.1:${port}: another program has that port; stop it or choose another port.`,
    );
  });

  test("says so where the address is another machine's", async () => {
    await expect(serveTcpUart("192.0.2.1", 5683, PTY_SETTINGS)).rejects.toThrow(
      "Cannot listen at tcp:192.0.2.1:5683: this machine has no such address; " +
        "use one of its own, 127.0.0.1 or 0.0.0.0.",
    );
  });

  test("frees its port when it is closed", async () => {
    const port = await freePort();
    const first = await serveTcpUart("127.0.0.1", port, PTY_SETTINGS);
    await rawPeer(port);
    await until(() => first.state === "open");
    first.close();
    keep(await serveTcpUart("127.0.0.1", port, PTY_SETTINGS));
  });
});

describe("a line over TCP that is reached", () => {
  test("is down while nobody listens there, and open soon after somebody does", async () => {
    const port = await freePort();
    const reached = keep(await reachTcpUart("127.0.0.1", port, PTY_SETTINGS));
    expect(reached.state).toBe("down");
    keep(await serveTcpUart("127.0.0.1", port, PTY_SETTINGS));
    expect(await until(() => reached.state === "open", 2000)).toBe(true);
  });

  test("connects again to a server that was restarted", async () => {
    const { served, reached, port } = await tcpPair();
    keep(reached);
    served.close();
    await until(() => reached.state === "down");
    const again = keep(await serveTcpUart("127.0.0.1", port, PTY_SETTINGS));
    expect(await until(() => reached.state === "open", 2000)).toBe(true);
    const heard: number[] = [];
    again.listen({ bytes: (bytes) => heard.push(...bytes) });
    await until(() => again.state === "open");
    reached.write(Uint8Array.of(5));
    await until(() => heard.length > 0);
    expect(heard).toEqual([5]);
  });

  test("says so where the host has no address", async () => {
    const host = `${"a".repeat(64)}.invalid`;
    await expect(reachTcpUart(host, 5683, PTY_SETTINGS)).rejects.toThrow(`Cannot find the host ${host}: `);
  });
});
