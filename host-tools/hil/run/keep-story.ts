// What a worker tells and keeps of a test, as it ends.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { RunnerTestCase } from "vitest";
import { programVersion } from "../../../hal/node/installed-program.ts";
import { jsonText, printableLines } from "../../safe-text.ts";
import type { Evidence, Rig } from "../rig.ts";
import { curvesOf } from "./curves.ts";
import { repeatLine } from "./repeat-line.ts";
import type { RunContext } from "./run-context.ts";
import { runContext } from "./worker-context.ts";

/** Of a test's name, in its folder's. */
const SLUG_CHARS_MAX = 60;
const HASH_CHARS = 6;

type Task = Pick<RunnerTestCase, "meta" | "result" | "fullTestName" | "file" | "annotations">;

/**
 * Tells the reporter of a test that had a rig, and writes its evidence into a folder where it failed, or where all is
 * to be kept. For a fixture's end, before the rig is closed. Trouble with that is told in the evidence's place, and does
 * not change what became of the test.
 */
export async function keepStory(task: Task, rig: Rig, context: RunContext = runContext()): Promise<void> {
  const story = { bench: rig.name, kind: rig.kind, seed: rig.seed };
  try {
    const evidence = await rig.evidence();
    const isKept = context.keep === "all" || task.result?.state === "fail";
    task.meta.meterbench = {
      ...story,
      // Of a test that tries again by itself, the try that failed has left some.
      evidence: isKept ? writeEvidence(task, rig, evidence, context) : task.meta.meterbench?.evidence,
      curves: curvesOf(evidence, rig),
    };
  } catch (error) {
    task.meta.meterbench = { ...story, evidence: undefined, curves: [], trouble: String(error) };
  }
}

/** Gives the folder. */
function writeEvidence(task: Task, rig: Rig, evidence: Evidence, context: RunContext): string {
  const folder = join(context.resultsFolder, rig.name, folderName(task.fullTestName, task.file.filepath));
  mkdirSync(folder, { recursive: true });
  const write = (name: string, content: string | Uint8Array): void =>
    writeFileSync(join(folder, name), content, { mode: 0o600 });
  write("frames.pcapng", evidence.framesPcapng);
  write("console.log", printableLines(evidence.console));
  write("events.json", `${jsonText(evidence.events, 2)}\n`);
  write("versions.json", `${jsonText(versions(evidence), 2)}\n`);
  write("bench.yaml", benchText(context.benchFile));
  write("test.json", `${jsonText(testDocument(task, rig, evidence, context), 2)}\n`);
  return folder;
}

function testDocument(task: Task, rig: Rig, evidence: Evidence, { benchFile, isOwnSuite }: RunContext) {
  const repeat = repeatLine(
    { name: task.fullTestName, file: isOwnSuite ? undefined : task.file.filepath },
    { file: benchFile, seed: evidence.seed },
    process.cwd(),
  );
  return {
    test: task.fullTestName,
    file: task.file.filepath,
    bench: rig.name,
    kind: rig.kind,
    seed: evidence.seed,
    repeat,
    errors: (task.result?.errors ?? []).map(({ name, message }) => ({ name, message })),
    points: evidence.points,
  };
}

function versions({ versions: told }: Evidence): Record<string, string> {
  const { node } = process.versions;
  return {
    ...{ meterbench: programVersion(), node, platform: `${process.platform} ${process.arch}` },
    ...gitVersion(),
    ...told,
  };
}

/** The commit of the tests, where they are in a repository of git and that is here. */
function gitVersion(): Record<string, string> {
  const { status, stdout } = spawnSync("git", ["describe", "--always", "--dirty"], { encoding: "utf8" });
  return status === 0 ? { git: stdout.trim() } : {};
}

function benchText(file: string | undefined): string {
  if (file === undefined) return "# The emulated bench, which needs no file.\n";
  return existsSync(file) ? readFileSync(file, "utf8") : `# ${file} is gone.\n`;
}

/** `a-read-is-answered-1a2b3c`: what can be read of the name, and what tells it from others that read alike. */
function folderName(test: string, file: string): string {
  const slug = test
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "")
    .slice(0, SLUG_CHARS_MAX);
  return `${slug}-${createHash("sha256").update(`${file}\n${test}`).digest("hex").slice(0, HASH_CHARS)}`;
}
