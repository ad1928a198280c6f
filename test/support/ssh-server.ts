import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { userInfo } from "node:os";
import { join } from "node:path";
import { freePort } from "./free-port.ts";
import { programPath, temporaryFolder } from "./pty-pair.ts";

/** An ssh server of the test's own, on loopback, that lets this user in by one key. */
export interface SshServer {
  readonly port: number;
  readonly user: string;
  readonly identityFile: string;
  readonly knownHostsFile: string;
  /** `?identity=...&known-hosts=...`, as a target has them. */
  readonly query: string;
  /** A folder of programs that come before the system's for whoever logs in. */
  readonly programs: string;
  /** All that the server has said. */
  log(): string;
  stop(): Promise<void>;
}

const SSHD = ["/usr/sbin/sshd", "/usr/local/sbin/sshd", "/sbin/sshd"].find(existsSync);

/** Why there can be no such server here, or undefined. */
export const NO_SSH_SERVER = whyNoServer();

function whyNoServer(): string | undefined {
  if (process.platform !== "linux") return "its processes are looked for in Linux's /proc";
  if (SSHD === undefined) return "no sshd is installed (openssh-server)";
  if (["ssh", "sftp", "ssh-keygen"].some((name) => programPath(name) === undefined))
    return "no ssh client is installed (openssh-client)";
  const mounting = ["-m", "mount", "-t", "tmpfs", "tmpfs", "/run"];
  if (needsNamespace() && spawnSync("unshare", mounting).status !== 0)
    return "sshd as root needs /run/sshd, and a /run of its own cannot be made here";
  return undefined;
}

/** As root it wants an empty folder at that place, which the system's own service would make. */
function needsNamespace(): boolean {
  return process.getuid?.() === 0 && !existsSync("/run/sshd");
}

export async function startSshServer(): Promise<SshServer> {
  const folder = temporaryFolder();
  const at = (name: string): string => join(folder.path, name);
  for (const name of ["host", "user"])
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "", "-f", at(name)]);
  mkdirSync(at("programs"));
  const port = await freePort();
  writeFileSync(at("known"), `[127.0.0.1]:${port} ${readFileSync(at("host.pub"), "utf8")}`);
  writeFileSync(
    at("config"),
    [
      `Port ${port}`,
      "ListenAddress 127.0.0.1",
      `HostKey ${at("host")}`,
      `AuthorizedKeysFile ${at("user.pub")}`,
      `SetEnv PATH=${at("programs")}:${process.env["PATH"]}`,
      ...["PidFile none", "UsePAM no", "StrictModes no", "PasswordAuthentication no"],
      ...[
        "KbdInteractiveAuthentication no",
        "PermitRootLogin prohibit-password",
        "Subsystem sftp internal-sftp",
      ],
    ].join("\n"),
  );
  const command = [SSHD ?? "", "-D", "-e", "-f", at("config")];
  // Its folder in a /run that only it sees: nothing of the system is touched.
  const child = needsNamespace()
    ? spawn("unshare", [
        "-m",
        "sh",
        "-c",
        `mount -t tmpfs tmpfs /run && mkdir -m 755 /run/sshd && exec ${command.join(" ")}`,
      ])
    : spawn(SSHD ?? "", command.slice(1));
  let log = "";
  child.stderr?.on("data", (data: Buffer) => {
    log += data.toString();
  });
  await listening(child, port, () => log);
  const [identityFile, knownHostsFile] = [at("user"), at("known")];
  return {
    ...{ port, identityFile, knownHostsFile, programs: at("programs") },
    user: userInfo().username,
    query: `?identity=${identityFile}&known-hosts=${knownHostsFile}`,
    log: () => log,
    stop: async () => {
      const ended = new Promise((resolve) => child.once("close", resolve));
      child.kill();
      await ended;
      folder.remove();
    },
  };
}

async function listening(child: ChildProcess, port: number, log: () => string): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    if (child.exitCode !== null) break;
    if (await answers(port)) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  child.kill();
  throw new Error(`sshd does not listen: ${log()}`);
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("data", () => resolve(true));
    socket.once("error", () => resolve(false));
    socket.once("close", () => resolve(false));
    socket.setTimeout(500, () => socket.destroy());
    socket.once("data", () => socket.destroy());
  });
}
