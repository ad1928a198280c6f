import { type Identity, newIdentity, type Role } from "meterbench/firmware";
import { SeededRandom } from "meterbench/hal";
import { opensslEngine } from "meterbench/hal/node";

function party(role: Role, id: string): Identity {
  return newIdentity(opensslEngine, new SeededRandom(id), { role, id, development: true });
}

export const METER = party("meter", "M1");
export const HEAD_END = party("head-end", "H");
/** The answer of every server that is measured. */
export const BODY = new Uint8Array(60).fill(0x42);
