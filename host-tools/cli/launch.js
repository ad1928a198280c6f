#!/usr/bin/env node
// Starts the command: from source in a clone, from dist/ in an installed package. Plain JavaScript
// that old Nodes can read too, so that they can say what is wrong.
const [major, minor] = process.versions.node.split(".").map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  process.stderr.write(
    `meterbench needs Node 20.19 or newer and this is ${process.version}: install a newer Node and run the command again.\n`,
  );
  process.exit(2);
}
const { existsSync } = await import("node:fs");
const source = new URL("./main.ts", import.meta.url);
if (existsSync(source)) {
  const { register } = await import("tsx/esm/api");
  register();
  await import(source.href);
} else {
  await import(new URL("../../dist/host-tools/cli/main.js", import.meta.url).href);
}
