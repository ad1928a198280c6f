// Credentials that an issuer has signed, in the hands of who should not have them.
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { identityIssued } from "../../firmware/identity/cwt-file.ts";
import { Identity } from "../../firmware/identity/identity.ts";
import { TrustList } from "../../firmware/identity/trust.ts";
import { answerWith, CODE, FORMAT } from "../../firmware/protocol/coap/message.ts";
import type { Credential } from "../../firmware/protocol/cose/credential.ts";
import { type Issue, type IssuedCredential, signCwt } from "../../firmware/protocol/cose/cwt.ts";
import { Drive } from "../../firmware/protocol/drive.ts";
import { encodeRegisterReading } from "../../firmware/protocol/readings/register-reading.ts";
import { SecureServer } from "../../firmware/protocol/secure-server.ts";
import { linkPair } from "../../hal/emulated/link-pair.ts";
import { SeededRandom } from "../../hal/emulated/seeded-random.ts";
import { VirtualClock } from "../../hal/emulated/virtual-clock.ts";
import { opensslEngine } from "../../hal/node/openssl.ts";
import { LINE, type LinkTraits } from "../../hal/ports/link.ts";
import { HeadEnd } from "../../host-tools/head-end/client.ts";
import { followRegistry } from "../../host-tools/head-end/follow-registry.ts";
import { Registry } from "../../host-tools/head-end/registry.ts";
import { settle } from "../../host-tools/world/single-line.ts";
import { emptyFolder } from "../support/command.ts";
import { identity } from "../support/secured-line.ts";

const NOW_MS = Date.UTC(2026, 10, 24);
const DAY_SECONDS = 86_400;
const IMPORT = "1-0:1.8.0*255";
const crypto = opensslEngine;
const METER = identity("meter", "M1");
const HEAD = identity("head-end", "H");
const CA = identity("issuer", "CA", "another");

let folder: ReturnType<typeof emptyFolder>;
let registry: Registry;

beforeEach(() => {
  folder = emptyFolder();
  registry = new Registry(join(folder.path, "registry.json"));
  registry.addIssuer(CA.credential);
});
afterEach(() => folder.remove());

/** The meter's credential, signed for a year from yesterday on. */
function signed(more: Partial<Issue> = {}, by = CA, of: Credential = METER.credential): IssuedCredential {
  const yesterday = NOW_MS / 1000 - DAY_SECONDS;
  const issue = { issuer: "CA", role: "meter", issuedAtSeconds: yesterday, ...more };
  return signCwt(crypto, by.signingSecretKey, of, {
    expiresAtSeconds: yesterday + 365 * DAY_SECONDS,
    ...issue,
  });
}

function showing(issued: IssuedCredential, party = METER): Identity {
  const { role, secretKey, signingSecretKey, suite } = party;
  return new Identity({ role, credential: issued, secretKey, signingSecretKey, suite });
}

/** A head-end that follows the registry and a meter that shows itself like this: how reads of it end. */
function line(
  shown: Identity,
  {
    utcMs = NOW_MS,
    trust,
    traits = {},
  }: { utcMs?: number; trust?: TrustList; traits?: Partial<LinkTraits> } = {},
) {
  const clock = new VirtualClock({ utcMs });
  const [near, far] = linkPair(clock, traits);
  const entries = [{ register: IMPORT, quality: "measured", value: 1 }] as const;
  const body = encodeRegisterReading({ timeSeconds: NOW_MS / 1000, status: 0, entries });
  const server = new SecureServer({
    ...{ crypto, random: new SeededRandom("meter"), traits: far.traits, identity: shown },
    trust: new TrustList([HEAD.credential]),
    resources: { links: [], serve: () => answerWith(CODE.content, FORMAT.cbor, body) },
  });
  new Drive(server, far, clock, () => {});
  const { refusal, ...following } = followRegistry(registry, undefined, {
    crypto,
    utcMs: () => clock.utcMs(),
  });
  const headEnd = new HeadEnd({
    ...{ link: near, clock, crypto, random: new SeededRandom("head-end"), identity: HEAD },
    ...following,
    ...(trust && { trust }),
    onProved: (meter) => registry.proved(meter, { address: "udp:127.0.0.1:1" }),
  });
  return {
    received: () => far.counters.receivedDatagrams,
    refusal,
    read: (expected?: string): Promise<string> =>
      settle(
        clock,
        headEnd
          .readRegisters(
            {
              station: LINE,
              name: "mem:",
              timeoutMs: 5000,
              ...(expected !== undefined && { expect: expected }),
            },
            [IMPORT],
          )
          .then(
            ({ meter }) => meter,
            (error: Error) => error.constructor.name,
          ),
      ),
  };
}

const states = () => registry.list().map(({ id, state }) => [id, state]);

describe("a meter that its issuer vouches for", () => {
  test("is read and taken in at its first proof, and goes on in the same session", async () => {
    const { read } = line(showing(signed()));
    expect(states()).toEqual([]);
    expect(await read("M1")).toBe("M1");
    expect(states()).toEqual([["M1", "proved"]]);
    expect(await read()).toBe("M1");
  });

  test("is read over a slow line without a message that is sent twice", async () => {
    const slow = line(showing(signed()), { traits: { bitsPerSecond: 1200 } });
    expect(await slow.read()).toBe("M1");
    // message_1, two requests for the rest of message_2, which is six times as long, the request with message_3.
    expect(slow.received()).toBe(4);
  });

  test("is pinned by its name, and unknown to who trusts no issuer", async () => {
    expect(await line(showing(signed())).read("M2")).toBe("HeadEndError");
    registry.removeIssuer("CA");
    expect(await line(showing(signed())).read()).toBe("HeadEndError");
    expect(states()).toEqual([]);
  });

  test("is read by one that knows its key already, and may have it signed anew", async () => {
    registry.enrol(METER.credential);
    expect(await line(showing(signed())).read("M1")).toBe("M1");
    expect(await line(METER).read("M1")).toBe("M1");
    registry.revoke("M1");
    expect(await line(showing(signed())).read("M1")).toBe("HeadEndError");
  });

  test("has the newer of two that were signed in the registry", async () => {
    await line(showing(signed())).read();
    const renewed = signed({ issuedAtSeconds: NOW_MS / 1000 - 60 });
    expect(await line(showing(renewed)).read("M1")).toBe("M1");
    expect(registry.find("M1")?.credential).toEqual(renewed);
  });
});

describe("a signed credential is not taken", () => {
  const strange = identity("issuer", "CA", "thief");
  test.each<[string, () => Identity, string]>([
    ["that has expired", () => showing(signed({ expiresAtSeconds: NOW_MS / 1000 })), "of M1 has expired"],
    [
      "of a time to come",
      () => showing(signed({ issuedAtSeconds: NOW_MS / 1000 + 3600 })),
      "of M1 is of a time to come",
    ],
    [
      "by an issuer of the same name with another key",
      () => showing(signed({}, strange)),
      "of M1 is not signed by CA",
    ],
    [
      "by nobody that is trusted",
      () => showing(signed({ issuer: "X" })),
      "is signed by X, which is no issuer of this registry",
    ],
    [
      "that the meter made itself",
      () => showing(signed({ issuer: "M1" }, METER)),
      "is signed by M1, which is no issuer of this registry",
    ],
    ["of a head-end", () => showing(signed({ role: "head-end" })), "is a head-end's, and no meter's"],
    [
      "under a name that steers a terminal",
      () => showing(signed({}, CA, { ...METER.credential, id: "\u001b[2J" })),
      "is no credential",
    ],
  ])("%s", async (_, shown, refusal) => {
    const { read, refusal: why } = line(shown());
    expect(await read()).toBe("HeadEndError");
    expect(why()).toBe(refusal);
    expect(states()).toEqual([]);
  });

  test("of an id that is enrolled with another key, or revoked", async () => {
    registry.enrol(identity("meter", "M1", "M2").credential);
    const { read, refusal } = line(showing(signed()));
    expect(await read("M1")).toBe("HeadEndError");
    expect(refusal()).toBe("is of M1, which is enrolled with another key");
    registry.revoke("M1");
    expect(await read("M1")).toBe("HeadEndError");
    expect(refusal()).toBe("is of M1, which is revoked");
    expect(states()).toEqual([["M1", "revoked"]]);
  });

  test("once it has expired, though it was taken in before", async () => {
    await line(showing(signed())).read();
    expect(states()).toEqual([["M1", "proved"]]);
    const nextYear = NOW_MS + 366 * DAY_SECONDS * 1000;
    const { read, refusal } = line(showing(signed()), { utcMs: nextYear });
    expect(await read("M1")).toBe("HeadEndError");
    expect(refusal()).toBe("of M1 has expired");
  });

  test("from somebody who has it and not its key", async () => {
    const { refusal, read } = line(showing(signed(), identity("meter", "M2")));
    expect(await read()).toBe("HeadEndError");
    expect(refusal()).toBeUndefined();
    expect(states()).toEqual([]);
  });
});

describe("an issuer that is taken off, and a meter that is revoked,", () => {
  test("are out at the next ask, in the middle of a session", async () => {
    const { read } = line(showing(signed()));
    expect(await read()).toBe("M1");
    new Registry(registry.path).revoke("M1");
    expect(await read()).toBe("HeadEndError");
    const other = line(showing(signed({}, CA, identity("meter", "M2").credential), identity("meter", "M2")));
    expect(await other.read()).toBe("M2");
    new Registry(registry.path).removeIssuer("CA");
    expect(await other.read()).toBe("HeadEndError");
  });
});

test("a key that an issuer has signed under two names is proved under the one that the meter shows, and no other", async () => {
  // Somebody had the victim's public key signed in his own name: the proof covers the whole credential (RFC 9528 9.1).
  const thiefs = signed({}, CA, { ...METER.credential, id: "thief" });
  const trust = new (class extends TrustList {
    override candidates(): readonly Credential[] {
      return [thiefs];
    }
  })([thiefs]);
  expect(await line(showing(signed()), { trust }).read()).toBe("HeadEndError");
  expect(await line(showing(thiefs), { trust }).read()).toBe("thief");
});

test("a meter takes no head-end by value, whoever has signed for it", async () => {
  const issued = signed({ role: "head-end" }, CA, HEAD.credential);
  const shown = identityIssued(HEAD, issued);
  if (!(shown instanceof Identity)) throw new Error(shown.error);
  const clock = new VirtualClock({ utcMs: NOW_MS });
  const [near, far] = linkPair(clock, {});
  const server = new SecureServer({
    ...{ crypto, random: new SeededRandom("meter"), traits: far.traits, identity: METER },
    trust: new TrustList([HEAD.credential]),
    resources: { links: [], serve: () => answerWith(CODE.content, FORMAT.cbor, Uint8Array.of(0)) },
  });
  const refused: string[] = [];
  new Drive(server, far, clock, (event) => void (event.kind === "refused" && refused.push(event.reason)));
  const headEnd = new HeadEnd({
    ...{ link: near, clock, crypto, random: new SeededRandom("head-end"), identity: shown },
    trust: new TrustList([METER.credential]),
  });
  const target = { station: LINE, name: "mem:", timeoutMs: 5000 };
  await expect(settle(clock, headEnd.readRegisters(target))).rejects.toThrow("refused this head-end");
  expect(refused).toContain("unknown-credential");
});
