import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";

/** A TCP way to a port of this machine that takes only so many bytes, until it is opened. */
export interface SlowProxy {
  readonly port: number;
  /** Bytes that may still go there; no limit where undefined. */
  limitBytes: number | undefined;
  close(): Promise<void>;
}

/** Passes bytes on to `port`; what is above the limit is held back, as by a line that has gone dead. */
export async function slowProxy(port: number): Promise<SlowProxy> {
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(port, "127.0.0.1");
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => {
        sockets.delete(socket);
        near.destroy();
        far.destroy();
      });
    }
    far.pipe(near);
    near.on("data", (data: Buffer) => {
      if (proxy.limitBytes === undefined) return void far.write(data);
      far.write(data.subarray(0, proxy.limitBytes));
      proxy.limitBytes -= Math.min(data.length, proxy.limitBytes);
      if (proxy.limitBytes === 0) near.pause();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const proxy: SlowProxy = {
    port: (server.address() as { port: number }).port,
    limitBytes: undefined,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
  return proxy;
}
