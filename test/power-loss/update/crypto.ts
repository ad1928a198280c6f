import { opensslEngine } from "../../../hal/node/openssl.ts";
import type { CryptoEngine } from "../../../hal/ports/crypto.ts";

/** What was computed of the same bytes before is remembered: most disks differ from others in very little. */
export const crypto: CryptoEngine = {
  ...opensslEngine,
  sha256: remembered(textOf, (data) => opensslEngine.sha256(data)),
  verify: remembered(
    (...[name, ...inputs]: Parameters<CryptoEngine["verify"]>) => [name, ...inputs.map(textOf)].join(),
    (...inputs) => opensslEngine.verify(...inputs),
  ),
};

export function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
}

function remembered<Inputs extends readonly unknown[], Result>(
  keyOf: (...inputs: Inputs) => string,
  compute: (...inputs: Inputs) => Result,
): (...inputs: Inputs) => Result {
  const known = new Map<string, Result>();
  return (...inputs) => {
    const key = keyOf(...inputs);
    const result = known.get(key) ?? compute(...inputs);
    known.set(key, result);
    return result;
  };
}
