import { readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { readImage, unpackFiles } from "../../firmware/update/image.ts";
import { unpack } from "../../hal/node/brotli.ts";
import { opensslEngine } from "../../hal/node/openssl.ts";
import { openSerialUart } from "../../hal/node/serial-uart.ts";
import { inspectImage } from "../../host-tools/image/check.ts";
import { start } from "../support/command.ts";
import { PTY_SETTINGS } from "../support/pty-pair.ts";
import { ptyLine } from "./pty-line.ts";

const PROBE = fileURLToPath(new URL("./native-probe.js", import.meta.url));
const WITHIN_MS = 20_000;

/** Bytes of all values, so that any that the line's settings would swallow or change is missed. */
const ALL_BYTES = Uint8Array.from({ length: 256 }, (_, value) => value);

/** Takes the native module out of an image and gives the path of its file. */
export function nativeModuleOf(folder: string, image: string): string {
  const bytes = readFileSync(join(folder, image));
  const inspected = inspectImage(opensslEngine, bytes);
  const parts = readImage(bytes);
  if ("refusal" in inspected || "refusal" in parts) throw new Error(`${image} is no image`);
  const { files, native } = inspected.manifest;
  const contents = unpackFiles({ crypto: opensslEngine, unpack }, inspected.manifest, parts.payload);
  if ("refusal" in contents) throw new Error(contents.why);
  const path = join(folder, basename(native));
  writeFileSync(path, contents[files.findIndex((file) => file.path === native)] as Uint8Array);
  return path;
}

/**
 * Loads `native` under the Node that `node` runs, has it open a PTY in `folder`, and sends bytes there and back. Gives
 * what was loaded where and how soon; throws where bytes are missing or changed.
 */
export async function probeNativeModule(node: string, native: string, folder: string) {
  const line = await ptyLine(folder);
  const begun = performance.now();
  const probe = await start(node, [PROBE, native, line.boardEnd]);
  const secondsToOpen = (performance.now() - begun) / 1000;
  const reader = await openSerialUart(line.readerEnd, PTY_SETTINGS);
  try {
    const answer: number[] = [];
    reader.listen({ bytes: (bytes) => answer.push(...bytes) });
    reader.write(ALL_BYTES);
    const until = performance.now() + WITHIN_MS;
    while (answer.length < ALL_BYTES.length && performance.now() < until) await pause(10);
    const wrong = ALL_BYTES.findIndex((byte) => answer[byte] !== (byte ^ 0xff));
    if (wrong >= 0 || answer.length !== ALL_BYTES.length)
      throw new Error(`of ${ALL_BYTES.length} bytes ${answer.length} came back, wrong from ${wrong} on`);
    const { node: version, arch } = probe.ready;
    return { node: version, arch, bytesBothWays: answer.length, secondsToOpen };
  } finally {
    reader.close();
    await probe.kill();
    line.close();
  }
}
