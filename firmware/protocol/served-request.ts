// What a serving end's resources are asked, and what they are to it.
import type { Station } from "../../hal/ports/link.ts";
import type { ResourceLink } from "./coap/link-format.ts";
import type { CoapContent } from "./coap/message.ts";
import type { Credential } from "./cose/credential.ts";
import type { Observed } from "./observe/observers.ts";
import type { Peer } from "./sessions.ts";

/** A request whose sender has proved who it is. */
export interface ServedRequest {
  readonly peer: Peer;
  /** Which of our credentials the session was made with; undefined where that was before the start. */
  readonly own?: Credential | undefined;
  readonly content: CoapContent;
  /** Where it came from. */
  readonly from: Station;
}

/** What a server serves. */
export interface Resources {
  /** The links of .well-known/core (RFC 6690), which anybody may read. */
  readonly links: readonly ResourceLink[];
  serve(request: ServedRequest): CoapContent;
  /** What an observer with this request is told from then on; undefined where nothing is. */
  observe?(request: ServedRequest): Observed | undefined;
}
