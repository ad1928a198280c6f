// A user's own repository with tests of meters: the example beside this file, with the package as it is published.
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { emptyFolder, type Finished, run } from "../support/command.ts";
import { install, pack } from "./pack.ts";

let folder: ReturnType<typeof emptyFolder>;
let project: string;

beforeAll(() => {
  folder = emptyFolder();
  project = join(folder.path, "example");
  mkdirSync(project);
  const tarball = pack(folder.path);
  cpSync("test/package/hil-example", project, { recursive: true });
  const { devDependencies } = JSON.parse(readFileSync("package.json", "utf8"));
  install([tarball, `vitest@${devDependencies.vitest}`], project);
}, 120_000);
afterAll(() => folder.remove());

/** What `npx NAME` starts in the project, without npx's own second. */
function command(name: string, args: readonly string[]): Promise<Finished> {
  return run(join(project, "node_modules/.bin", name), args, { cwd: project });
}

describe("a user's own tests with meterbench/hil", () => {
  test("are typed", async () => {
    const tsc = join(process.cwd(), "node_modules/.bin/tsc");
    expect(await run(tsc, ["-p", "."], { cwd: project })).toMatchObject({ code: 0, stdout: "" });
  });

  test("run by vitest itself, at the emulated bench that needs no file", async () => {
    const { code, stdout } = await command("vitest", ["run"]);
    expect(stdout).toMatch(/3 passed/);
    expect(code).toBe(0);
  });

  test("run by meterbench at the bench of their file, with reports", async () => {
    const reports = ["--junit", "junit.xml", "--html", "report.html"];
    const { code, stdout } = await command("meterbench", [
      ...["hil", "run", "hil", "--bench", "bench.yaml", "--json", ...reports],
    ]);
    const told = JSON.parse(stdout);
    expect(told).toMatchObject({ passed: 2, skipped: 1, failed: 0, infrastructure: 0, timeout: 0 });
    expect(told.benches).toMatchObject([{ name: "desk", kind: "emulated", seed: 7 }]);
    expect(code).toBe(0);
    expect(readFileSync(join(project, "junit.xml"), "utf8")).toContain(
      '<skipped message="The bench desk does not offer group."/>',
    );
    expect(readFileSync(join(project, "report.html"), "utf8")).toContain("<svg ");
  });

  test("that are wrong leave evidence, which the installed command reads", async () => {
    const text = readFileSync(join(project, "hil/household.hil.ts"), "utf8");
    writeFileSync(join(project, "wrong.hil.ts"), text.replace("toBeLessThan(1260)", "toBeLessThan(1000)"));
    const finished = await command("meterbench", ["hil", "run", "wrong.hil.ts", "--json"]);
    expect(finished.code).toBe(1);
    const [failed, ...more] = JSON.parse(finished.stdout).tests.filter(
      (one: { class: string }) => one.class === "failed",
    );
    expect(more).toEqual([]);
    expect(failed.repeat).toBe(
      "npx meterbench hil run wrong.hil.ts --seed 1 --test 'a meter measures what is drawn'",
    );
    expect(existsSync(join(failed.evidence, "console.log"))).toBe(true);
    expect((await command("meterbench", ["decode", failed.capture])).stdout).toMatch(/OSCORE/);
  });

  test("stand beside our suite, which comes with the package", async () => {
    const { code, stdout } = await command("meterbench", ["hil", "run", "--json"]);
    const told = JSON.parse(stdout);
    expect(told).toMatchObject({ failed: 0, infrastructure: 0, timeout: 0, flaky: 0 });
    expect(told.passed).toBeGreaterThanOrEqual(20);
    expect(code).toBe(0);
  });
});
