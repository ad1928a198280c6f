import { randomBytes } from "node:crypto";
import { readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { SshPlace } from "../../../host-tools/flash/place.ts";
import { Sftp } from "../../../host-tools/flash/sftp.ts";
import { temporaryFolder } from "../../support/pty-pair.ts";
import { NO_SSH_SERVER, type SshServer, startSshServer } from "../../support/ssh-server.ts";

describe.skipIf(NO_SSH_SERVER !== undefined)(
  `files over ssh${NO_SSH_SERVER === undefined ? "" : `: ${NO_SSH_SERVER}`}`,
  { timeout: 90_000 },
  () => {
    let server: SshServer;
    let folder: ReturnType<typeof temporaryFolder>;
    let place: SshPlace;
    beforeAll(async () => {
      server = await startSshServer();
      folder = temporaryFolder();
      const { user, port, identityFile, knownHostsFile } = server;
      place = {
        kind: "ssh",
        user,
        host: "127.0.0.1",
        port,
        root: "/",
        identityFile,
        knownHostsFile,
        sudo: false,
      };
    });
    afterAll(async () => {
      await server.stop();
      folder.remove();
    });

    async function withSftp<Result>(work: (sftp: Sftp) => Promise<Result>, at = place): Promise<Result> {
      const sftp = new Sftp(at);
      try {
        return await work(sftp);
      } finally {
        await sftp.close();
      }
    }

    test("a file with a secret is its owner's alone, whatever was there; a folder is this user's alone", async () => {
      const at = (name: string): string => join(folder.path, "made", name);
      const bytes = randomBytes(70_000);
      await withSftp(async (sftp) => {
        await sftp.makeOwnFolder(at("").replace(/\/$/, ""));
        await sftp.makeOwnFolder(at("").replace(/\/$/, ""));
        await sftp.put(at("key"), bytes, 0o600);
        await sftp.put(at("key"), bytes, 0o600);
        await sftp.put(at("start"), bytes, 0o755);
        expect(await sftp.list(at("").replace(/\/$/, ""))).toHaveLength(2);
        expect(await sftp.sizeOf(at("key"))).toBe(70_000);
        expect(await sftp.sizeOf(at("none"))).toBeUndefined();
      });
      expect(readFileSync(at("key"))).toEqual(bytes);
      expect(statSync(at("key")).mode & 0o777).toBe(0o600);
      expect(statSync(at("start")).mode & 0o777).toBe(0o755);
    });

    test("an upload goes on where it was cut, and what is too long or no file there is not mistaken for it", async () => {
      const path = join(folder.path, "image");
      const bytes = randomBytes(200_000);
      writeFileSync(path, bytes.subarray(0, 120_001));
      expect(await withSftp((sftp) => sftp.resume(path, bytes, () => {}))).toEqual({
        bytes: 79_999,
        resumedAt: 120_001,
      });
      expect(readFileSync(path)).toEqual(bytes);
      expect(await withSftp((sftp) => sftp.resume(path, bytes, () => {}))).toEqual({
        bytes: 0,
        resumedAt: 200_000,
      });
      writeFileSync(path, randomBytes(200_001));
      expect(await withSftp((sftp) => sftp.resume(path, bytes, () => {}))).toEqual({
        bytes: 200_000,
        resumedAt: 0,
      });
      expect(readFileSync(path)).toEqual(bytes);
      const elsewhere = join(folder.path, "elsewhere");
      writeFileSync(elsewhere, "somebody else's");
      symlinkSync(elsewhere, join(folder.path, "planted"));
      const planted = withSftp((sftp) => sftp.resume(join(folder.path, "planted"), bytes, () => {}));
      await expect(planted).rejects.toThrow(/is no file/);
      await expect(withSftp((sftp) => sftp.makeOwnFolder(join(folder.path, "planted")))).rejects.toThrow(
        /is no folder/,
      );
      await withSftp((sftp) => sftp.put(join(folder.path, "planted"), bytes, 0o600));
      expect(readFileSync(elsewhere, "utf8")).toBe("somebody else's");
    });
  },
);
