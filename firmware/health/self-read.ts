// A meter reads itself as a head-end would: EDHOC, OSCORE and CoAP with its own server, as somebody who is trusted only now.
import type { Cancel, Clock } from "../../hal/ports/clock.ts";
import type { CryptoEngine } from "../../hal/ports/crypto.ts";
import type { Link } from "../../hal/ports/link.ts";
import type { Random } from "../../hal/ports/random.ts";
import { newIdentity } from "../identity/identity.ts";
import { type IssuerTrust, TrustList } from "../identity/trust.ts";
import type { ClientEvent } from "../protocol/asks.ts";
import { equal } from "../protocol/bytes.ts";
import { CODE, resourceRequest } from "../protocol/coap/message.ts";
import type { Credential } from "../protocol/cose/credential.ts";
import { isIssued } from "../protocol/cose/cwt.ts";
import { Drive } from "../protocol/drive.ts";
import type { Obis } from "../protocol/readings/obis.ts";
import { decodeRegisterReading, encodeRegisterRequest } from "../protocol/readings/register-reading.ts";
import { SecureClient } from "../protocol/secure-client.ts";
import { SELF } from "./self-link.ts";

/** Whom a meter asks to read itself, and by whom it is let. */
export interface SelfReadParts {
  readonly clock: Clock;
  readonly crypto: CryptoEngine;
  readonly random: Random;
  /** A new end of the meter's line to itself. */
  readonly reachSelf: () => Link;
  /** Whom the meter proves to be, and in which cipher suite. */
  readonly meter: () => { readonly credential: Credential; readonly suite: number };
  /** Lets a guest read until the function that this gives is called, which leaves nothing of him. */
  readonly admit: (guest: Credential) => () => void;
}

/** The register that is billed on. */
const IMPORT: Obis = "1-0:1.8.0*255";
/** No party can be called so (isValidId): its sessions push nobody's out. */
const GUEST = "(self)";
/** On the slowest line that there are timers for. */
const PATIENCE_MS = 30_000;

/** What came of it: undefined for a value that was measured, else what was wrong, as the end of a sentence. */
type Done = (fault: string | undefined) => void;

/** Reads the import register of the meter once. `done` is called once, unless it is cancelled before. */
export function readSelf(parts: SelfReadParts, done: Done): Cancel {
  const { clock, crypto, random } = parts;
  const { suite, credential } = parts.meter();
  const guest = newIdentity(crypto, random, { role: "head-end", id: GUEST, development: false, suite });
  const link = parts.reachSelf();
  const endVisit = parts.admit(guest.credential);
  const client = new SecureClient({
    ...{ crypto, random, identity: guest, traits: link.traits },
    trust: new TrustList(isIssued(credential) ? [] : [credential], {}, itself(credential)),
  });
  const drive = new Drive<ClientEvent>(client, link, clock, (event) => {
    end();
    done(faultOf(event));
  });
  const end = (): void => {
    drive.stop();
    link.close();
    endVisit();
  };
  client.ask(clock.monotonicMs(), {
    to: SELF,
    ...(link.traits.addressing === "uri-host" && { host: credential.id }),
    expect: credential.id,
    content: resourceRequest(CODE.fetch, "r", encodeRegisterRequest([IMPORT])),
    untilMs: clock.monotonicMs() + PATIENCE_MS,
  });
  drive.run();
  return end;
}

/** For a meter that shows what an issuer has signed: that very credential, and no other. */
function itself(credential: Credential): IssuerTrust {
  return {
    isAny: isIssued(credential),
    credentialIn: (idCred) => (equal(idCred, credential.idCred) ? credential : undefined),
  };
}

function faultOf(event: ClientEvent): string | undefined {
  if (event.kind === "failed") return `its own question got no answer (${event.reason})`;
  if (event.content.code !== CODE.content) return "its own question was refused";
  const [entry] = decodeRegisterReading(event.content.payload, [IMPORT])?.entries ?? [];
  return entry?.quality === "measured" ? undefined : "its own question was answered without a measured value";
}
