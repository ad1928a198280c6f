// Who runs a DAP, and what he is told: its own identity, and one resource for the head-ends that it trusts.
import type { Identity } from "../../../firmware/identity/identity.ts";
import type { TrustList } from "../../../firmware/identity/trust.ts";
import {
  answerWith,
  bareAnswer,
  CODE,
  type CoapContent,
  FORMAT,
  pathOf,
} from "../../../firmware/protocol/coap/message.ts";
import type { Endpoint, OutgoingDatagram } from "../../../firmware/protocol/endpoint.ts";
import { SecureServer, type ServerEvent } from "../../../firmware/protocol/secure-server.ts";
import type { ServedRequest } from "../../../firmware/protocol/served-request.ts";
import type { CryptoEngine } from "../../../hal/ports/crypto.ts";
import type { LinkTraits, Station } from "../../../hal/ports/link.ts";
import type { Random } from "../../../hal/ports/random.ts";
import type { Storage } from "../../../hal/ports/storage.ts";
import { OperatorStations } from "./stations.ts";
import { type DapStatus, encodeStatus } from "./status.ts";

export interface OperatorParts {
  readonly crypto: CryptoEngine;
  readonly random: Random;
  readonly traits: LinkTraits;
  readonly identity: Identity;
  /** The head-ends that run this DAP. */
  readonly trust: TrustList;
  readonly storage: Storage;
  readonly utcMs: () => number;
  readonly status: () => DapStatus;
}

/** The resource `d`, by EDHOC and OSCORE, and which stations are operators. */
export class Operator implements Endpoint<ServerEvent> {
  readonly #server: SecureServer;
  readonly #status: () => DapStatus;
  readonly #stations: OperatorStations;

  constructor({ status, ...parts }: OperatorParts) {
    this.#status = status;
    this.#stations = new OperatorStations(parts);
    this.#server = new SecureServer({
      ...parts,
      resources: { links: [{ path: "d" }], serve: (request) => this.#serve(request) },
    });
  }

  /** See {@link OperatorStations.has}. */
  isOperator(station: Station): boolean {
    return this.#stations.has(station);
  }

  receive(nowMs: number, from: Station, datagram: Uint8Array): void {
    this.#server.receive(nowMs, from, datagram);
  }

  wake(nowMs: number): void {
    this.#server.wake(nowMs);
  }

  nextDatagram(): OutgoingDatagram | undefined {
    return this.#server.nextDatagram();
  }

  nextEvent(): ServerEvent | undefined {
    return this.#server.nextEvent();
  }

  nextWakeMs(): number | undefined {
    return this.#server.nextWakeMs();
  }

  #serve({ peer, from, content }: ServedRequest): CoapContent {
    this.#stations.add(from, peer);
    if (pathOf(content) !== "d") return bareAnswer(CODE.notFound);
    if (content.code !== CODE.get) return bareAnswer(CODE.methodNotAllowed);
    return answerWith(CODE.content, FORMAT.cbor, encodeStatus(this.#status()));
  }
}
