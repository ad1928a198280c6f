// What strangers get of a DAP that is a process, by a socket: `npm run test:commands` has this.
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { EMPTY, fromText, fromUint } from "../../../firmware/protocol/bytes.ts";
import { decodeMessage, encodeMessage } from "../../../firmware/protocol/coap/codec.ts";
import {
  CODE,
  type CoapContent,
  type CoapMessage,
  messageOf,
  OPTION,
  withOptions,
} from "../../../firmware/protocol/coap/message.ts";
import { emptyFolder, meterbench, type Running, startMeterbench, stopAll } from "../../support/command.ts";
import { freePort } from "../../support/free-port.ts";
import { codes, sealedFor } from "../dap/place.ts";

let folder: ReturnType<typeof emptyFolder>;
let cwd: string;
let realPort: number;

async function json(...args: readonly string[]) {
  const { code, stdout, stderr } = await meterbench([...args, "--json"], { cwd });
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return JSON.parse(stdout);
}

async function until(what: () => boolean): Promise<void> {
  const deadlineMs = Date.now() + 20_000;
  while (!what()) {
    if (Date.now() > deadlineMs) throw new Error("it did not come to that");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

describe("strangers at a DAP", () => {
  let meter: Party;
  let stranger: Party;
  let port: number;

  beforeAll(async () => {
    folder = emptyFolder();
    cwd = folder.path;
    realPort = await freePort();
    await startMeterbench(["serve", "--at", `udp:127.0.0.1:${realPort}`], { cwd });
  });
  afterAll(async () => {
    await stopAll();
    folder.remove();
  });

  beforeEach(async () => {
    meter = await party();
    stranger = await party();
    port = await freePort();
  });
  afterEach(() => {
    meter.close();
    stranger.close();
  });

  /** Before M1 and one that is nothing but a socket. */
  async function startNear(...settings: readonly string[]): Promise<Running> {
    const meters = `{ X: "udp:127.0.0.1:${meter.port}", M1: "udp:127.0.0.1:${realPort}" }`;
    writeFileSync(join(cwd, "near.yaml"), `meters: ${meters}\ngroups: { all: [X, M1] }`);
    const own = ["--at", `udp:127.0.0.1:${port}`, "--routes", "near.yaml", "--state", "near"];
    return startMeterbench(["dap", ...own, ...settings], { cwd });
  }

  test("who ask for a group, a bundle or to be kept get 4.01, whoever is its operator elsewhere, and no meter hears of it", async () => {
    const dap = await startNear("--distribute", "fan-out", "--return", "bundle");
    await json("dap-status", `udp:127.0.0.1:${port}`);
    const wishes: readonly CoapContent[] = [
      sealedFor("all"),
      withOptions(sealedFor("all"), { number: OPTION.bundle, value: EMPTY }),
      withOptions(sealedFor("X"), { number: OPTION.bundle, value: Uint8Array.of(1, 2) }),
      withOptions(sealedFor("X"), { number: OPTION.delayTolerance, value: fromUint(3600) }),
    ];
    for (const wish of wishes) stranger.ask(port, wish);
    await until(() => stranger.got.length >= wishes.length);
    expect(codes(stranger.got)).toEqual(wishes.map(() => "4.01"));
    for (const { options, payload } of stranger.got) expect([options, payload]).toEqual([[], EMPTY]);
    expect(meter.got).toEqual([]);
    await dap.stop();
  }, 30_000);

  test("who prove to be a head-end that is not its own are told nothing but that, and what to do", async () => {
    const dap = await startNear();
    const { stdout } = await meterbench(["keys", "credential", ".meterbench/daps/DAP.key.json"], { cwd });
    writeFileSync(join(cwd, "dap.json"), stdout);
    const status = ["dap-status", `udp:127.0.0.1:${port}`, "--dap", "dap.json", "--home", "another"];
    expect(await meterbench(status, { cwd })).toMatchObject({
      code: 4,
      stdout: "",
      stderr: expect.stringContaining(
        "refused this head-end: start the DAP with its credential (dap --trust)",
      ),
    });
    await dap.stop();
  }, 30_000);

  test("who would be passed on to elsewhere, to the DAP itself or round and round are refused, and nothing is sent", async () => {
    const dap = await startNear("--distribute", "fan-out");
    const proxyUri = { number: OPTION.proxyUri, value: fromText(`coap://127.0.0.1:${meter.port}/r`) };
    const proxyScheme = { number: OPTION.proxyScheme, value: fromText("coap") };
    const tries: readonly (readonly [string, CoapContent])[] = [
      ["5.05", withOptions(sealedFor("X"), proxyUri)],
      ["5.05", withOptions(sealedFor("X"), proxyScheme)],
      ["4.04", sealedFor(`127.0.0.1:${meter.port}`)],
      ["4.04", sealedFor("M9")],
      ["5.08", withOptions(sealedFor("X"), { number: OPTION.hopLimit, value: Uint8Array.of(1) })],
      ["4.01", sealedFor("DAP")],
    ];
    for (const [code, content] of tries) {
      stranger.got.length = 0;
      stranger.ask(port, content);
      await until(() => stranger.got.length > 0);
      expect(codes(stranger.got)).toEqual([code]);
    }
    expect(meter.got).toEqual([]);
    await dap.stop();
  }, 30_000);

  test("who ask two DAPs that know the way by each other alone are told so once", async () => {
    const other = await freePort();
    for (const [name, own, next] of [
      ["A", port, other],
      ["B", other, port],
    ] as const) {
      writeFileSync(join(cwd, `${name}.yaml`), `meters: { M1: "udp:127.0.0.1:${next}" }`);
      const dap = ["--at", `udp:127.0.0.1:${own}`, "--id", name, "--routes", `${name}.yaml`];
      await startMeterbench(["dap", ...dap], { cwd });
    }
    stranger.ask(port, sealedFor("M1"));
    await until(() => stranger.got.length > 0);
    await quiet();
    expect(codes(stranger.got)).toEqual(["4.01"]);
    const asked = [port, other].map(async (at) => {
      const { counters } = await json("dap-status", `udp:127.0.0.1:${at}`);
      return counters.requests;
    });
    expect(await Promise.all(asked)).toEqual([1, 0]);
  }, 30_000);

  test("who send answers, ACKs and RSTs of nothing get one RST for a CON, and none of its halves speaks for the other", async () => {
    const dap = await startNear();
    const token = Uint8Array.of(1);
    const words = [
      { type: "ACK", code: CODE.empty },
      { type: "RST", code: CODE.empty },
      { type: "NON", code: CODE.content },
      { type: "ACK", code: CODE.content },
      { type: "CON", code: CODE.content },
      { type: "CON", code: CODE.empty },
    ] as const;
    for (const [i, { type, code }] of words.entries()) {
      const own = { type, messageId: i, token: code === CODE.empty ? EMPTY : token };
      stranger.send(port, messageOf(own, { code, options: [], payload: EMPTY }));
    }
    await until(() => stranger.got.length >= 2);
    await quiet();
    expect(stranger.got.map(({ type, messageId }) => [type, messageId])).toEqual([
      ["RST", 4],
      ["RST", 5],
    ]);
    await dap.stop();
  }, 30_000);

  test("who flood it keep nobody else from his meter", async () => {
    const dap = await startNear("--distribute", "fan-out", "--return", "hold");
    for (let i = 0; i < 5000; i++) {
      stranger.ask(port, i % 2 === 0 ? sealedFor("X") : sealedFor("all"));
      if (i % 100 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    }
    const at = `udp:127.0.0.1:${port}`;
    expect(await json("read", "meter:M1", "1.8.0", "--via", at)).toMatchObject({ meter: "M1" });
    const { held, counters } = await json("dap-status", at);
    expect(held).toBe(0);
    expect(counters["not-allowed"]).toBeGreaterThan(0);
    await dap.stop();
  }, 60_000);
});

/** Long enough for whatever would be said again. */
function quiet(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 1500));
}

/** A socket that says what it is told to, and keeps what it hears. */
interface Party {
  readonly port: number;
  readonly got: CoapMessage[];
  ask(port: number, content: CoapContent): void;
  send(port: number, message: CoapMessage): void;
  close(): void;
}

async function party(): Promise<Party> {
  const socket = createSocket("udp4").bind(0, "127.0.0.1");
  await once(socket, "listening");
  const got: CoapMessage[] = [];
  socket.on("message", (datagram) => {
    const message = decodeMessage(datagram);
    if (!("error" in message)) got.push(message);
  });
  let messageId = 0;
  const send = (port: number, message: CoapMessage) => socket.send(encodeMessage(message), port, "127.0.0.1");
  return {
    ...{ port: socket.address().port, got, send },
    ask(port, content) {
      messageId++;
      send(port, messageOf({ type: "CON", messageId, token: fromUint(messageId) }, content));
    },
    close: () => socket.close(),
  };
}
