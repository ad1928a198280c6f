// Where a board has its files: all below its root, which is / on a board, and any folder for who prepares one.
import { join } from "../../hal/node/program.ts";

export interface BoardPlaces {
  readonly conf: string;
  /** Credential files of whoever may sign images. */
  readonly authors: string;
  readonly headEnds: string;
  /** The one folder that is written in operation. */
  readonly data: string;
  readonly state: string;
  /** A file of this name asks for the recovery console. */
  readonly recoveryFlag: string;
  readonly key: string;
}

export function placesBelow(root: string): BoardPlaces {
  const settings = join(root, "etc/meterbench");
  const data = join(root, "var/lib/meterbench");
  return {
    conf: join(settings, "meter.conf"),
    authors: join(settings, "authors"),
    headEnds: join(settings, "head-ends"),
    data,
    state: join(data, "state"),
    recoveryFlag: join(data, "recovery"),
    key: join(data, "keys", "meter.key.json"),
  };
}
