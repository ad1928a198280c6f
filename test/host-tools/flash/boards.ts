// Boards for the tests of flashing: who they are, whom they believe, and images for this machine.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants } from "node:zlib";
import { AUTHOR_KEYS, newIdentity, type Role, writeKeyFile } from "../../../firmware/identity/identity.ts";
import { concat, fromText, toHex } from "../../../firmware/protocol/bytes.ts";
import { encodeImage } from "../../../firmware/update/image.ts";
import { signManifest } from "../../../firmware/update/manifest.ts";
import { SeededRandom } from "../../../hal/emulated/seeded-random.ts";
import { opensslEngine } from "../../../hal/node/openssl.ts";
import { systemClock } from "../../../hal/node/system-clock.ts";
import { thisMachine } from "../../../hal/node/this-machine.ts";
import { DirTarget } from "../../../host-tools/flash/dir.ts";
import { type FlashOptions, flash } from "../../../host-tools/flash/flash.ts";
import { readFlashImage } from "../../../host-tools/flash/image-file.ts";
import { type BoardSetUp, boardSetUp } from "../../../host-tools/flash/set-up.ts";
import type { FlashImage } from "../../../host-tools/flash/target.ts";
import { AUTHOR, type Files, type ImageOptions, manifestOf } from "../../firmware/update/images.ts";

function party(role: Role, id: string) {
  const random = new SeededRandom(`${role} ${id}`);
  const keys = role === "author" ? AUTHOR_KEYS : {};
  return newIdentity(opensslEngine, random, { role, id, development: false, ...keys });
}

const METER = party("meter", "M1");
const HEAD_END = party("head-end", "utility");
const CONF = "at udp:127.0.0.1:0\nchip bl0942@serial:./chip\nserial-number 4711\n";

const { arch, libc } = thisMachine();
const PREBUILDS = "node_modules/@serialport/bindings-cpp/prebuilds";
const MODULE = {
  x64: `linux-x64/@serialport+bindings-cpp.${libc.kind}.node`,
  arm64: `linux-arm64/@serialport+bindings-cpp.armv8.${libc.kind}.node`,
}[arch];
/** The one that this machine's Node loads. */
const NATIVE = new Uint8Array(readFileSync(`${PREBUILDS}/${MODULE}`));
const NATIVE_PATH = `prebuilds/linux-${arch}/@serialport+bindings-cpp.node`;

/** An image for this machine, which prints its sequence where it is started. */
export function ownImage(sequence: number, options: ImageOptions = {}): FlashImage {
  const files = inOrder({
    "app/main.mjs": fromText(`console.log("image ${sequence}");\n`),
    "app/package.json": fromText('{"type":"module"}\n'),
    [NATIVE_PATH]: NATIVE,
    ...options.files,
  });
  const payload = quicklyPacked(files);
  const manifest = manifestOf(sequence, {
    files: {},
    manifest: {
      ...{ arch: arch as "x64", libc: libc.kind, libcMin: "2.17", native: NATIVE_PATH },
      files: Object.entries(files).map(([path, bytes]) => ({
        ...{ path, bytes: bytes.length, digest: opensslEngine.sha256(bytes) },
      })),
      payload: { bytes: payload.length, digest: opensslEngine.sha256(payload) },
      ...options.manifest,
    },
  });
  const envelope = signManifest(opensslEngine, options.author ?? AUTHOR, manifest);
  return imageFrom(encodeImage({ envelope, payload }));
}

function inOrder(files: Files): Files {
  return Object.fromEntries(Object.entries(files).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** As small as it gets takes a second each. */
function quicklyPacked(files: Files): Uint8Array {
  const params = { [constants.BROTLI_PARAM_QUALITY]: 1 };
  return Uint8Array.from(brotliCompressSync(concat(...Object.values(files)), { params }));
}

function imageFrom(bytes: Uint8Array): FlashImage {
  const image = readFlashImage(opensslEngine, bytes);
  if ("refusal" in image) throw new Error(image.why);
  return image;
}

/** What makes a board that takes images of {@link AUTHOR}. */
export function setUp(changes: Partial<Parameters<typeof boardSetUp>[0]> = {}): BoardSetUp {
  return boardSetUp({
    ...{ meterKey: writeKeyFile(METER), conf: CONF },
    ...{ headEnds: [HEAD_END.credential], authors: [AUTHOR.credential] },
    ...{ boot: fromText("// a loader\n"), native: { path: NATIVE_PATH, bytes: NATIVE } },
    service: {
      files: [{ path: "opt/meterbench/start", mode: 0o755, bytes: fromText("#!/bin/sh\n") }],
      links: [{ path: "etc/systemd/system/multi-user.target.wants/m.service", target: "../m.service" }],
    },
    ...changes,
  });
}

/** Flashes a board in a folder. */
export async function flashedIn(root: string, image: FlashImage, options: Partial<FlashOptions> = {}) {
  const target = await DirTarget.open("dir:card", root, opensslEngine);
  try {
    return await flash(target, image, { clock: systemClock, ...options });
  } finally {
    await target.close();
  }
}

/** All files below a folder, with the digest of what is in each. */
export function filesIn(path: string): Record<string, string> {
  const entries = readdirSync(path, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const digestOf = (file: string): string => toHex(opensslEngine.sha256(new Uint8Array(readFileSync(file))));
  return Object.fromEntries(files.map((file) => [file, digestOf(file)]));
}
