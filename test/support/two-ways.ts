// One meter that can be asked directly and through whoever forwards for it.
import { TrustList } from "../../firmware/identity/trust.ts";
import type { ClientKeeping } from "../../firmware/protocol/asking-sessions.ts";
import type { Ask, ClientEvent } from "../../firmware/protocol/asks.ts";
import { toUint } from "../../firmware/protocol/bytes.ts";
import {
  answerWith,
  CODE,
  type CoapContent,
  FORMAT,
  findOption,
  OPTION,
  resourceRequest,
} from "../../firmware/protocol/coap/message.ts";
import { Drive } from "../../firmware/protocol/drive.ts";
import { SecureClient } from "../../firmware/protocol/secure-client.ts";
import { SecureServer, type ServerEvent } from "../../firmware/protocol/secure-server.ts";
import { SeededRandom } from "../../hal/emulated/seeded-random.ts";
import { VirtualClock } from "../../hal/emulated/virtual-clock.ts";
import type { LinkTraits } from "../../hal/ports/link.ts";
import { HeadEndFiles, NonceLog } from "../power-cuts/head-end-memory.ts";
import { ForwardingStation, Network } from "./network.ts";
import { identity } from "./secured-line.ts";

export const HEAD_END = identity("head-end", "H");
export const DIRECT = { to: "meter", expect: "M1" };
export const VIA = { to: "proxy", host: "M1", expect: "M1" };
const GET = resourceRequest(CODE.get, "r");

/** What is asked, by which way, and for how long. */
type Asked = Partial<Ask> & Pick<Ask, "to"> & { readonly withinMs?: number };

/** A meter M1, a forwarding station, and as many head-ends, one after the other or at once, as are asked for. */
export function twoWays(traits: Partial<LinkTraits> = {}) {
  const clock = new VirtualClock({ utcMs: Date.UTC(2026, 10, 24) });
  const random = new SeededRandom(7);
  const network = new Network(clock, traits);
  const nonces = new NonceLog();
  const meter = identity("meter", "M1");
  const meterLink = network.link("meter");
  const refused: string[] = [];
  /** The delay that the asker of each request tolerates, as the meter is told. */
  const asked: (number | undefined)[] = [];
  const sessions: string[] = [];
  let news = 0;
  const server = new SecureServer({
    ...{ crypto: nonces.engine, random: random.fork("meter"), traits: meterLink.traits, identity: meter },
    trust: new TrustList([HEAD_END.credential]),
    resources: {
      links: [],
      serve: ({ content }) => {
        const tolerance = findOption(content, OPTION.delayTolerance);
        asked.push(tolerance && toUint(tolerance));
        return answerWith(CODE.content, FORMAT.cbor, content.payload);
      },
      observe: () => ({
        answer: () => answerWith(CODE.content, FORMAT.cbor, Uint8Array.of(news++)),
        hasNews: () => false,
        atLatestMs: 10_000,
        atSoonestMs: 10_000,
      }),
    },
  });
  new Drive(server, meterLink, clock, (event: ServerEvent) => {
    if (event.kind === "refused") refused.push(event.reason);
    if (event.kind === "session") sessions.push(event.peer.id);
  });
  let ports = 0;
  const south = () => network.link(`proxy ${ports++}`);
  const proxy = new ForwardingStation(network.link("proxy"), south, { M1: "meter" });
  const files = new HeadEndFiles();
  files.utcMs = () => clock.utcMs() ?? 0;
  const headEnd = (name: string, keeping: ClientKeeping = files) => {
    const link = network.link(name);
    const client = new SecureClient({
      ...{ crypto: nonces.engine, random: random.fork(name), traits: link.traits, identity: HEAD_END },
      ...{ trust: new TrustList([meter.credential]), keeping },
    });
    const events: ClientEvent[] = [];
    const drive = new Drive(client, link, clock, (event) => events.push(event));
    const begin = (how: "ask" | "watch", { withinMs = 8000, ...ask }: Asked) => {
      const nowMs = clock.monotonicMs();
      const id = client[how](nowMs, { content: GET, untilMs: nowMs + withinMs, ...ask });
      drive.run();
      return id;
    };
    return {
      events,
      client,
      watch: (ask: Asked) => begin("watch", ask),
      begin: (ask: Asked) => begin("ask", ask),
      ask(ask: Asked, content: CoapContent = GET): ClientEvent | undefined {
        const id = begin("ask", { ...ask, content });
        const isTold = (event: ClientEvent): boolean => event.ask === id;
        clock.runUntil(() => events.some(isTold), (ask.withinMs ?? 8000) + 1000);
        return events.find(isTold);
      },
      end: () => {
        client.settle();
        drive.stop();
        link.close();
      },
    };
  };
  return { clock, network, nonces, proxy, asked, refused, sessions, headEnd };
}
