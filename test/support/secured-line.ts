import { type Identity, type NewIdentity, newIdentity, type Role } from "../../firmware/identity/identity.ts";
import { TrustList } from "../../firmware/identity/trust.ts";
import type { OtherAsker } from "../../firmware/protocol/asking-requests.ts";
import type { ClientEvent } from "../../firmware/protocol/asks.ts";
import {
  answerWith,
  CODE,
  type CoapContent,
  FORMAT,
  resourceRequest,
} from "../../firmware/protocol/coap/message.ts";
import { Drive } from "../../firmware/protocol/drive.ts";
import type { Endpoint } from "../../firmware/protocol/endpoint.ts";
import type { Observed } from "../../firmware/protocol/observe/observers.ts";
import { SecureClient } from "../../firmware/protocol/secure-client.ts";
import { SecureServer, type ServerEvent } from "../../firmware/protocol/secure-server.ts";
import type { PresetContext } from "../../firmware/protocol/sessions.ts";
import { linkPair } from "../../hal/emulated/link-pair.ts";
import { SeededRandom } from "../../hal/emulated/seeded-random.ts";
import { VirtualClock } from "../../hal/emulated/virtual-clock.ts";
import { opensslEngine } from "../../hal/node/openssl.ts";
import { LINE, type Link, type LinkTraits } from "../../hal/ports/link.ts";

export function identity(role: Role, id: string, seed = id, more: Partial<NewIdentity> = {}): Identity {
  return newIdentity(opensslEngine, new SeededRandom(seed), { role, id, development: true, ...more });
}

/** A datagram that whoever stands in the middle hands on later. */
export interface Held {
  readonly bytes: Uint8Array;
  readonly forMs: number;
}

export interface SecuredLineOptions {
  readonly seed?: number;
  readonly meter?: Identity;
  readonly headEnd?: Identity;
  /** Whom the meter serves; the head-end, unless given. */
  readonly served?: readonly Identity[];
  /** Which meters the head-end knows; the meter, unless given. */
  readonly enrolled?: readonly Identity[];
  /** Contexts agreed on beforehand: the meter's, at each of its starts, and the head-end's. */
  readonly meterPreset?: () => PresetContext;
  readonly headEndPreset?: PresetContext;
  readonly traits?: Partial<LinkTraits>;
  /** Makes the links, in place of ones in memory with `traits`. */
  readonly pair?: (clock: VirtualClock) => readonly [Link, Link];
  /** Sees each datagram as it is sent. */
  readonly tap?: (datagram: Uint8Array, from: "head-end" | "meter") => unknown;
  /** Stands in the middle: what the other end gets instead of a datagram, in order. */
  readonly between?: (datagram: Uint8Array, from: "head-end" | "meter") => readonly (Uint8Array | Held)[];
  readonly wrap?: (link: Link, clock: VirtualClock) => Link;
  /** What the meter answers a request; its body, unless given. */
  readonly serve?: (content: CoapContent) => CoapContent;
  /** What whoever observes it is told; nothing, unless given. */
  readonly observe?: (content: CoapContent) => Observed | undefined;
}

interface Asked {
  readonly expect?: string;
  readonly withinMs?: number;
  readonly answerBytes?: number;
}

/** A head-end and a meter with one resource on a line in memory, and whoever stands between them. */
export function securedLine(options: SecuredLineOptions = {}) {
  const {
    seed = 1,
    between = (datagram) => [datagram],
    wrap = (link) => link,
    traits = {},
    tap = () => {},
    serve = ({ payload }) => answerWith(CODE.content, FORMAT.cbor, payload),
  } = options;
  const meter = options.meter ?? identity("meter", "M1");
  const headEnd = options.headEnd ?? identity("head-end", "H");
  const clock = new VirtualClock({ utcMs: Date.UTC(2026, 10, 24) });
  const random = new SeededRandom(seed);
  const pair = options.pair ?? (() => linkPair(clock, traits));
  const [near, nearMiddle] = pair(clock);
  const [farMiddle, far] = pair(clock);
  const pass =
    (from: "head-end" | "meter", to: Link) =>
    (_: string, bytes: Uint8Array): void => {
      tap(bytes, from);
      for (const out of between(bytes, from)) {
        if (out instanceof Uint8Array) to.send(LINE, out);
        else clock.after(out.forMs, () => to.send(LINE, out.bytes));
      }
    };
  nearMiddle.listen({ datagram: pass("head-end", farMiddle) });
  farMiddle.listen({ datagram: pass("meter", nearMiddle) });
  const served: string[] = [];
  const clientEvents: ClientEvent[] = [];
  const serverEvents: ServerEvent[] = [];
  const crypto = opensslEngine;
  const makeServer = (name: string): SecureServer =>
    new SecureServer({
      crypto,
      random: random.fork(name),
      traits: far.traits,
      identity: meter,
      ...(options.meterPreset && { presets: [options.meterPreset()] }),
      trust: new TrustList((options.served ?? [headEnd]).map(({ credential }) => credential)),
      resources: {
        links: [{ path: "r" }],
        serve: ({ peer, content }) => {
          served.push(peer.id);
          return serve(content);
        },
        observe: ({ content }) => options.observe?.(content),
      },
    });
  let server = makeServer("meter");
  let starts = 1;
  const restartable: Endpoint<ServerEvent> = {
    receive: (nowMs, from, datagram) => server.receive(nowMs, from, datagram),
    wake: (nowMs) => server.wake(nowMs),
    nextDatagram: () => server.nextDatagram(),
    nextEvent: () => server.nextEvent(),
    nextWakeMs: () => server.nextWakeMs(),
  };
  const makeClient = (name: string): SecureClient =>
    new SecureClient({
      crypto,
      random: random.fork(name),
      traits: near.traits,
      identity: headEnd,
      ...(options.headEndPreset && { preset: options.headEndPreset }),
      trust: new TrustList((options.enrolled ?? [meter]).map(({ credential }) => credential)),
    });
  let client = makeClient("head-end");
  const asking: Endpoint<ClientEvent> = {
    receive: (nowMs, from, datagram) => client.receive(nowMs, from, datagram),
    wake: (nowMs) => client.wake(nowMs),
    nextDatagram: () => client.nextDatagram(),
    nextEvent: () => client.nextEvent(),
    nextWakeMs: () => client.nextWakeMs(),
  };
  new Drive(restartable, wrap(far, clock), clock, (event) => serverEvents.push(event));
  const drive = new Drive(asking, wrap(near, clock), clock, (event) => clientEvents.push(event));
  const askLater = (content: CoapContent, { withinMs = 8000, ...asked }: Asked = {}): number | undefined => {
    const nowMs = clock.monotonicMs();
    const id = client.ask(nowMs, { to: LINE, content, untilMs: nowMs + withinMs, ...asked });
    drive.run();
    return id;
  };
  const askFor = (content: CoapContent, asked: Asked = {}): ClientEvent | undefined => {
    const id = askLater(content, asked);
    const isTold = (event: ClientEvent): boolean => event.ask === id;
    clock.runUntil(() => clientEvents.some(isTold), (asked.withinMs ?? 8000) + 1000);
    return clientEvents.find(isTold);
  };
  return {
    clock,
    served,
    clientEvents,
    serverEvents,
    /** Asks the meter to echo a body and gives how that ended. */
    ask: (body: Uint8Array, asked: Asked = {}) => askFor(resourceRequest(CODE.fetch, "r", body), asked),
    /** Asks the meter anything and gives how that ended. */
    askFor,
    /** Another asker on the head-end's CoAP. */
    share: (other: OtherAsker) => ({ coap: client.line.share(other), run: () => drive.run() }),
    /** The meter loses its memory, as in a power cut. */
    restartMeter() {
      server = makeServer(`meter ${starts++}`);
    },
    /** The head-end loses its memory: its asks, sessions and watches. */
    restartHeadEnd() {
      client = makeClient(`head-end ${starts++}`);
      drive.run();
    },
    /** Asks for notifications. */
    watch(content = resourceRequest(CODE.get, "r"), withinMs = 8000): number {
      const nowMs = clock.monotonicMs();
      const id = client.watch(nowMs, { to: LINE, content, untilMs: nowMs + withinMs });
      drive.run();
      if (id === undefined) throw new Error("too many asks");
      return id;
    },
    /** Asks for no more of them. */
    unwatch(id: number) {
      client.unwatch(clock.monotonicMs(), id);
      drive.run();
    },
    /** A stranger sends this to the meter. */
    inject: (datagram: Uint8Array) => farMiddle.send(LINE, datagram),
    /** Asks without waiting. */
    askLater: (body: Uint8Array, withinMs = 8000) =>
      askLater(resourceRequest(CODE.fetch, "r", body), { withinMs }),
  };
}
