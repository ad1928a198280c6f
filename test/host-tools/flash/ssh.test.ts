import { randomBytes } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { opensslEngine } from "../../../hal/node/openssl.ts";
import { systemClock } from "../../../hal/node/system-clock.ts";
import { type FlashOptions, flash } from "../../../host-tools/flash/flash.ts";
import { loaderParts } from "../../../host-tools/flash/loader-parts.ts";
import { parseFlashPlace, type SshPlace } from "../../../host-tools/flash/place.ts";
import type { BoardSetUp } from "../../../host-tools/flash/set-up.ts";
import { SshTarget } from "../../../host-tools/flash/ssh.ts";
import type { FlashImage } from "../../../host-tools/flash/target.ts";
import { author } from "../../firmware/update/images.ts";
import { temporaryFolder } from "../../support/pty-pair.ts";
import { type SlowProxy, slowProxy } from "../../support/slow-proxy.ts";
import { NO_SSH_SERVER, type SshServer, startSshServer } from "../../support/ssh-server.ts";
import { ownImage, setUp } from "./boards.ts";

const FIRST = ownImage(1);
/** Large enough to be cut in the middle of. */
const NEXT = ownImage(2, { files: { ballast: randomBytes(300_000) } });
const DATA = "var/lib/meterbench";

const reason = NO_SSH_SERVER === undefined ? "" : ` (${NO_SSH_SERVER})`;
describe.skipIf(NO_SSH_SERVER !== undefined)(
  `a board over ssh, with a real server on loopback${reason}`,
  // Some seconds each, and a machine may be busy with others.
  { timeout: 90_000 },
  () => {
    let server: SshServer;
    let proxy: SlowProxy;
    let folder: ReturnType<typeof temporaryFolder>;
    let root: string;
    let newBoard: BoardSetUp;

    beforeAll(async () => {
      server = await startSshServer();
      proxy = await slowProxy(server.port);
      folder = temporaryFolder();
      root = join(folder.path, "board");
      mkdirSync(root);
      newBoard = setUp(await loaderParts(opensslEngine, FIRST));
    }, 60_000);
    afterAll(async () => {
      await proxy.close();
      await server.stop();
      folder.remove();
    });

    /** The board by this port, known as the server's own. */
    function target({ port = server.port, query = server.query, at = root } = {}): SshTarget {
      const text = `ssh:${server.user}@127.0.0.1:${port}${at}${query}`;
      const place = parseFlashPlace(text);
      if ("error" in place) throw new Error(place.error);
      return new SshTarget(text, place as SshPlace);
    }

    function flashed(image: FlashImage, options: Partial<FlashOptions> = {}, to = target()) {
      return flash(to, image, { clock: systemClock, ...options });
    }

    test("an empty root is set up: the loader and its service, keys for their owner alone, and the first image", async () => {
      expect(await target().report()).toBe("empty");
      await expect(flashed(FIRST)).rejects.toThrow(/There is no board at/);
      const { uploadMs, ...result } = await flashed(FIRST, { setUp: newBoard });
      expect(result).toMatchObject({
        ...{ end: "installed", slot: "a" },
        uploaded: { bytes: FIRST.bytes.length, resumedAt: 0 },
      });
      expect(uploadMs).toBeGreaterThan(0);
      expect(result.milliseconds).toBeGreaterThan(uploadMs ?? 0);
      const modeOf = (path: string): number => statSync(join(root, path)).mode & 0o777;
      expect(modeOf(join(DATA, "keys/meter.key.json"))).toBe(0o600);
      expect(modeOf(join(DATA, "keys"))).toBe(0o700);
      expect(modeOf(DATA)).toBe(0o700);
      expect(modeOf("opt/meterbench/start")).toBe(0o755);
      expect(readlinkSync(join(root, "etc/systemd/system/multi-user.target.wants/meterbench.service"))).toBe(
        "../meterbench.service",
      );
      expect(readdirSync(join(root, DATA, "upload"))).toEqual([]);
      expect(await target().report()).toMatchObject({ current: "a", floor: 1 });
      expect(await flashed(FIRST)).toMatchObject({ end: "unchanged" });
    });

    test("an upload whose ssh is killed in the middle goes on where it was, and completes", async () => {
      const known = join(folder.path, "known");
      writeFileSync(
        known,
        readFileSync(server.knownHostsFile, "utf8").replace(`:${server.port}`, `:${proxy.port}`),
      );
      const slow = target({
        port: proxy.port,
        query: `?identity=${server.identityFile}&known-hosts=${known}`,
      });
      await slow.report();
      proxy.limitBytes = 150_000;
      let seenBytes = 0;
      const watch = setInterval(() => {
        if (proxy.limitBytes === 0) for (const id of sshProcesses()) process.kill(id, "SIGKILL");
      }, 50);
      const onProgress = (doneBytes: number): void => {
        seenBytes = doneBytes;
      };
      await expect(flashed(NEXT, { onProgress }, slow)).rejects.toMatchObject({ kind: "unreachable" });
      clearInterval(watch);
      expect(seenBytes).toBeGreaterThan(0);
      expect(seenBytes).toBeLessThan(NEXT.bytes.length);
      proxy.limitBytes = undefined;
      const { uploaded, ...result } = await flashed(NEXT, { wait: true }, slow);
      expect(result).toMatchObject({ end: "armed", slot: "b" });
      expect(uploaded?.resumedAt).toBeGreaterThanOrEqual(seenBytes);
      expect(uploaded?.bytes).toBe(NEXT.bytes.length - (uploaded?.resumedAt ?? 0));
      expect(await target().report()).toMatchObject({ current: "a", trial: { slot: "b", left: 3 } });
    });

    test("what the board does not take is refused there too, is no longer on it, and arms nothing", async () => {
      const before = await target().report();
      const strange = ownImage(3, { author: author("mallory") });
      await expect(flashed(strange)).rejects.toMatchObject({ kind: "identity", refusal: "signature" });
      expect(readdirSync(join(root, DATA, "upload"))).toEqual([]);
      await expect(flashed(ownImage(3, { manifest: { arch: "arm" } }))).rejects.toMatchObject({
        refusal: "arch",
      });
      await expect(flashed(ownImage(3, { manifest: { board: "toaster" } }))).rejects.toMatchObject({
        refusal: "board",
      });
      await expect(flashed(NEXT, { setUp: newBoard })).rejects.toThrow(/is set up already/);
      expect(await target().report()).toEqual(before);
    });

    test("a user who is not root becomes it by sudo, and only so writes where the board is", async () => {
      const other = join(folder.path, "by-sudo");
      mkdirSync(other);
      const asked = join(folder.path, "sudo.log");
      writeFileSync(
        join(server.programs, "sudo"),
        `#!/bin/sh\nprintf '%s\\n' "$*" >> ${asked}\nshift\nexec "$@"\n`,
        {
          mode: 0o755,
        },
      );
      const byUser = target({ at: other, query: `${server.query}&sudo=yes` });
      expect(await flashed(FIRST, { setUp: newBoard }, byUser)).toMatchObject({ end: "installed" });
      const scripts = readFileSync(asked, "utf8").split("\n").filter(Boolean);
      expect(scripts.length).toBeGreaterThan(2);
      for (const script of scripts) expect(script).toMatch(/^-n sh -c /);
      expect(readdirSync(join(other, DATA))).not.toContain("upload/new");
      expect(readdirSync(join(homedir(), "meterbench-upload"))).toEqual([]);
      rmdirSync(join(homedir(), "meterbench-upload"));
      writeFileSync(
        join(server.programs, "sudo"),
        "#!/bin/sh\necho 'sudo: a password is required' >&2\nexit 1\n",
      );
      await expect(byUser.report()).rejects.toThrow(/does not become root \(sudo: a password is required\)/);
    });

    test("an upload of another image that was cut does not stay, and a link in its place is not followed", async () => {
      const uploads = join(root, DATA, "upload");
      writeFileSync(join(uploads, `${"0".repeat(64)}.mbi`), "half of another image");
      expect(await flashed(ownImage(4))).toMatchObject({ end: "armed" });
      expect(readdirSync(uploads)).toEqual([]);
      const decoy = join(folder.path, "decoy");
      mkdirSync(decoy);
      rmSync(uploads, { recursive: true });
      symlinkSync(decoy, uploads);
      await expect(flashed(ownImage(5))).rejects.toThrow(/is no folder/);
      expect(readdirSync(decoy)).toEqual([]);
      rmSync(uploads);
    });

    test("who does not prove to be that board, or does not know us, gets nothing, and it is said what to do", async () => {
      const nobody = join(folder.path, "nobody");
      writeFileSync(nobody, "");
      const unknown = target({ query: `?identity=${server.identityFile}&known-hosts=${nobody}` });
      await expect(unknown.report()).rejects.toMatchObject({
        ...{
          kind: "identity",
          message: expect.stringMatching(/^The host key of .* is not known here: .*\.$/),
        },
      });
      const changed = join(folder.path, "changed");
      const other = readFileSync(`${server.identityFile}.pub`, "utf8");
      writeFileSync(changed, `[127.0.0.1]:${server.port} ${other}`);
      const another = target({ query: `?identity=${server.identityFile}&known-hosts=${changed}` });
      await expect(another.report()).rejects.toMatchObject({
        kind: "identity",
        message: expect.stringMatching(/another host key/),
      });
      const stranger = join(folder.path, "stranger");
      writeFileSync(stranger, readFileSync(server.identityFile.replace(/user$/, "host")), { mode: 0o600 });
      const keyless = target({ query: `?identity=${stranger}&known-hosts=${server.knownHostsFile}` });
      await expect(keyless.report()).rejects.toMatchObject({
        kind: "identity",
        message: expect.stringMatching(/lets none of your keys in/),
      });
      await expect(target({ port: 1 }).report()).rejects.toMatchObject({ kind: "unreachable" });
      expect(existsSync(nobody) && readFileSync(nobody, "utf8")).toBe("");
    });

    test("a meter's key that is on the board is never replaced by another one", async () => {
      rmSync(join(root, "opt/meterbench/boot.mjs"));
      const key = join(root, DATA, "keys/meter.key.json");
      const before = readFileSync(key, "utf8");
      const other = setUp({
        ...(await loaderParts(opensslEngine, FIRST)),
        meterKey: before.replace("M1", "M2"),
      });
      await expect(flashed(ownImage(6), { setUp: other })).rejects.toThrow(/it is another one/);
      expect(readFileSync(key, "utf8")).toBe(before);
      expect(await flashed(ownImage(6), { setUp: newBoard })).toMatchObject({ end: "armed" });
    });
  },
);

/** All ssh processes below this one, by Linux's /proc. */
function sshProcesses(): number[] {
  const all = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const [, command, parent] =
          /\((.*)\) \S (\d+)/s.exec(readFileSync(`/proc/${name}/stat`, "utf8")) ?? [];
        return [{ id: Number(name), command, parent: Number(parent) }];
      } catch {
        return [];
      }
    });
  const ours = new Set([process.pid]);
  for (let before = 0; before !== ours.size; ) {
    before = ours.size;
    for (const { id, parent } of all) if (ours.has(parent)) ours.add(id);
  }
  return all.filter(({ id, command }) => ours.has(id) && command === "ssh").map(({ id }) => id);
}
