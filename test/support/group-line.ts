// A head-end of a group and its meters, each behind its own server, and whoever asks them what he likes.
import { type Identity, newIdentity } from "../../firmware/identity/identity.ts";
import { TrustList } from "../../firmware/identity/trust.ts";
import { decodeMessage, encodeMessage } from "../../firmware/protocol/coap/codec.ts";
import {
  answerWith,
  CODE,
  type CoapContent,
  type CoapMessage,
  FORMAT,
  resourceRequest,
} from "../../firmware/protocol/coap/message.ts";
import { GROUP_ALGORITHMS } from "../../firmware/protocol/group/algorithms.ts";
import {
  deriveGroup,
  type GroupContext,
  type GroupPair,
  pairWith,
} from "../../firmware/protocol/group/context.ts";
import { groupCredential } from "../../firmware/protocol/group/credential.ts";
import type { KeptMembership } from "../../firmware/protocol/group/member.ts";
import { Memberships } from "../../firmware/protocol/group/memberships.ts";
import {
  type BoundGroupRequest,
  protectGroupRequest,
  protectPairwiseRequest,
  unprotectGroupAnswer,
} from "../../firmware/protocol/group/protect.ts";
import { MemorySequence } from "../../firmware/protocol/oscore/sender-sequence.ts";
import type { Membership } from "../../firmware/protocol/readings/membership.ts";
import { SecureServer, type ServerEvent } from "../../firmware/protocol/secure-server.ts";
import { SeededRandom } from "../../hal/emulated/seeded-random.ts";
import { opensslEngine } from "../../hal/node/openssl.ts";
import type { CryptoEngine } from "../../hal/ports/crypto.ts";
import type { LinkTraits, Station } from "../../hal/ports/link.ts";

const VIA: Station = "dap";
export const UTC_SECONDS = Date.UTC(2026, 10, 24) / 1000;
export const READ: CoapContent = resourceRequest(CODE.get, "r");
const TRAITS: LinkTraits = {
  ...{ mtuBytes: 1152, bitsPerSecond: undefined, bitsPerByte: 8, framingBytes: 0 },
  ...{ roundTripMs: 10, halfDuplex: false, addressing: "station" },
};

/** What is the same for all of one epoch. */
export interface EpochOptions {
  readonly gid?: Uint8Array;
  readonly masterSecret?: Uint8Array;
  readonly keyGeneration?: number;
  readonly validUntilSeconds?: number;
  readonly group?: string;
}

/** The head-end's side of one epoch; its members have the Sender IDs 1, 2, ... */
export class HeadEndSide {
  readonly identity: Identity;
  readonly context: GroupContext;
  readonly numbers = new MemorySequence();
  readonly #epoch: Required<EpochOptions>;

  constructor(identity: Identity, epoch: EpochOptions = {}) {
    this.identity = identity;
    this.#epoch = {
      ...{ gid: Uint8Array.of(0x0b, 1), masterSecret: new Uint8Array(16).fill(0x33), keyGeneration: 1 },
      ...{ validUntilSeconds: UTC_SECONDS + 86_400, group: "B7", ...epoch },
    };
    const credential = groupCredentialOf(identity);
    this.context = deriveGroup(opensslEngine, {
      ...{ gid: this.#epoch.gid, masterSecret: this.#epoch.masterSecret, masterSalt: new Uint8Array(8) },
      ...{ manager: credential, own: { id: new Uint8Array(), credential } },
      signingSecretKey: identity.signingSecretKey,
    });
  }

  /** What a member is told. */
  membership(place: number): Membership {
    return {
      ...this.#epoch,
      // A meter wipes what it is told, in the end.
      masterSecret: this.#epoch.masterSecret.slice(),
      ...{ masterSalt: new Uint8Array(8), algorithms: GROUP_ALGORITHMS },
      ...{ senderId: Uint8Array.of(place), headEndSenderId: new Uint8Array() },
      headEndCredential: groupCredentialOf(this.identity).bytes,
    };
  }

  pairOf(meter: GroupMeter, place: number): GroupPair {
    const party = { id: Uint8Array.of(place), credential: groupCredentialOf(meter.identity) };
    return defined(pairWith(this.context, party));
  }

  forAll(content: CoapContent = READ): BoundGroupRequest {
    return defined(protectGroupRequest(this.context, this.numbers, content));
  }

  forOne(pair: GroupPair, content: CoapContent = READ): BoundGroupRequest {
    return defined(protectPairwiseRequest(pair, this.numbers, content));
  }
}

export interface GroupMeterOptions {
  readonly served: readonly Identity[];
  readonly crypto?: CryptoEngine;
  /** What its storage has; without one it keeps nothing. */
  readonly storage?: GroupStorage;
  readonly serve?: (content: CoapContent) => CoapContent;
}

/** What outlives a start of a meter, and whether it takes anything. */
export interface GroupStorage {
  kept: readonly KeptMembership[];
  fails?: boolean;
}

/** A meter as whoever is on its line sees it. */
export class GroupMeter {
  readonly identity: Identity;
  readonly served: CoapContent[] = [];
  readonly events: ServerEvent[] = [];
  readonly trust: TrustList;
  memberships: Memberships;
  nowMs = 0;
  utcSeconds: number | undefined = UTC_SECONDS;
  readonly #options: GroupMeterOptions;
  #server: SecureServer;
  #messageId = 0;
  #starts = 0;

  constructor(id: string, options: GroupMeterOptions) {
    this.identity = meterIdentity(id);
    this.#options = options;
    this.trust = new TrustList(options.served.map(({ credential }) => credential));
    [this.memberships, this.#server] = this.#start();
  }

  /** A power cut. */
  restart(): void {
    [this.memberships, this.#server] = this.#start();
  }

  revoke(id: string): void {
    this.trust.revoke(id);
    this.#server.forgetBarred();
  }

  /** What it sends within the same moment on a message of this content. */
  receive(content: CoapContent, { from = VIA, type = "CON" as CoapMessage["type"] } = {}): CoapMessage[] {
    const messageId = ++this.#messageId;
    const token = Uint8Array.of(messageId & 0xff);
    this.#server.receive(this.nowMs, from, encodeMessage({ ...content, type, messageId, token }));
    for (let event = this.#server.nextEvent(); event; event = this.#server.nextEvent())
      this.events.push(event);
    const sent: CoapMessage[] = [];
    for (let next = this.#server.nextDatagram(); next; next = this.#server.nextDatagram()) {
      const message = decodeMessage(next.bytes);
      if ("code" in message) sent.push(message);
    }
    return sent;
  }

  /** Reasons of refusals so far. */
  refusals(): string[] {
    return this.events.flatMap((event) => (event.kind === "refused" ? [event.reason] : []));
  }

  #start(): [Memberships, SecureServer] {
    const { crypto = opensslEngine, storage, serve } = this.#options;
    const random = new SeededRandom(`${this.identity.credential.id} ${++this.#starts}`);
    const { identity, trust } = this;
    const memberships = new Memberships({
      ...{ crypto, random, identity, trust, keeping: storage && keepingIn(storage) },
      ...{ monotonicMs: () => this.nowMs, utcSeconds: () => this.utcSeconds },
    });
    const resources = {
      links: [],
      serve: ({ content }: { content: CoapContent }) => {
        this.served.push(content);
        return serve?.(content) ?? readingOf(this.served.length);
      },
    };
    const server = new SecureServer({
      ...{ crypto, random, traits: TRAITS, identity, trust, resources, memberships },
    });
    return [memberships, server];
  }
}

/** A head-end, and meters that are its members in this order; `proved` ones have done their Echo round. */
export function groupOf(
  ids: readonly string[],
  options: Omit<GroupMeterOptions, "served"> & { readonly proved?: boolean } = {},
) {
  const headEnd = new HeadEndSide(headEndIdentity("H"));
  const { proved = true, ...rest } = options;
  const meters = ids.map((id) => new GroupMeter(id, { served: [headEnd.identity], ...rest }));
  const pairs = meters.map((meter, i) => headEnd.pairOf(meter, i + 1));
  for (const [i, meter] of meters.entries()) {
    const outcome = meter.memberships.join(credentialAt(meter, headEnd), headEnd.membership(i + 1));
    if (outcome !== "joined") throw new Error(outcome);
    if (proved) prove(headEnd, defined(pairs[i]), meter);
    meter.served.length = 0;
  }
  return { headEnd, meters, pairs };
}

/** The Echo round of one member; its last answer. */
export function prove(headEnd: HeadEndSide, pair: GroupPair, meter: GroupMeter): CoapContent | undefined {
  const first = headEnd.forOne(pair);
  const [challenge] = meter.receive(first.content);
  const options = (challenge && unprotectGroupAnswer(pair, first.binding, challenge)?.options) ?? [];
  const repeated = headEnd.forOne(pair, { ...READ, options: [...READ.options, ...options] });
  const [answer] = meter.receive(repeated.content);
  return answer && unprotectGroupAnswer(pair, repeated.binding, answer);
}

/** The head-end as this meter has enrolled it. */
export function credentialAt({ trust }: GroupMeter, { identity }: HeadEndSide): object {
  const { id } = identity.credential;
  return defined(trust.credentials.find((credential) => credential.id === id));
}

export function headEndIdentity(id: string): Identity {
  return newIdentity(opensslEngine, new SeededRandom(id), { role: "head-end", id, development: true });
}

export function defined<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("there is nothing");
  return value;
}

function meterIdentity(id: string): Identity {
  return newIdentity(opensslEngine, new SeededRandom(id), { role: "meter", id, development: true });
}

function groupCredentialOf({ credential }: Identity) {
  return defined(groupCredential(opensslEngine, credential));
}

/** Another one for each request that is served. */
function readingOf(count: number): CoapContent {
  return answerWith(CODE.content, FORMAT.cbor, Uint8Array.of(0x82, 1, count));
}

function keepingIn(storage: GroupStorage) {
  return {
    kept: () => storage.kept,
    save: (kept: readonly KeptMembership[]) => {
      if (storage.fails) return false;
      storage.kept = structuredClone(kept);
      return true;
    },
  };
}
