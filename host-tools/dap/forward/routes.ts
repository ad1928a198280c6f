// Where each alias is: what a routes file says, as the forwarding half knows it.
import { fromText } from "../../../firmware/protocol/bytes.ts";
import type { Station } from "../../../hal/ports/link.ts";

/** One meter's place. */
export interface Route {
  readonly alias: string;
  /** The alias as it goes into Uri-Host. */
  readonly host: Uint8Array;
  /** Its link, by the place that it has among the links. */
  readonly line: number;
  readonly station: Station;
}

/** Meters by alias, and groups of them by name. */
export class Routes {
  readonly #byAlias = new Map<string, Route>();
  readonly #groups = new Map<string, readonly string[]>();

  constructor(
    meters: Iterable<{ readonly alias: string; readonly line: number; readonly station: Station }>,
    groups: Readonly<Record<string, readonly string[]>> = {},
  ) {
    for (const { alias, line, station } of meters)
      this.#byAlias.set(alias, { alias, host: fromText(alias), line, station });
    for (const [name, members] of Object.entries(groups)) this.#groups.set(name, members);
  }

  get all(): Iterable<Route> {
    return this.#byAlias.values();
  }

  get groups(): ReadonlyMap<string, readonly string[]> {
    return this.#groups;
  }

  /** Undefined for whatever is no meter of the file. */
  find(alias: string): Route | undefined {
    return this.#byAlias.get(alias);
  }
}
