// What the server refuses, as events of the security log.
import type { ServerEvent } from "../protocol/secure-server.ts";
import type { EventName } from "./event-table.ts";

/**
 * By the server's reasons. A forgotten session or handshake, a message that is none and a budget that is used up are
 * no attack on a key: they stay counters, as after each restart honest head-ends come with what the meter forgot.
 */
const EVENTS_BY_REASON: ReadonlyMap<string, EventName> = new Map([
  ["unknown-credential", "authentication-failed"],
  ["own-credential", "authentication-failed"],
  ["too-many-candidates", "authentication-failed"],
  ["proof", "authentication-failed"],
  ["decryption", "decryption-failed"],
  ["decrypt", "decryption-failed"],
  ["plaintext", "decryption-failed"],
  ["replay", "replay-refused"],
  ["unprotected", "access-refused"],
]);

/** What to log of what the server tells; undefined for nothing. */
export function securityEventOf(event: ServerEvent): EventName | undefined {
  if (event.kind === "forgeries") return "forgery-flood";
  return event.kind === "refused" ? EVENTS_BY_REASON.get(event.reason) : undefined;
}
