// A board's settings in a mounted tree, as far as the installer needs them: whom it believes to sign images.
import { readCredentialFile } from "../../firmware/identity/identity.ts";
import { refusalOf, type TrustProfile } from "../../firmware/identity/trust.ts";
import type { Credential } from "../../firmware/protocol/cose/credential.ts";
import { placesBelow } from "../../firmware/startup/board-places.ts";
import { confLines } from "../../firmware/startup/meter-conf.ts";
import { listBelow, readBelow } from "./root-writer.ts";

const PLACES = placesBelow("");

/** Credentials that the board itself would take: of authors, and fit for its profile. */
export function authorsBelow(root: string): readonly Credential[] {
  const profile = profileOf(textBelow(root, PLACES.conf));
  const files = listBelow(root, PLACES.authors).filter((name) => /^[^.].*\.json$/.test(name));
  return files.flatMap((name) => {
    const file = readCredentialFile(textBelow(root, `${PLACES.authors}/${name}`));
    const isFit =
      !("error" in file) && file.role === "author" && refusalOf(profile, file.credential) === undefined;
    return isFit ? [file.credential] : [];
  });
}

/** A board is one for development only where its settings say so. */
export function profileOf(conf: string): TrustProfile {
  const said = confLines(conf).findLast(({ name }) => name === "profile");
  return said?.value === "development" ? "development" : "production";
}

/** Whether the tree's own system mounts another partition at this folder, which then hides what is in it. */
export function isMountedAt(root: string, path: string): boolean {
  const lines = textBelow(root, "etc/fstab").split("\n");
  return lines.some((line) => !line.startsWith("#") && line.trim().split(/\s+/)[1] === `/${path}`);
}

function textBelow(root: string, path: string): string {
  return new TextDecoder().decode(readBelow(root, path));
}
