// A relay switched by an operator's order: asked, signed, sent, and looked after.
import type { Identity } from "../../firmware/identity/identity.ts";
import type { RelayReading } from "../../firmware/protocol/readings/relay-reading.ts";
import { positionOf } from "../../firmware/relay/control-state.ts";
import type { RelayOrder } from "../../firmware/relay/relay-control.ts";
import { signOrder } from "../../firmware/relay/switching.ts";
import type { Clock } from "../../hal/ports/clock.ts";
import type { CryptoEngine } from "../../hal/ports/crypto.ts";
import type { Answer, HeadEnd, Target } from "./client.ts";
import { HeadEndError } from "./errors.ts";

/** What it takes to have a relay switched. */
export interface SwitchingParts {
  readonly headEnd: HeadEnd;
  readonly clock: Clock;
  readonly crypto: CryptoEngine;
  readonly operator: Identity;
}

/** An order is void when it has not arrived by then: the meter's challenge alone makes it so after 93 s. */
const NOT_AFTER_SECONDS = 600;
/** Contacts take some ten milliseconds and a meter looks at them each second: so often, and so long in between. */
const LOOKS = 5;
const LOOK_AGAIN_MS = 300;

/**
 * Has an operator's order carried out, and reads back until the contacts are where the meter wants them, or a while
 * later. Rejects with {@link HeadEndError}.
 */
export async function switchRelay(
  { headEnd, clock, crypto, operator }: SwitchingParts,
  target: Target,
  order: RelayOrder,
): Promise<Answer<RelayReading>> {
  const { meter, body } = await headEnd.readRelay(target);
  refuseUnswitched(body, target);
  const timeSeconds = body.timeSeconds ?? (clock.utcMs() ?? 0) / 1000;
  const notAfterSeconds = Math.floor(timeSeconds) + NOT_AFTER_SECONDS;
  const { challenge } = body;
  await headEnd.orderRelay(target, signOrder(crypto, operator, { order, meter, challenge, notAfterSeconds }));
  let read = await headEnd.readRelay(target);
  for (let look = 1; look < LOOKS && !agrees(read.body); look++) {
    await passed(clock, LOOK_AGAIN_MS);
    read = await headEnd.readRelay(target);
  }
  return read;
}

/** True where the contacts are where the state wants them; undefined where nobody can see them. */
export function agrees({ state, position }: Pick<RelayReading, "state" | "position">): boolean | undefined {
  return position === "unknown" ? undefined : position === positionOf(state);
}

function refuseUnswitched({ mode, challenge }: RelayReading, { name }: Target): void {
  if (mode === 0)
    throw new HeadEndError(
      "identity",
      `Nothing is switched from afar at the meter at ${name}: allow it there (serve --relay).`,
    );
  if (challenge.length === 0)
    throw new HeadEndError(
      "identity",
      `The meter at ${name} does not let this head-end switch its relay: give it that right there (serve --allow).`,
    );
}

function passed(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(ms, resolve);
  });
}
