// A board over ssh: files go there by sftp, and the board's own loader does the rest.
import { toHex } from "../../firmware/protocol/bytes.ts";
import { placesBelow } from "../../firmware/startup/board-places.ts";
import { installedFrom, reportFrom } from "../../firmware/update/report-json.ts";
import type { SlotsReport } from "../../firmware/update/slots-report.ts";
import type { SshPlace } from "./place.ts";
import { BOOT, type BoardSetUp, START } from "./set-up.ts";
import { Sftp } from "./sftp.ts";
import { type Ended, runByShell } from "./ssh-programs.ts";
import { folderScript, OTHER_KEY, setUpScript } from "./ssh-set-up.ts";
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

/** What our own scripts end with where the loader is not there; none of the loader's own. */
const NO_BOARD = 44;
/** And where this user may not look into its data: to a loader that sees nothing, all slots are empty. */
const NO_RIGHT = 46;

const PLACES = placesBelow("");
/** Within the data folder, which is written even where the root is read-only; with sudo, in the user's home. */
const UPLOADS = `${PLACES.data}/upload`;
const UPLOADS_AT_HOME = "meterbench-upload";
const UPLOAD = /\/[0-9a-f]{64}\.mbi$/;

export class SshTarget implements FlashTarget {
  readonly name: string;
  readonly #place: SshPlace;
  /** Without a slash at its end. */
  readonly #root: string;
  #wasSetUp = false;
  #uploads: string | undefined;

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

  async setUp(setUp: BoardSetUp, onProgress: OnProgress): Promise<void> {
    await this.#done(folderScript(this.#root, [`${UPLOADS}/file`]));
    const aside = await this.#sendAside(setUp, onProgress);
    await this.#done(setUpScript(this.#root, aside, setUp));
    this.#wasSetUp = true;
  }

  async upload({ digest, bytes }: FlashImage, onProgress: OnProgress): Promise<Uploaded> {
    return this.#withSftp(async (sftp, uploads) => {
      const path = `${uploads}/${toHex(digest)}.mbi`;
      await sftp.makeOwnFolder(uploads);
      for (const other of await sftp.list(uploads))
        if (other !== path && UPLOAD.test(other)) await sftp.remove(other);
      return sftp.resume(path, bytes, onProgress);
    });
  }

  async activate(digest: Uint8Array): Promise<Activated> {
    const path = `${this.#uploads}/${toHex(digest)}.mbi`;
    const ended = await this.#loader(`install ${path}`, `rm -f ${path}`);
    const installed = installedFrom(parsed(ended.stdout));
    if (installed === undefined) throw this.#fault(ended);
    if ("refusal" in installed) throw refusedBy(this.name, installed);
    return { ...installed, starts: await this.#start(installed.armed) };
  }

  async close(): Promise<void> {}

  /** Each file under its number, where only this user reads it. */
  async #sendAside({ files }: BoardSetUp, onProgress: OnProgress): Promise<string> {
    const allBytes = files.reduce((sum, { bytes }) => sum + bytes.length, 0);
    return this.#withSftp(async (sftp, uploads) => {
      const aside = `${uploads}/new`;
      await sftp.makeOwnFolder(uploads);
      await sftp.makeOwnFolder(aside);
      let doneBytes = 0;
      for (const [i, { bytes }] of files.entries()) {
        await sftp.put(`${aside}/${i}`, bytes, 0o600, (bytes) => onProgress(doneBytes + bytes, allBytes));
        doneBytes += bytes.length;
      }
      return aside;
    });
  }

  /** A meter that runs takes up its new image as it starts anew, and a new one begins; true where it does so now. */
  async #start(isArmed: boolean): Promise<boolean> {
    const script = isArmed
      ? RESTARTS.get(this.#root)
      : this.#wasSetUp
        ? BEGINNINGS.get(this.#root)
        : undefined;
    return script !== undefined && (await this.#run(script)).code === 0;
  }

  /** By the start script of the board, which knows where its Node is. */
  #loader(command: string, then = ":"): Promise<Ended> {
    const [boot, data] = [`${this.#root}/${BOOT}`, `${this.#root}/${PLACES.data}`];
    const isThere = `test -f ${boot} || exit ${NO_BOARD}`;
    const isSeen = `test ! -e ${data} || { test -r ${data} && test -x ${data}; } || exit ${NO_RIGHT}`;
    const start = `sh ${this.#root}/${START} ${command} --json`;
    return this.#run(`${isThere}; ${isSeen}; ${start}; code=$?; ${then}; exit $code`);
  }

  async #done(script: string): Promise<void> {
    const ended = await this.#run(script);
    if (ended.code === OTHER_KEY) throw keyIsThere(`${this.#root}/${PLACES.key}`, this.name);
    if (ended.code !== 0)
      throw new FlashError(
        "unusable",
        `The board at ${this.name} cannot be set up (${lastWords(ended)}): log in as root, or as a user with ?sudo=yes, and look at its disk.`,
      );
  }

  /** None of our scripts has a quote in it. */
  #run(script: string): Promise<Ended> {
    return runByShell(this.#place, this.#place.sudo ? `sudo -n sh -c '${script}'` : script);
  }

  async #withSftp<Result>(work: (sftp: Sftp, uploads: string) => Promise<Result>): Promise<Result> {
    const sftp = new Sftp(this.#place);
    try {
      this.#uploads ??= this.#place.sudo
        ? `${await sftp.home()}/${UPLOADS_AT_HOME}`
        : `${this.#root}/${UPLOADS}`;
      return await work(sftp, this.#uploads);
    } finally {
      await sftp.close();
    }
  }

  #fault(ended: Ended): FlashError {
    const why = lastWords(ended);
    if (ended.code === NO_RIGHT)
      return new FlashError(
        "unusable",
        `The user at ${this.name} may not look into the board's data: log in as root, or with ?sudo=yes.`,
      );
    if (/^sudo: /.test(why))
      return new FlashError(
        "unusable",
        `The user at ${this.name} does not become root (${why}): let that user do so without a password, or log in as root.`,
      );
    return new FlashError(
      "failed",
      `The loader at ${this.name} gives no answer (${why}): log in there, and run it by hand.`,
    );
  }
}

/** How the service is called that starts a board of this root, where it is up: a folder elsewhere is no running system's. */
const RESTARTS: ReadonlyMap<string, string> = new Map([
  ["", "systemctl -q is-active meterbench.service && systemctl restart --no-block meterbench.service"],
  ["/srv/meterbench", "/etc/init.d/meterbench running && /etc/init.d/meterbench restart"],
]);

/** Makes the meter's user, and its serial lines' names, known to a system that is up already; it then starts by itself. */
const BEGINNINGS: ReadonlyMap<string, string> = new Map([
  [
    "",
    "systemd-sysusers && systemctl daemon-reload && { udevadm control --reload; udevadm trigger --subsystem-match=tty; systemctl restart --no-block meterbench.service; }",
  ],
]);

function lastWords({ code, stdout, stderr }: Ended): string {
  const said = (stderr.trim() || stdout.trim()).split("\n").at(-1) ?? "";
  return said === "" ? `it ended with ${code}` : said.replace(/\.$/, "");
}

/** The last line: what a user's shell says as it starts comes before. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text.trim().split("\n").at(-1) ?? "");
  } catch {
    return undefined;
  }
}
