// `node --import tsx test/interop/ask.ts CONTEXT HOST:PORT METHOD PATH`: our asking end at another implementation's
// server, with a request of any kind (`--body FILE --format N`, `--option NUMBER=HEX`); `--watch N` for so many
// notifications. Prints what it is told, one JSON a line.
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { TrustList } from "../../firmware/identity/trust.ts";
import type { ClientEvent } from "../../firmware/protocol/asks.ts";
import { fromText, toHex } from "../../firmware/protocol/bytes.ts";
import {
  CODE,
  type CoapContent,
  codeText,
  OPTION,
  resourceRequest,
  sortOptions,
  withoutOptions,
} from "../../firmware/protocol/coap/message.ts";
import { Drive } from "../../firmware/protocol/drive.ts";
import { SecureClient } from "../../firmware/protocol/secure-client.ts";
import { parseAddress } from "../../hal/node/address.ts";
import { opensslEngine } from "../../hal/node/openssl.ts";
import { systemClock } from "../../hal/node/system-clock.ts";
import { systemRandom } from "../../hal/node/system-random.ts";
import { UdpLink } from "../../hal/node/udp-link.ts";
import { holdPreset } from "../../host-tools/cli/preset.ts";
import { identity } from "../support/secured-line.ts";
import { bytesOf } from "./recording.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    body: { type: "string" },
    format: { type: "string" },
    option: { type: "string", multiple: true, default: [] },
    watch: { type: "string", default: "0" },
    within: { type: "string", default: "10000" },
  },
});
const [contextPath = "", at = "", method = "", path = ""] = positionals;
const address = parseAddress(`udp:${at}`);
const code = { GET: CODE.get, PUT: CODE.put, POST: CODE.post, DELETE: CODE.delete, FETCH: CODE.fetch }[
  method
];
if ("error" in address || address.kind !== "udp" || code === undefined)
  throw new Error("usage: ask.ts CONTEXT HOST:PORT GET|PUT|POST|DELETE|FETCH PATH [--body FILE --format N]");

const { preset, release } = await holdPreset(contextPath, "server");
const { link, peer } = await UdpLink.reach(address.host, address.port);
const client = new SecureClient({
  crypto: opensslEngine,
  random: systemRandom,
  traits: link.traits,
  identity: identity("head-end", "H"),
  trust: new TrustList([]),
  preset,
});
const drive = new Drive(client, link, systemClock, take);
const notifications = Number(values.watch);
const withinMs = Number(values.within);
let told = 0;

const nowMs = systemClock.monotonicMs();
const ask = { to: peer, content: request(), untilMs: nowMs + withinMs };
const id = notifications > 0 ? client.watch(nowMs, ask) : client.ask(nowMs, ask);
drive.run();

function request(): CoapContent {
  const body = values.body === undefined ? undefined : new Uint8Array(readFileSync(values.body));
  const content = resourceRequest(code as number, "", body, Number(values.format ?? 0));
  const paths = path.split("/").map((segment) => ({ number: OPTION.uriPath, value: fromText(segment) }));
  const more = values.option.map((option) => {
    const [number, value = ""] = option.split("=");
    return { number: Number(number), value: bytesOf(value) };
  });
  const others = withoutOptions(content, OPTION.uriPath).options;
  return { ...content, options: sortOptions([...paths, ...others, ...more]) };
}

function take(event: ClientEvent): void {
  const content = event.kind === "failed" ? undefined : event.content;
  const answer = content && {
    code: codeText(content.code),
    options: content.options.map(({ number, value }) => [number, toHex(value)]),
    bytes: content.payload.length,
    payload: toHex(content.payload),
  };
  process.stdout.write(
    `${JSON.stringify({ kind: event.kind, ...("reason" in event && event), ...answer })}\n`,
  );
  if (event.kind !== "notification") return end();
  if (++told === notifications && id !== undefined) {
    client.unwatch(systemClock.monotonicMs(), id);
    systemClock.after(1500, end);
  }
}

function end(): void {
  drive.stop();
  link.close();
  release();
}
