import {
  type ClientEvent,
  CODE,
  Drive,
  type Identity,
  resourceRequest,
  SecureClient,
  TrustList,
} from "meterbench/firmware";
import type { CryptoEngine } from "meterbench/hal";
import { openLink, parseAddress, systemClock, systemRandom } from "meterbench/hal/node";
import type { Client } from "./counting.ts";

const ANSWER_WITHIN_MS = 5000;
const READ = resourceRequest(CODE.get, "r");

/** Who reads whom, and by which engine. */
export interface ReaderParts {
  readonly crypto: CryptoEngine;
  readonly identity: Identity;
  readonly meter: Identity;
}

/** A head-end on a socket of its own that reads the registers of the meter at this port. A read that fails throws. */
export async function secureReader(port: number, { crypto, identity, meter }: ReaderParts): Promise<Client> {
  const address = parseAddress(`udp:127.0.0.1:${port}`);
  if ("error" in address) throw new Error(address.error);
  const { link, peer = "" } = await openLink(address, "reach");
  const waiting = new Map<number, (body: Uint8Array) => void>();
  const trust = new TrustList([meter.credential]);
  const client = new SecureClient({ crypto, random: systemRandom, traits: link.traits, identity, trust });
  const drive = new Drive<ClientEvent>(client, link, systemClock, (event) => {
    if (event.kind === "failed") throw new Error(`a read failed: ${event.reason}`);
    const done = waiting.get(event.ask);
    waiting.delete(event.ask);
    done?.(event.content.payload);
  });
  return {
    ask: (done) => {
      const nowMs = systemClock.monotonicMs();
      const ask = client.ask(nowMs, { to: peer, content: READ, untilMs: nowMs + ANSWER_WITHIN_MS });
      if (ask === undefined) throw new Error("more outstanding than a client takes");
      waiting.set(ask, done);
      drive.run();
    },
    close: () => {
      drive.stop();
      link.close();
    },
  };
}
