// `--metrics HOST:PORT`: numbers over HTTP, for whoever collects them.
import { createServer, type Server } from "node:http";
import { parseAddress } from "../../hal/node/address.ts";
import { socketError } from "../../hal/node/line-error.ts";
import { usageFault } from "./fault.ts";

/** Version 0.0.4 is what all of Prometheus' collectors read. */
const TYPE = "text/plain; version=0.0.4; charset=utf-8";
/** Whoever holds a connection open without asking. */
const PATIENCE_MS = 5000;

/** Serves what `text` gives at /metrics, and nothing else. Rejects with a LineError. */
export async function serveMetrics(place: string, text: () => string): Promise<{ close(): void }> {
  const { host, port } = placeOf(place);
  const server = createServer((request, response) => {
    const isRight = request.method === "GET" && request.url === "/metrics";
    response.writeHead(isRight ? 200 : 404, { "content-type": TYPE, connection: "close" });
    response.end(isRight ? text() : "");
  });
  server.requestTimeout = PATIENCE_MS;
  server.headersTimeout = PATIENCE_MS;
  await listening(server, host, port, place);
  return {
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** A port alone is this machine's own. */
function placeOf(text: string): { host: string; port: number } {
  const address = parseAddress(`tcp:${/^\d+$/.test(text) ? `127.0.0.1:${text}` : text}`);
  if ("error" in address || address.kind !== "tcp")
    throw usageFault(`${text} is no place for metrics: give --metrics HOST:PORT, such as 127.0.0.1:9100.`);
  return address;
}

function listening(server: Server, host: string, port: number, place: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error) => reject(socketError(`Cannot serve metrics at ${place}`, error)));
    server.listen(port, host, resolve);
  });
}
