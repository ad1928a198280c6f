// What a new board gets beside keys and settings: the loader with its native module, and what starts it.
import { readImage, unpackFiles } from "../../firmware/update/image.ts";
import { unpack } from "../../hal/node/brotli.ts";
import type { CryptoEngine } from "../../hal/ports/crypto.ts";
import { boardFile, boardPrograms } from "../image/programs.ts";
import type { SetUpFile, SetUpParts } from "./set-up.ts";
import { type FlashImage, refusedBy } from "./target.ts";

/** The files of systemd, udev and procd, and the script that finds a Node; each where its system looks for it. */
export const SERVICE_FILES = [
  { file: "start", path: "opt/meterbench/start", mode: 0o755 },
  { file: "meterbench.procd", path: "opt/meterbench/meterbench.procd", mode: 0o755 },
  { file: "meterbench.service", path: "etc/systemd/system/meterbench.service", mode: 0o644 },
  { file: "meterbench.sysusers", path: "etc/sysusers.d/meterbench.conf", mode: 0o644 },
  { file: "60-meterbench.rules", path: "etc/udev/rules.d/60-meterbench.rules", mode: 0o644 },
] as const;

/** As `systemctl enable` makes it. */
const ENABLED = {
  path: "etc/systemd/system/multi-user.target.wants/meterbench.service",
  target: "../meterbench.service",
} as const;

/** The loader of this program, with the native module that is in the image: the one for its board. */
export async function loaderParts(
  crypto: CryptoEngine,
  image: FlashImage,
): Promise<Pick<SetUpParts, "boot" | "native" | "service">> {
  const { boot } = await boardPrograms();
  const files: readonly SetUpFile[] = SERVICE_FILES.map(({ file, path, mode }) => ({
    ...{ path, mode },
    bytes: boardFile(file),
  }));
  return { boot, native: nativeIn(crypto, image), service: { files, links: [ENABLED] } };
}

function nativeIn(crypto: CryptoEngine, { bytes, manifest }: FlashImage): SetUpParts["native"] {
  const parts = readImage(bytes);
  const files = "refusal" in parts ? parts : unpackFiles({ crypto, unpack }, manifest, parts.payload);
  if ("refusal" in files) throw refusedBy("this program", files);
  const index = manifest.files.findIndex(({ path }) => path === manifest.native);
  return { path: manifest.native, bytes: files[index] as Uint8Array };
}
