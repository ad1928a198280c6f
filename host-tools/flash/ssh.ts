// A board over ssh: files go there by sftp, and the board's own loader does the rest.
import { createHash } from "node:crypto";
import { toHex } from "../../firmware/protocol/bytes.ts";
import { placesBelow } from "../../firmware/startup/board-places.ts";
import { installedFrom, reportFrom } from "../../firmware/update/report-json.ts";
import type { SlotsReport } from "../../firmware/update/slots-report.ts";
import type { SshPlace } from "./place.ts";
import { BOOT, type BoardSetUp, type SetUpFile, START } from "./set-up.ts";
import { Sftp } from "./sftp.ts";
import { type Ended, runByShell } from "./ssh-programs.ts";
import {
  type Activated,
  FlashError,
  type FlashImage,
  type FlashTarget,
  keyIsThere,
  type OnProgress,
  refusedBy,
  type Uploaded,
} from "./target.ts";

/** What our own commands end with where the loader is not there; none of the loader's own. */
const NO_BOARD = 44;

export class SshTarget implements FlashTarget {
  readonly name: string;
  readonly #place: SshPlace;
  /** Without a slash at its end. */
  readonly #root: string;

  constructor(name: string, place: SshPlace) {
    this.name = name;
    this.#place = place;
    this.#root = place.root === "/" ? "" : place.root;
  }

  async report(): Promise<SlotsReport | "empty"> {
    const ended = await this.#loader("slots");
    if (ended.code === NO_BOARD) return "empty";
    const report = reportFrom(parsed(ended.stdout));
    if (report === undefined) throw this.#fault(ended);
    return report;
  }

  async setUp({ files, links }: BoardSetUp, onProgress: OnProgress): Promise<void> {
    const allBytes = files.reduce((sum, { bytes }) => sum + bytes.length, 0);
    let doneBytes = 0;
    await this.#withSftp(async (sftp) => {
      const made = new Set<string>();
      for (const { path, target } of links) {
        await this.#makeFolders(sftp, path, made);
        await sftp.link(this.#at(path), target);
      }
      for (const file of files) {
        await this.#makeFolders(sftp, file.path, made);
        await this.#put(sftp, file, (bytes) => onProgress(doneBytes + bytes, allBytes));
        doneBytes += file.bytes.length;
      }
    });
  }

  async upload({ digest, bytes }: FlashImage, onProgress: OnProgress): Promise<Uploaded> {
    const path = this.#uploadOf(digest);
    return this.#withSftp(async (sftp) => {
      await sftp.makeOwnFolder(this.#at(UPLOADS));
      for (const other of await sftp.list(this.#at(UPLOADS)))
        if (other !== path && UPLOAD.test(other)) await sftp.remove(other);
      return sftp.resume(path, bytes, onProgress);
    });
  }

  async activate(digest: Uint8Array): Promise<Activated> {
    const path = this.#uploadOf(digest);
    const ended = await this.#loader(`install ${path}`, `rm -f ${path}`);
    const installed = installedFrom(parsed(ended.stdout));
    if (installed === undefined) throw this.#fault(ended);
    if ("refusal" in installed) throw refusedBy(this.name, installed);
    return { ...installed, starts: installed.armed && (await this.#restart()) };
  }

  async close(): Promise<void> {}

  /** A meter that runs takes up the new image as it starts anew; where none runs, or we may not, that is the user's. */
  async #restart(): Promise<boolean> {
    // A folder elsewhere is no running system's.
    const script = { "": RESTART_SYSTEMD, "/srv/meterbench": RESTART_PROCD }[this.#root];
    return script !== undefined && (await runByShell(this.#place, script)).code === 0;
  }

  /** By the start script of the board, which knows where its Node is. */
  #loader(command: string, then = ":"): Promise<Ended> {
    const isThere = `test -f ${this.#at(BOOT)} || exit ${NO_BOARD}`;
    const start = `sh ${this.#at(START)} ${command} --json`;
    return runByShell(this.#place, `${isThere}; ${start}; code=$?; ${then}; exit $code`);
  }

  /** A meter's key that is there already is never replaced by another one. */
  async #put(sftp: Sftp, { path, mode, bytes, isKey }: SetUpFile, onProgress: OnProgress): Promise<void> {
    const at = this.#at(path);
    if (!isKey || (await sftp.sizeOf(at)) === undefined) return sftp.put(at, bytes, mode, onProgress);
    const { stdout } = await runByShell(this.#place, `sha256sum ${at}`);
    if (stdout.startsWith(createHash("sha256").update(bytes).digest("hex"))) return;
    throw keyIsThere(at, this.name);
  }

  async #makeFolders(sftp: Sftp, path: string, made: Set<string>): Promise<void> {
    const segments = path.split("/").slice(0, -1);
    for (const [i] of segments.entries()) {
      const folder = segments.slice(0, i + 1).join("/");
      const isPrivate = `${folder}/`.startsWith(`${DATA}/`);
      if (!made.has(folder)) await sftp.makeFolder(this.#at(folder), isPrivate ? "700" : undefined);
      made.add(folder);
    }
  }

  async #withSftp<Result>(work: (sftp: Sftp) => Promise<Result>): Promise<Result> {
    const sftp = new Sftp(this.#place);
    try {
      return await work(sftp);
    } finally {
      await sftp.close();
    }
  }

  /** Paths of our own and a root that was checked: nothing in them is for a shell to read otherwise. */
  #at(path: string): string {
    return `${this.#root}/${path}`;
  }

  #uploadOf(digest: Uint8Array): string {
    return this.#at(`${UPLOADS}/${toHex(digest)}.mbi`);
  }

  #fault({ code, stdout, stderr }: Ended): FlashError {
    const said = (stderr.trim() || stdout.trim()).split("\n").at(-1) ?? "";
    const why = said === "" ? `it ended with ${code}` : said.replace(/\.$/, "");
    return new FlashError(
      "failed",
      `The loader at ${this.name} gives no answer (${why}): log in there, and run it by hand.`,
    );
  }
}

const DATA = placesBelow("").data;
const UPLOADS = `${DATA}/upload`;
const UPLOAD = /\/[0-9a-f]{64}\.mbi$/;

const RESTART_SYSTEMD =
  "systemctl -q is-active meterbench.service && systemctl restart --no-block meterbench.service";
const RESTART_PROCD = "/etc/init.d/meterbench running && /etc/init.d/meterbench restart";

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
