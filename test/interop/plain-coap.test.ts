// Clients without any security at a meter of ours: they get its links and a refusal, and nothing else.
import coap from "coap";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { decodeError } from "../../firmware/protocol/edhoc/messages.ts";
import { emptyFolder, run, startMeterbench, stopAll } from "../support/command.ts";
import { freePort } from "../support/free-port.ts";
import { programPath } from "../support/pty-pair.ts";

const LINKS = '</r>,</p>,</e>,</c>,</t>,</s>,</g>,</l>,</i>,</x>,</k>;rt="core.edhoc"';
/** `true` and no message_1 (RFC 9528 A.2), and no CBOR at all. */
const NO_HANDSHAKES = [Buffer.from([0xf5, 0x6e, 0x6f]), Buffer.from([0xff, 0x00])];

let folder: ReturnType<typeof emptyFolder>;
let port: number;

beforeAll(async () => {
  folder = emptyFolder();
  port = await freePort();
  const at = `udp:127.0.0.1:${port}`;
  await startMeterbench(["serve", "--at", at, "--load", "watts:1000"], { cwd: folder.path });
});

afterAll(async () => {
  await stopAll();
  folder.remove();
});

describe("the npm package coap", () => {
  let agent: InstanceType<typeof coap.Agent>;

  beforeAll(() => {
    agent = new coap.Agent({ type: "udp4" });
  });
  afterAll(() => agent.close());

  interface Question {
    readonly method: "GET" | "POST" | "PUT" | "FETCH";
    readonly path: string;
    readonly query?: string;
    readonly options?: Readonly<Record<string, string | Buffer>>;
    readonly body?: Buffer;
  }

  function ask({ method, path, query, options = {}, body }: Question): Promise<coap.IncomingMessage> {
    const request = coap.request({
      host: "127.0.0.1",
      port,
      agent,
      method,
      pathname: path,
      ...(query !== undefined && { query }),
    });
    for (const [name, value] of Object.entries(options)) request.setOption(name, value);
    return new Promise((resolve, reject) => {
      request.once("response", resolve);
      request.once("error", reject);
      request.end(body);
    });
  }

  test("gets the links", async () => {
    const { code, payload, headers } = await ask({ method: "GET", path: "/.well-known/core" });
    expect({ code, links: payload.toString(), format: headers["Content-Format"] }).toEqual({
      code: "2.05",
      links: LINKS,
      format: "application/link-format",
    });
  });

  test("gets the links that its query asks for (RFC 6690 4.1)", async () => {
    const filtered = async (query: string): Promise<string> =>
      (await ask({ method: "GET", path: "/.well-known/core", query })).payload.toString();
    expect(await filtered("rt=core.edhoc")).toBe('</k>;rt="core.edhoc"');
    expect(await filtered("href=/*")).toBe(LINKS);
    expect(await filtered("rt=nothing")).toBe("");
  });

  test("gets the links in no other format, and nothing under a critical option that nobody knows", async () => {
    const path = "/.well-known/core";
    const otherFormat = await ask({ method: "GET", path, options: { Accept: "application/json" } });
    expect(otherFormat.code).toBe("4.06");
    const unknown = await ask({ method: "GET", path, options: { "65001": Buffer.from("x") } });
    expect(unknown.code).toBe("4.02");
  });

  test.each([
    { method: "GET", path: "/r" },
    { method: "FETCH", path: "/r", body: Buffer.from([0x81, 0x00]) },
    { method: "GET", path: "/i" },
    { method: "FETCH", path: "/p", body: Buffer.from([0x80]) },
    { method: "GET", path: "/nothing" },
    { method: "PUT", path: "/.well-known/core", body: Buffer.from("x") },
    { method: "GET", path: "/.well-known/edhoc" },
  ] as const)("is refused at $method $path without a word", async (question) => {
    const { code, payload } = await ask(question);
    expect({ code, payload: payload.toString() }).toEqual({ code: "4.01", payload: "" });
  });

  test.each([
    { path: "/k", body: NO_HANDSHAKES[0] },
    { path: "/.well-known/edhoc", body: NO_HANDSHAKES[0] },
    { path: "/k", body: NO_HANDSHAKES[1] },
  ])("gets an EDHOC error for what is no handshake at $path", async ({ path, body }) => {
    const { code, payload, headers } = await ask({ method: "POST", path, ...(body && { body }) });
    // 64 is application/edhoc+cbor-seq, which this package has no name for; ERR_CODE 1 is RFC 9528 6.2.
    expect({ code, format: headers["Content-Format"] }).toEqual({ code: "4.00", format: 64 });
    expect(decodeError(payload)).toMatchObject({ code: 1 });
  });
});

/** Debian's package libcoap3-bin names its client by what it was built with. */
const CLIENT = ["coap-client-notls", "coap-client", "coap-client-openssl"].find(programPath);

describe.skipIf(CLIENT === undefined)(
  `Debian's libcoap client${CLIENT === undefined ? " (libcoap3-bin is not installed here)" : ""}`,
  () => {
    const ask = (path: string, ...more: readonly string[]) =>
      run(CLIENT ?? "", ["-B", "5", ...more, `coap://127.0.0.1:${port}/${path}`]);

    test("gets the links", async () => {
      expect(await ask(".well-known/core")).toMatchObject({ code: 0, stdout: `${LINKS}\n` });
    });

    test("is refused at r with 4.01, by GET as by FETCH", async () => {
      expect((await ask("r")).stderr).toMatch(/4\.01/);
      expect((await ask("r", "-m", "fetch", "-t", "60", "-e", "%81%00")).stderr).toMatch(/4\.01/);
    });

    test("gets an EDHOC error for garbage", async () => {
      const { stderr } = await ask(".well-known/edhoc", "-m", "post", "-t", "65", "-e", "%F5garbage");
      expect(stderr).toMatch(/4\.00/);
    });
  },
);
