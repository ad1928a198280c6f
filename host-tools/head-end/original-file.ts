// What tells a file from its copies: numbers that a copy has may have been used since.
import { type BigIntStats, readFileSync } from "node:fs";

/** Another one after each start of the machine (random(4)); on Linux alone. */
export const BOOT_ID_FILE = "/proc/sys/kernel/random/boot_id";

/**
 * The file of a restored folder was born later, of a snapshot it is on another device, and whoever puts a whole disk back
 * starts from it. Undefined where the file system does not say when a file was born: inodes are used again.
 */
export function originalOf({ dev, ino, birthtimeNs }: BigIntStats): string | undefined {
  return birthtimeNs === 0n ? undefined : `${bootId()} ${dev} ${ino} ${birthtimeNs}`;
}

function bootId(): string {
  return process.platform === "linux" ? readFileSync(BOOT_ID_FILE, "utf8").trim() : "";
}
