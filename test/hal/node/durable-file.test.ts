import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { Registry } from "../../../host-tools/head-end/registry.ts";
import { emptyFolder } from "../../support/command.ts";
import { identity } from "../../support/secured-line.ts";

const LAUNCH = fileURLToPath(new URL("../../../host-tools/cli/launch.js", import.meta.url));
/** A write ends short at so many kB, and the next one fails: as on a disk that is getting full. */
const LIMITED = 'ulimit -f 2; trap "" XFSZ; exec "$@"';

test.skipIf(process.platform === "win32")(
  "a file that has no room is left as it was, and not cut short",
  () => {
    const folder = emptyFolder();
    const path = join(folder.path, "registry.json");
    const meters = Array.from({ length: 12 }, (_, i) => identity("meter", `M${i + 1}`));
    new Registry(path).addAll(meters);
    const before = readFileSync(path, "utf8");
    expect(before.length).toBeGreaterThan(2048);
    const revoke = [process.execPath, LAUNCH, "enrol", "revoke", "M1", "--registry", folder.path];
    const ended = spawnSync("bash", ["-c", LIMITED, "bash", ...revoke], {
      cwd: folder.path,
      encoding: "utf8",
      timeout: 30_000,
    });
    expect([ended.status, ended.stdout]).toEqual([2, ""]);
    expect(ended.stderr).toBe("A file cannot be written (EFBIG): make room on its disk.\n");
    expect(readFileSync(path, "utf8")).toBe(before);
    folder.remove();
  },
);
