// Holds the context in a file and writes numbers until it is killed, each on a line; or says why it cannot.
// A number whose line finds no room, as nobody reads, is given and not shown.
import { readFileSync, writeSync } from "node:fs";
import { readContextFile } from "../../../host-tools/oscore-context/context-file.ts";
import { holdNumbers, NumberFileError } from "../../../host-tools/oscore-context/number-file.ts";

const [path = ""] = process.argv.slice(2);
const context = readContextFile(readFileSync(path, "utf8"));
if ("error" in context) throw new Error(context.error);
try {
  const { sequence } = await holdNumbers(path, context);
  setInterval(() => {
    for (let i = 0; i < 40; i++) show(`${sequence.next()}\n`);
  }, 2);
} catch (error) {
  if (!(error instanceof NumberFileError)) throw error;
  writeSync(1, `${error.message}\n`);
}

function show(line: string): void {
  try {
    writeSync(1, line);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
  }
}
