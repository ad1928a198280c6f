import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { describe, expect, test } from "vitest";

/** By source: each file is on the way from many others. */
const IMPORTS = new Map<string, readonly string[]>();

/** Relative imports of a source file: static, type-only, dynamic and re-exports. */
function importsOf(source: string): readonly string[] {
  const known = IMPORTS.get(source);
  if (known !== undefined) return known;
  const pattern = /(?:from|import)\s*\(?\s*["'](\.[^"']+)["']/g;
  const imports = [...source.matchAll(pattern)].map((match) => match[1] as string);
  IMPORTS.set(source, imports);
  return imports;
}

/** For each file, the project files that it reaches through any chain of imports. */
function reach(files: ReadonlyMap<string, string>, from: string): Set<string> {
  const seen = new Set<string>();
  const open = [from];
  for (let file = open.pop(); file !== undefined; file = open.pop()) {
    for (const path of importsOf(files.get(file) ?? "")) {
      const target = normalize(join(dirname(file), path));
      if (files.has(target) && !seen.has(target)) {
        seen.add(target);
        open.push(target);
      }
    }
  }
  return seen;
}

interface Rule {
  readonly folder: RegExp;
  readonly mayReach: RegExp;
  readonly because: string;
}

const RULES: readonly Rule[] = [
  { folder: /^hal\//, mayReach: /^hal\//, because: "hal imports nothing of ours from outside hal" },
  { folder: /^hal\/(?!node\/)/, mayReach: /^hal\/(?!node\/)/, because: "only hal/node may touch Node" },
  {
    folder: /^firmware\/(?!main\.ts|boot\.ts|startup\/)/,
    mayReach: /^(firmware\/(?!main\.ts|boot\.ts|startup\/)|hal\/ports\/)/,
    because:
      "the firmware sees hal/ports only, but for the programs on a board and what they are put together by",
  },
  {
    folder: /^firmware\/protocol\/coap\//,
    mayReach: /^(firmware\/protocol\/(coap\/|bytes\.ts|endpoint\.ts)|hal\/ports\/)/,
    because: "CoAP knows no security, so that a DAP can use it",
  },
  {
    folder: /^host-tools\/dap\/forward\//,
    mayReach:
      /^(host-tools\/dap\/forward\/|firmware\/protocol\/(coap\/|bytes\.ts|cbor\.ts|endpoint\.ts)|firmware\/journal\/crc32c\.ts|hal\/)/,
    because: "a DAP that forwards holds no key",
  },
  { folder: /^(?!test\/)/, mayReach: /^(?!test\/)/, because: "nobody imports test" },
];

/** Every breach of the rules by one of `suspects`, as a sentence. */
function breaches(files: ReadonlyMap<string, string>, suspects: Iterable<string> = files.keys()): string[] {
  const found: string[] = [];
  for (const file of suspects) {
    for (const rule of RULES.filter(({ folder }) => folder.test(file))) {
      for (const target of reach(files, file)) {
        if (!rule.mayReach.test(target)) found.push(`${file} reaches ${target}: ${rule.because}`);
      }
    }
  }
  return found;
}

function projectFiles(): Map<string, string> {
  const files = new Map<string, string>();
  for (const top of ["hal", "firmware", "host-tools", "test"]) {
    for (const entry of readdirSync(top, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile() || !entry.name.endsWith(".ts")) continue;
      const path = join(entry.parentPath, entry.name);
      files.set(path, readFileSync(path, "utf8"));
    }
  }
  return files;
}

describe("layers", () => {
  test("no file reaches, through any chain of imports, a folder that its layer must not know", () => {
    const files = projectFiles();
    expect(files.size).toBeGreaterThan(40);
    expect(breaches(files)).toEqual([]);
  });

  test.each([
    ["hal/emulated/bad.ts", 'import { x } from "../../firmware/meter.ts";'],
    ["hal/framing/bad.ts", 'export * from "../node/address.ts";'],
    ["firmware/metrology/bad.ts", 'import type { X } from "../../hal/emulated/mains.ts";'],
    ["firmware/protocol/coap/bad.ts", 'const x = await import("../oscore/context.ts");'],
    ["host-tools/dap/forward/bad.ts", 'import { y } from "../../../firmware/protocol/secure-server.ts";'],
    ["host-tools/head-end/bad.ts", 'import "../../test/support/pair.ts";'],
  ])("a planted bad import in %s is found", (path, source) => {
    expect(breaches(new Map([...projectFiles(), [path, source]]), [path])).not.toEqual([]);
  });

  test("a breach through a file in between is found", () => {
    const files = projectFiles();
    files.set("firmware/protocol/coap/between.ts", "");
    files.set("host-tools/dap/forward/bad.ts", 'import "../../../hal/between.ts";');
    files.set("hal/between.ts", 'import "../firmware/protocol/oscore/context.ts";');
    expect(breaches(files, ["host-tools/dap/forward/bad.ts"])).not.toEqual([]);
  });
});
