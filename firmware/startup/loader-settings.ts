// What the loader takes of a board's settings. It must start whatever they say: what is wrong there is the meter's to tell.
import { readText } from "../../hal/node/program.ts";
import type { TrustProfile } from "../identity/trust.ts";
import { RECOVERY } from "./board-options.ts";
import { placesBelow } from "./board-places.ts";
import { type ConfLine, confLines } from "./meter-conf.ts";

export interface LoaderSettings {
  /** The line of the recovery console: `serial:/dev/ttyAMA1?baud=115200`. */
  readonly recovery: string | undefined;
  readonly profile: TrustProfile;
}

export function loaderSettings(root: string): LoaderSettings {
  const lines = readableLines(placesBelow(root).conf);
  const last = (wanted: string): string | undefined => lines.findLast(({ name }) => name === wanted)?.value;
  const profile = last("profile") === "development" ? "development" : "production";
  return { recovery: last(RECOVERY), profile };
}

function readableLines(path: string): readonly ConfLine[] {
  try {
    return confLines(readText(path));
  } catch {
    return [];
  }
}
