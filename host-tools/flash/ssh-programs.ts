// The programs ssh and sftp of this machine: how they are called for one board, and what their trouble means.
import { type ChildProcess, type StdioOptions, spawn } from "node:child_process";
import type { SshPlace } from "./place.ts";
import { FlashError } from "./target.ts";

/** What a board answers is a report of some hundred bytes; what is longer is none. */
const OUTPUT_BYTES_MAX = 1 << 20;

/** A line that is dead is noticed within three of these. */
const ALIVE_SECONDS = 5;
const CONNECT_SECONDS = 15;

export interface Ended {
  /** Undefined where the program was ended by a signal. */
  readonly code: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command in the board's shell; what it says and its exit code are the board's own. */
export async function runByShell(place: SshPlace, command: string): Promise<Ended> {
  const ended = await endOf(start("ssh", place, ["-T", "-n"], { command }), place);
  if (ended.code === SSH_FAILED || ended.code === undefined) throw sshTrouble(place, ended.stderr);
  return ended;
}

/** ssh's own exit code where it did not come to the command (ssh(1), EXIT STATUS). */
const SSH_FAILED = 255;

/** Starts `ssh` or `sftp` towards the board: without questions, forwardings and commands of the user's own settings. */
export function start(
  program: "ssh" | "sftp",
  place: SshPlace,
  flags: readonly string[],
  { command, cwd }: { command?: string; cwd?: string } = {},
): ChildProcess {
  const { user, host, port, identityFile, knownHostsFile } = place;
  const settings = [
    "BatchMode=yes",
    "StrictHostKeyChecking=yes",
    `ConnectTimeout=${CONNECT_SECONDS}`,
    `ServerAliveInterval=${ALIVE_SECONDS}`,
    "ServerAliveCountMax=3",
    "ClearAllForwardings=yes",
    "ForwardAgent=no",
    "PermitLocalCommand=no",
    "RemoteCommand=none",
    "LogLevel=INFO",
    ...(knownHostsFile === undefined ? [] : [`UserKnownHostsFile="${knownHostsFile}"`]),
    ...(identityFile === undefined ? [] : ["IdentitiesOnly=yes"]),
  ];
  const args = [
    ...flags,
    ...settings.flatMap((setting) => ["-o", setting]),
    ...(identityFile === undefined ? [] : ["-i", identityFile]),
    ...(port === undefined ? [] : [program === "ssh" ? "-p" : "-P", String(port)]),
    "--",
    `${user === undefined ? "" : `${user}@`}${program === "sftp" && host.includes(":") ? `[${host}]` : host}`,
    ...(command === undefined ? [] : [command]),
  ];
  // Messages are read by us below: in English, whatever this machine speaks.
  const env = { ...process.env, LC_ALL: "C" };
  const stdio: StdioOptions = ["pipe", "pipe", "pipe"];
  const child = spawn(program, args, { env, stdio, ...(cwd !== undefined && { cwd }) });
  // It would go on sending for somebody who is not there any more.
  const end = (): void => void child.kill();
  process.once("exit", end);
  child.once("close", () => process.off("exit", end));
  return child;
}

/** All that a program says until its end; rejects where it is not installed. */
export function endOf(child: ChildProcess, place: SshPlace): Promise<Ended> {
  const said = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const)
    child[name]?.on("data", (data: Buffer) => {
      said[name] += data.toString();
      if (said[name].length > OUTPUT_BYTES_MAX) child.kill();
    });
  child.stdin?.on("error", () => {});
  return new Promise((resolve, reject) => {
    child.once("error", (error: NodeJS.ErrnoException) => reject(notInstalled(error, place)));
    child.once("close", (code) => resolve({ code: code ?? undefined, ...said }));
  });
}

function notInstalled({ code, path }: NodeJS.ErrnoException, place: SshPlace): FlashError {
  return new FlashError(
    "unusable",
    `The program ${path} cannot be started (${code}), and ${placeText(place)} is reached by it: install openssh-client.`,
  );
}

/** How people call the board's end of the line. */
function placeText({ user, host, port }: SshPlace): string {
  return `${user === undefined ? "" : `${user}@`}${host}${port === undefined ? "" : ` port ${port}`}`;
}

/** By what ssh says before it gives up: what is wrong, and how to mend it. */
export function sshTrouble(place: SshPlace, stderr: string): FlashError {
  const at = placeText(place);
  const known = TROUBLES.find(({ pattern }) => pattern.test(stderr));
  if (known !== undefined) return new FlashError(known.kind, known.sentence(at, place));
  const last = stderr.trim().split("\n").at(-1)?.trim() ?? "";
  const why = last === "" ? "the connection ended" : last.replace(/\.$/, "");
  return new FlashError(
    "unreachable",
    `The board at ${at} cannot be reached, or is gone (${why}): try again.`,
  );
}

const TROUBLES = [
  {
    kind: "identity",
    pattern: /REMOTE HOST IDENTIFICATION HAS CHANGED/,
    sentence: (at: string) =>
      `The machine at ${at} has another host key than it had: find out why before anything is sent there; 'ssh-keygen -R' forgets the old key.`,
  },
  {
    kind: "identity",
    pattern: /host key is known|Host key verification failed/i,
    sentence: (at: string, { knownHostsFile }: SshPlace) =>
      `The host key of ${at} is not known here: compare it with the board's own ('ssh-keyscan' shows it) and put it into ${knownHostsFile ?? "~/.ssh/known_hosts"}, as logging in there once by hand does.`,
  },
  {
    kind: "identity",
    pattern: /Permission denied|Too many authentication failures/i,
    sentence: (at: string) =>
      `The machine at ${at} lets none of your keys in: put one there ('ssh-copy-id'), or name it as ?identity=FILE.`,
  },
  {
    kind: "unreachable",
    pattern: /Could not resolve hostname/i,
    sentence: (at: string) => `There is no machine of the name in ${at}: check how it is spelt.`,
  },
  {
    kind: "unreachable",
    pattern: /Connection refused|timed out|No route to host|Network is unreachable|not responding/i,
    sentence: (at: string) =>
      `Nobody answers by ssh at ${at}: check that the board is up and its ssh server runs.`,
  },
] as const satisfies readonly {
  kind: "identity" | "unreachable";
  pattern: RegExp;
  sentence: (at: string, place: SshPlace) => string;
}[];
