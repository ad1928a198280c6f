// The head-ends of a bench: the one that its meters know, and strangers; each asks on all its lines.
import { type Identity, newIdentity } from "../../firmware/identity/identity.ts";
import { TrustList } from "../../firmware/identity/trust.ts";
import type { Credential } from "../../firmware/protocol/cose/credential.ts";
import type { CryptoEngine } from "../../hal/ports/crypto.ts";
import type { Random } from "../../hal/ports/random.ts";
import { HeadEnd, type Target } from "../head-end/client.ts";
import type { LinePlace } from "../head-end/groups/group-reader.ts";
import { InfrastructureFault } from "./infrastructure.ts";
import type { WatchedLine } from "./line/watched-line.ts";
import type { Recorder } from "./recorder.ts";
import type { RigHeadEnd, RigMeter } from "./rig.ts";
import { AskingHeadEnd } from "./rig-head-end.ts";
import type { RigTime } from "./time.ts";

/** The line that a meter is asked on, and where it is there. */
export interface LineToMeter {
  readonly line: WatchedLine;
  readonly target: Target;
}

export interface HeadEndsParts {
  readonly time: RigTime;
  readonly crypto: CryptoEngine;
  /** Of keys and numbers: a real meter must never meet the same ones again. */
  readonly random: Random;
  readonly recorder: Recorder;
  /** The one that the meters know. */
  readonly identity: Identity;
  /** Of all meters, and of the DAP. */
  readonly trusted: readonly Credential[];
  readonly operator: Identity | undefined;
  /** One that may only read; undefined where the meters know none. */
  readonly reader?: Identity | undefined;
  /** Throws an InfrastructureFault where a line is not there. */
  readonly lineTo: (meter: string) => LineToMeter;
}

export class HeadEnds {
  readonly known: RigHeadEnd;
  readonly #parts: HeadEndsParts;
  readonly #open: HeadEnd[] = [];
  readonly #knownAt = new Map<WatchedLine, HeadEnd>();
  #strangers = 0;

  constructor(parts: HeadEndsParts) {
    this.#parts = parts;
    this.known = this.#asking(parts.identity, this.#knownAt);
  }

  /** Where the head-end that the meters know asks this one. */
  placeOf(meter: string): LinePlace {
    return this.#placeOf(meter, this.#parts.identity, this.#knownAt);
  }

  close(): void {
    for (const headEnd of this.#open) headEnd.close();
  }

  #asking(identity: Identity, at: Map<WatchedLine, HeadEnd>): AskingHeadEnd {
    const { time, crypto, recorder, operator } = this.#parts;
    return new AskingHeadEnd({
      ...{ id: identity.credential.id, time, crypto, recorder, operator },
      placeOf: (meter: RigMeter) => this.#placeOf(meter.id, identity, at),
      stranger: () => this.#stranger(),
      reader: () => this.#reader(),
    });
  }

  #stranger(): RigHeadEnd {
    const { crypto, random } = this.#parts;
    const id = `stranger-${++this.#strangers}`;
    const identity = newIdentity(crypto, random.fork(id), { role: "head-end", id, development: true });
    return this.#asking(identity, new Map());
  }

  #reader(): RigHeadEnd {
    const { reader } = this.#parts;
    if (reader === undefined)
      throw new InfrastructureFault(
        'This bench has no head-end that may only read: let the test ask for it by needs("reader").',
      );
    return this.#asking(reader, new Map());
  }

  #placeOf(meter: string, identity: Identity, at: Map<WatchedLine, HeadEnd>): LinePlace {
    const { line, target } = this.#parts.lineTo(meter);
    const open = at.get(line);
    if (open !== undefined) return { headEnd: open, target };
    const { crypto, random, time, trusted } = this.#parts;
    const { id } = identity.credential;
    const headEnd = new HeadEnd({
      ...{ link: line.party(), clock: time.clock, crypto, identity, trust: new TrustList(trusted) },
      random: random.fork(`${id} at ${line.name}`),
    });
    at.set(line, headEnd);
    this.#open.push(headEnd);
    return { headEnd, target };
  }
}
