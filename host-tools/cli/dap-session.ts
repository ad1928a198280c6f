// A head-end's own word with a DAP: whom it must prove itself to before the DAP does more than pass single requests on.
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { CODE, resourceRequest } from "../../firmware/protocol/coap/message.ts";
import type { Credential } from "../../firmware/protocol/cose/credential.ts";
import { type DapStatus, decodeStatus } from "../dap/operator/status.ts";
import type { Answer, HeadEnd, Target } from "../head-end/client.ts";
import { type CommonOptions, homeOf } from "./common.ts";
import { readCredential, readIdentity } from "./home.ts";

export interface DapOptions extends Pick<CommonOptions, "home"> {
  readonly keys?: string;
  readonly dap?: string;
}

/** Settings, counters and the meters of a block. */
const STATUS_BYTES = 1024;

const KEY_FILE = ".key.json";

/** The DAPs that this head-end knows: the one of `--dap`, else this folder's, whose keys are for development. */
export function knownDaps(options: DapOptions): readonly Credential[] {
  if (options.dap !== undefined) return [readCredential(options.dap, "dap")];
  const folder = join(homeOf(options).folder, "daps");
  if (options.keys !== undefined || !existsSync(folder)) return [];
  const files = readdirSync(folder).filter((name) => name.endsWith(KEY_FILE));
  return files.map((name) => readIdentity(join(folder, name), "dap").credential);
}

/** Proves to the DAP at a place who asks there; its station is an operator's from then on. Rejects with HeadEndError. */
export function readDap(
  headEnd: HeadEnd,
  at: Target,
  daps: readonly Credential[],
): Promise<Answer<DapStatus>> {
  const { station, name, timeoutMs } = at;
  const [only, ...others] = daps;
  const expected = only !== undefined && others.length === 0 ? { expect: only.id } : {};
  const question = {
    content: resourceRequest(CODE.get, "d"),
    answerBytes: STATUS_BYTES,
    decode: decodeStatus,
  };
  return headEnd.read({ station, name, timeoutMs, isDap: true, ...expected }, question);
}
