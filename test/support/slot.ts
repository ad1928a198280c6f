import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { readImage, unpackFiles } from "../../firmware/update/image.ts";
import type { ImageManifest } from "../../firmware/update/manifest.ts";
import { unpack } from "../../hal/node/brotli.ts";
import { opensslEngine } from "../../hal/node/openssl.ts";
import { inspectImage } from "../../host-tools/image/check.ts";

/** Puts the files of an image into a folder, as a board has them in a slot, and gives the image's manifest. */
export function writeSlot(folder: string, image: Uint8Array): ImageManifest {
  const parts = readImage(image);
  const inspected = inspectImage(opensslEngine, image);
  if ("refusal" in parts || "refusal" in inspected) throw new Error("no image");
  const { manifest } = inspected;
  const files = unpackFiles({ crypto: opensslEngine, unpack }, manifest, parts.payload);
  if ("refusal" in files) throw new Error(files.why);
  manifest.files.forEach(({ path }, index) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), files[index] as Uint8Array);
  });
  return manifest;
}
