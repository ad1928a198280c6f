// The machine that this program runs on: the one file here that looks at it.
import {
  accessSync,
  closeSync,
  constants,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  realpathSync,
} from "node:fs";
import { userInfo } from "node:os";
import type { Look, System } from "./system.ts";

const TEXT_BYTES_MAX = 65_536;
const NAMES_MAX = 65_536;
/** Used by one reading after the other. */
const buffer = new Uint8Array(TEXT_BYTES_MAX);

export const thisSystem: System = {
  platform: process.platform,
  nodeVersion: process.versions.node,
  userName: userName(),
  userId: process.getuid?.() ?? -1,
  groupIds: [...(process.getgroups?.() ?? []), process.getgid?.() ?? -1],
  programFolders: (process.env["PATH"] ?? "").split(":").filter((folder) => folder !== ""),
  text: (path) => look(() => readText(path)),
  names: (folder) => look(() => readdirSync(folder).sort().slice(0, NAMES_MAX)),
  link: (path) => look(() => readlinkSync(path)),
  realPath: (path) => look(() => realpathSync(path)),
  facts: (path) =>
    look(() => {
      const { mode, uid: userId, gid: groupId, dev: device, ino: inode } = lstatSync(path);
      return { mode, userId, groupId, device, inode };
    }),
  mayReadAndWrite: (path) => may(path, constants.R_OK | constants.W_OK),
  mayRun: (path) => may(path, constants.X_OK),
};

/** Never waits: a name in a folder that all may write to could be a pipe. */
function readText(path: string): string {
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    let length = 0;
    while (length < buffer.length) {
      const read = readSync(file, buffer, length, buffer.length - length, null);
      if (read === 0) break;
      length += read;
    }
    return new TextDecoder().decode(buffer.subarray(0, length));
  } finally {
    closeSync(file);
  }
}

function look<Found>(at: () => Found): Look<Found> {
  try {
    return { found: at() };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === "EACCES" || code === "EPERM" ? "denied" : "absent";
  }
}

function may(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}

/** A user id without a name, as containers have them, is shown as its number. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? "");
  }
}
