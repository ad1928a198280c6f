// `npm run served-bench [-- FILES]`: our suite at a bench that is as real as can be without hardware: a `serve` in a
// process of its own on a PTY, power-cut by SIGKILL, beside a bench that is unplugged. JSON; exit 1 where that one
// spoils more than its own tests, or the meter fails one.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { emptyFolder, meterbench } from "../support/command.ts";

/** Real time: minutes pass as minutes. */
const PATIENCE_MS = 20 * 60_000;
const EXIT_PARTLY = 5;

const folder = emptyFolder();
const main = join(process.cwd(), "dist/host-tools/cli/main.js");
const serve = ["node", main, "serve", "--id", "M1", "--at", "pty:./meter1", "--load", "watts:2000"];
const power = { driver: "process", start: [...serve, "--state", "./state", "--json"], offSeconds: 1 };
// YAML has JSON in it.
write("served", [{ id: "M1", line: "pty:./meter1", power }]);
write("unplugged", [{ id: "M9", line: "serial:/dev/serial/by-id/usb-nobody?baud=9600" }]);

const files = process.argv.slice(2).map((path) => join(process.cwd(), path));
const { code, stdout, stderr } = await meterbench(
  ["hil", "run", ...files, "--bench", "served.yaml", "--bench", "unplugged.yaml", "--json"],
  { cwd: folder.path, withinMs: PATIENCE_MS },
);
folder.remove();
if (stdout === "") throw new Error(`hil run ended with ${code}: ${stderr}`);
const { benches, tests, milliseconds } = JSON.parse(stdout);
const [served, unplugged] = benches;
const wrong = tests.filter(
  (one: { bench: string; class: string }) =>
    one.bench === "served" && !["passed", "skipped"].includes(one.class),
);
process.stdout.write(`${JSON.stringify({ milliseconds, served, unplugged, wrong }, null, 2)}\n`);
const isContained =
  unplugged.infrastructure > 0 && unplugged.failed + unplugged.timeout + unplugged.passed === 0;
process.exitCode = code === EXIT_PARTLY && served.passed > 0 && wrong.length === 0 && isContained ? 0 : 1;

function write(name: string, meters: readonly unknown[]): void {
  const bench = { name, headEnd: { home: ".meterbench" }, timeoutMultiplier: 2, meters };
  writeFileSync(join(folder.path, `${name}.yaml`), JSON.stringify(bench));
}
