// `keys rotate TARGET`: a meter makes itself a new key, and the head-end enrols it.
import type { Command } from "commander";
import { toHex } from "../../firmware/protocol/bytes.ts";
import { credentialHash } from "../../firmware/protocol/cose/credential.ts";
import { rotateKey } from "../head-end/rotation.ts";
import { engineOf, registryOf } from "./common.ts";
import { printable, say, sayJson } from "./output.ts";
import { type TargetOptions, withHeadEnd, withTargetOptions } from "./target.ts";

const HELP = `
The meter makes the key itself, and its secret stays there. It is known by its old key until the new one was proved to this
head-end: after a lost line or a power cut, the same command once more completes it. Takes the right update. Other
head-ends of the meter need its new credential ('meterbench keys credential' at the meter), and so does an issuer's CWT.

Example: meterbench keys rotate pty:./meter1`;

/** The sub-command of `keys`. */
export function addRotateCommand(keys: Command): void {
  withTargetOptions(keys.command("rotate <target>"))
    .description("have a meter replace its key by a new one")
    .addHelpText("after", HELP)
    .action(async (target: string, options: TargetOptions) => {
      const crypto = await engineOf(options);
      const registry = registryOf(options);
      const { meter, outcome, credential } = await withHeadEnd(target, options, (headEnd, to) =>
        rotateKey({ headEnd, registry, crypto }, to),
      );
      const hash = toHex(credentialHash(crypto, credential));
      if (options.json) return sayJson({ meter, outcome, credentialHash: hash });
      const how =
        outcome === "rotated" ? "has a new key" : "had taken its new key already, which is enrolled now";
      say(`Meter ${printable(meter)} ${how}: credential hash ${hash.slice(0, 16)}.`);
    });
}
