// Files onto a board by the program sftp, one command after the other, and long ones in pieces that can be told.
import type { ChildProcess } from "node:child_process";
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { SshPlace } from "./place.ts";
import { type Ended, endOf, sshTrouble, start } from "./ssh-programs.ts";
import { FlashError, type OnProgress, type Uploaded } from "./target.ts";

/** A piece is told when it is over: as much as the line takes in about half a second, within these bounds. */
const PIECE_BYTES_MIN = 32 << 10;
const PIECE_BYTES_MAX = 4 << 20;
const PIECE_MS = 500;

/** The name here of what is sent: in a folder of our own, so that it needs no quotes. */
const LOCAL = "file";

/** What `pwd` answers: printed once all commands before it are done. */
const DONE = /^Remote working directory: (.*)\n/m;

/** What is at a path on the board, no link followed. */
type Standing =
  | { readonly kind: "file"; readonly bytes: number }
  | { readonly kind: "folder" | "other"; readonly bytes?: undefined };

/** One connection; after a command that failed it is over. */
export class Sftp {
  readonly #place: SshPlace;
  readonly #folder = mkdtempSync(join(tmpdir(), "meterbench-flash-"));
  readonly #child: ChildProcess;
  readonly #ended: Promise<Ended>;
  #output = "";
  #directory = "";
  #onOutput = () => {};

  readonly #removeFolder = (): void => rmSync(this.#folder, { recursive: true, force: true });

  constructor(place: SshPlace) {
    this.#place = place;
    // There could be a key in it.
    process.once("exit", this.#removeFolder);
    this.#child = start("sftp", place, ["-b", "-"], { cwd: this.#folder });
    this.#child.stdout?.on("data", (data: Buffer) => {
      this.#output += data.toString();
      this.#onOutput();
    });
    this.#ended = endOf(this.#child, place);
    // Whoever gives the next command hears of it.
    this.#ended.catch(() => {});
  }

  /** What stands at a path; of a file, its bytes. The folder is listed, as sftp follows a link that it is asked for. */
  async statOf(path: string): Promise<Standing | undefined> {
    const listed = await this.#command(`-ls -ln ${path.slice(0, path.lastIndexOf("/"))}/`);
    const line = listed.split("\n").find((one) => one.trimEnd().endsWith(` ${path}`));
    const [, type, bytes] = /^([a-z?-])\S{9}\S*(?:\s+\S+){3}\s+(\d+)\s/.exec(line ?? "") ?? [];
    if (bytes === undefined) return undefined;
    if (type === "-") return { kind: "file", bytes: Number(bytes) };
    return type === "d" ? { kind: "folder" } : { kind: "other" };
  }

  /** Bytes of a file, undefined where nothing is; a link would lead us elsewhere, and is refused. */
  async sizeOf(path: string): Promise<number | undefined> {
    const there = await this.statOf(path);
    if (there !== undefined && there.kind !== "file")
      throw new FlashError(
        "unusable",
        `On the board ${path} is no file: remove it there, and look at who made it.`,
      );
    return there?.bytes;
  }

  /** Where the user is who logs in; a path that a shell could read otherwise is refused. */
  async home(): Promise<string> {
    await this.#command("version");
    const path = this.#directory;
    if (/^(\/[A-Za-z0-9_@+][A-Za-z0-9._@+-]*)+$/.test(path)) return path;
    throw new FlashError(
      "unusable",
      `The user's home on the board is ${path}, which is no path for this: log in as root.`,
    );
  }

  /** Makes a folder where nothing is, for this user alone; a link in its place is refused. */
  async makeOwnFolder(path: string): Promise<void> {
    if ((await this.statOf(path)) === undefined) {
      await this.#command(`-mkdir ${path}`);
      await this.#command(`-chmod 700 ${path}`);
    }
    if ((await this.statOf(path))?.kind !== "folder")
      throw new FlashError(
        "unusable",
        `On the board ${path} is no folder: remove it there, and look at who made it.`,
      );
  }

  /** Paths of all that is in a folder; none where it is not there. */
  async list(folder: string): Promise<readonly string[]> {
    const lines = (await this.#command(`-ls -1 ${folder}`)).split("\n");
    return lines.map((line) => line.trim()).filter((line) => line.startsWith(`${folder}/`));
  }

  async remove(path: string): Promise<void> {
    await this.#command(`-rm ${path}`);
  }

  /** A whole file with its rights from its first byte on, in the place of any other. */
  async put(path: string, bytes: Uint8Array, mode: number, onProgress: OnProgress = () => {}): Promise<void> {
    await this.remove(path);
    await this.#send(path, bytes, 0, mode, onProgress);
  }

  /** Goes on where an upload of the same bytes ended; each piece is on the board's disk when it is told. */
  async resume(path: string, bytes: Uint8Array, onProgress: OnProgress): Promise<Uploaded> {
    const there = (await this.sizeOf(path)) ?? 0;
    const resumedAt = there > bytes.length ? 0 : there;
    if (there > bytes.length) await this.remove(path);
    onProgress(resumedAt, bytes.length);
    await this.#send(path, bytes, resumedAt, 0o600, onProgress);
    return { bytes: bytes.length - resumedAt, resumedAt };
  }

  async close(): Promise<void> {
    this.#child.stdin?.end();
    await this.#ended.catch(() => {});
    this.#removeFolder();
    process.off("exit", this.#removeFolder);
  }

  /** The file here grows by a piece, and sftp sends what is not yet there. */
  async #send(path: string, bytes: Uint8Array, from: number, mode: number, onProgress: OnProgress) {
    const local = join(this.#folder, LOCAL);
    rmSync(local, { force: true });
    writeFileSync(local, bytes.subarray(0, from), { mode });
    let pieceBytes = PIECE_BYTES_MIN;
    let doneBytes = from;
    while (doneBytes < bytes.length) {
      const piece = bytes.subarray(doneBytes, doneBytes + pieceBytes);
      appendFileSync(local, piece);
      const startedMs = performance.now();
      await this.#command(`${doneBytes === 0 ? "put" : "reput"} -f ${LOCAL} ${path}`);
      doneBytes += piece.length;
      onProgress(doneBytes, bytes.length);
      const isQuick = performance.now() - startedMs < PIECE_MS;
      pieceBytes = Math.max(
        PIECE_BYTES_MIN,
        Math.min(PIECE_BYTES_MAX, isQuick ? pieceBytes * 2 : pieceBytes / 2),
      );
    }
  }
  /** What sftp prints until the command is done; one that fails ends the connection, but with a dash before it. */
  #command(line: string): Promise<string> {
    this.#output = "";
    this.#child.stdin?.write(`${line}\npwd\n`);
    return new Promise((resolve, reject) => {
      this.#onOutput = () => {
        const done = DONE.exec(this.#output);
        if (done === null) return;
        this.#directory = done[1] ?? "";
        resolve(this.#output.slice(0, done.index));
      };
      this.#ended.then((ended) => reject(this.#trouble(ended)), reject);
    });
  }

  /** A command that failed is exit code 1 (sftp(1)); anything else is the connection's. */
  #trouble({ code, stderr }: Ended): FlashError {
    const why = stderr.trim().split("\n").at(-1) ?? "";
    if (code !== COMMAND_FAILED || CONNECTION_LOST.test(stderr)) return sshTrouble(this.#place, stderr);
    return new FlashError(
      "failed",
      `The board takes no file (${why}): log in as root or with ?sudo=yes, and check its room.`,
    );
  }
}

const COMMAND_FAILED = 1;
const CONNECTION_LOST = /^(Connection (closed|reset)|client_loop|Broken pipe)/m;
