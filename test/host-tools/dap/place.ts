// A DAP in virtual time between plain CoAP clients and plain CoAP meters, which show all that comes to them.

import type { Identity } from "../../../firmware/identity/identity.ts";
import { TrustList } from "../../../firmware/identity/trust.ts";
import type { ClientEvent } from "../../../firmware/protocol/asks.ts";
import { concat, fromText } from "../../../firmware/protocol/bytes.ts";
import type { RequestOptions } from "../../../firmware/protocol/coap/client.ts";
import { decodeMessage } from "../../../firmware/protocol/coap/codec.ts";
import {
  CODE,
  type CoapContent,
  type CoapMessage,
  codeText,
  OPTION,
  resourceRequest,
  withOptions,
} from "../../../firmware/protocol/coap/message.ts";
import { type WholeEvent, WholeMessages } from "../../../firmware/protocol/coap/outer/whole-messages.ts";
import { Drive } from "../../../firmware/protocol/drive.ts";
import { SecureClient } from "../../../firmware/protocol/secure-client.ts";
import { Backhaul, type CarriedDatagram, FAR_END } from "../../../hal/emulated/backhaul.ts";
import { SeededRandom } from "../../../hal/emulated/seeded-random.ts";
import { VirtualClock } from "../../../hal/emulated/virtual-clock.ts";
import { opensslEngine } from "../../../hal/node/openssl.ts";
import type { Link, LinkListener, LinkTraits, Station } from "../../../hal/ports/link.ts";
import { MemoryStorage } from "../../../hal/storage/memory-storage.ts";
import { Dap, type DapParts } from "../../../host-tools/dap/dap.ts";
import { Routes } from "../../../host-tools/dap/forward/routes.ts";
import { decodeStatus } from "../../../host-tools/dap/operator/status.ts";
import { identity } from "../../support/secured-line.ts";

const START_MS = Date.UTC(2026, 10, 24);

/** A DAP's own side, run by head-end H. */
const HEAD_END = identity("head-end", "H");
export const DAP_PARTIES = {
  crypto: opensslEngine,
  identity: identity("dap", "DAP"),
  trust: new TrustList([HEAD_END.credential]),
};

export interface PlaceOptions {
  readonly meters?: readonly string[];
  readonly groups?: Readonly<Record<string, readonly string[]>>;
  readonly north?: Partial<LinkTraits>;
  readonly south?: Partial<LinkTraits>;
  readonly seed?: number;
  readonly dap?: Partial<DapParts>;
  /** Sees what goes over the line to the meters. */
  readonly southTap?: (carried: CarriedDatagram) => void;
}

/** What a meter does with a request; undefined leaves it without any sign. */
export type Serve = (request: CoapMessage, meter: string) => CoapContent | "later" | undefined;

export interface PlainMeter {
  readonly requests: CoapMessage[];
  /** Requests answered with "later", oldest first: called with the answer. */
  readonly later: ((answer: CoapContent) => void)[];
  readonly coap: WholeMessages;
  run(): void;
}

export interface PlainClient {
  /** Codes and payloads of the answers, in order. */
  readonly answers: CoapMessage[];
  readonly events: WholeEvent[];
  /** Every datagram that came in. */
  readonly received: Uint8Array[];
  send(content: CoapContent, options?: Partial<RequestOptions>): number | undefined;
  cancel(request: number): void;
  raw(datagram: Uint8Array): void;
}

/** Puts a DAP of two links there; each meter is a station of its name on the second. */
export function place(options: PlaceOptions = {}) {
  const { meters = ["M1"], groups = {}, seed = 1 } = options;
  const clock = new VirtualClock({ utcMs: START_MS });
  const random = new SeededRandom(seed);
  const north = new Backhaul(clock, { roundTripMs: 20, ...options.north });
  const south = new Backhaul(clock, { roundTripMs: 20, ...options.south }, options.southTap);
  const routes = new Routes(
    meters.map((alias) => ({ alias, line: 0, station: alias })),
    groups,
  );
  let starts = 0;
  const settings = { thirdParty: false, distribute: "fan-out", return: "forward", holdSeconds: 300 } as const;
  const parts = {
    ...{
      clock,
      north: reopenable(north.farEnd),
      lines: [reopenable(south.farEnd)],
      names: ["south"],
      routes,
    },
    ...{ settings, parties: DAP_PARTIES, storage: new MemoryStorage() },
    ...options.dap,
  };
  const newDap = (more: Partial<DapParts> = {}): Dap =>
    new Dap({ ...parts, random: random.fork(`dap ${starts++}`), ...more });
  return {
    ...{ clock, north, south, routes },
    dap: newDap(),
    newDap,
    meter: (name: string, serve: Serve) => plainMeter(clock, random, south, name, serve),
    client: (name: string) => plainClient(clock, random, north, name),
    /** Somebody at a station asks the DAP for its status; an operator's station it is from then on. */
    askStatus: (name: string, asker: Identity = HEAD_END) => askStatus(clock, random, north, name, asker),
  };
}

/** A link that each process of a DAP opens anew. */
export function reopenable(link: Link): Link {
  let current: LinkListener = { datagram() {} };
  link.listen({ datagram: (from, datagram) => current.datagram(from, datagram) });
  return {
    ...{ traits: link.traits, counters: link.counters },
    send: (to, bytes) => link.send(to, bytes),
    listen(listener) {
      current = listener;
    },
    close() {},
  };
}

function askStatus(
  clock: VirtualClock,
  random: SeededRandom,
  north: Backhaul,
  name: string,
  asker: Identity,
): ReturnType<typeof decodeStatus> {
  const link = north.station(name);
  const client = new SecureClient({
    ...{ crypto: opensslEngine, random: random.fork(`operator ${name}`), traits: link.traits },
    ...{ identity: asker, trust: new TrustList([DAP_PARTIES.identity.credential]) },
  });
  const events: ClientEvent[] = [];
  const drive = new Drive(client, link, clock, (event) => events.push(event));
  const nowMs = clock.monotonicMs();
  client.ask(nowMs, { to: FAR_END, content: resourceRequest(CODE.get, "d"), untilMs: nowMs + 8000 });
  drive.run();
  clock.runUntil(() => events.length > 0, 9000);
  drive.stop();
  const [event] = events;
  return event?.kind === "answer" ? decodeStatus(event.content.payload) : undefined;
}

function plainMeter(
  clock: VirtualClock,
  random: SeededRandom,
  south: Backhaul,
  name: string,
  serve: Serve,
): PlainMeter {
  const link = south.station(name);
  const coap = new WholeMessages({ random: random.fork(`meter ${name}`), traits: link.traits });
  const requests: CoapMessage[] = [];
  const later: ((answer: CoapContent) => void)[] = [];
  const drive = new Drive(coap, link, clock, (event) => {
    if (event.kind !== "request") return;
    requests.push(event.message);
    const { exchange } = event;
    const answer = serve(event.message, name);
    if (answer === undefined) coap.silence(exchange);
    else if (answer === "later") {
      later.push((content) => {
        coap.respond(clock.monotonicMs(), exchange, content);
        drive.run();
      });
    } else coap.respond(clock.monotonicMs(), exchange, answer);
  });
  return { requests, later, coap, run: () => drive.run() };
}

function plainClient(clock: VirtualClock, random: SeededRandom, north: Backhaul, name: string): PlainClient {
  const link = north.station(name);
  const received: Uint8Array[] = [];
  const tapped = {
    ...{ traits: link.traits, counters: link.counters },
    send: (to: Station, bytes: Uint8Array) => link.send(to, bytes),
    listen: (listener: { datagram(from: Station, datagram: Uint8Array): void }) =>
      link.listen({
        datagram(from, datagram) {
          received.push(datagram);
          listener.datagram(from, datagram);
        },
      }),
    close: () => link.close(),
  };
  const settings = { answerBytes: 65_536 };
  const coap = new WholeMessages({ random: random.fork(`client ${name}`), traits: link.traits, settings });
  const events: WholeEvent[] = [];
  const answers: CoapMessage[] = [];
  const drive = new Drive(coap, tapped, clock, (event) => {
    events.push(event);
    if (event.kind === "answer") answers.push(event.message);
  });
  return {
    ...{ answers, events, received },
    send(content, options = {}) {
      const nowMs = clock.monotonicMs();
      const id = coap.request(nowMs, FAR_END, content, { untilMs: nowMs + 60_000, ...options });
      drive.run();
      return id;
    },
    cancel(request) {
      coap.cancel(request);
      drive.run();
    },
    raw: (datagram) => void link.send(FAR_END, datagram),
  };
}

/** A sealed-looking request to a meter: outer POST, an OSCORE option and bytes that mean nothing. */
export function sealedFor(host: string, payload: Uint8Array = fromText(`for ${host}`)): CoapContent {
  return withOptions(
    { code: CODE.post, options: [], payload },
    { number: OPTION.uriHost, value: fromText(host) },
    { number: OPTION.oscore, value: Uint8Array.of(0x09, 0x01, 0x25) },
  );
}

/** A sealed-looking answer. */
export function sealedAnswer(payload: Uint8Array): CoapContent {
  return { code: CODE.changed, options: [{ number: OPTION.oscore, value: new Uint8Array(0) }], payload };
}

/** An echo that tells who answered. */
export function echo(request: CoapMessage, meter: string): CoapContent {
  return sealedAnswer(concat(fromText(`${meter}: `), request.payload));
}

export function text({ payload }: CoapContent): string {
  return new TextDecoder().decode(payload);
}

export function codes(messages: readonly CoapContent[]): string[] {
  return messages.map(({ code }) => codeText(code));
}

/** Types of the datagrams, as CoAP writes them, with their codes. */
export function kinds(datagrams: readonly Uint8Array[]): string[] {
  return datagrams.map((datagram) => {
    const message = decodeMessage(datagram);
    return "error" in message ? message.error : `${message.type} ${codeText(message.code)}`;
  });
}
