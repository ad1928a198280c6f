// `decode HEX|-`: explains frames layer by layer.
import { readFileSync } from "node:fs";
import type { Command } from "commander";
import { fromHex } from "../../../firmware/protocol/bytes.ts";
import { type ContextPair, readContextFile } from "../../decode/context-pair.ts";
import { Explainer } from "../../decode/explain.ts";
import { type CommonOptions, engineOf, withEngine, withJson } from "../common.ts";
import { usageFault } from "../fault.ts";
import { readTextFile } from "../home.ts";
import { layerText, printable, say, sayJson } from "../output.ts";

type Options = Pick<CommonOptions, "json" | "crypto"> & { readonly keys?: string };

export function addDecodeCommand(program: Command): void {
  withEngine(withJson(program.command("decode <hex>")))
    .description("explain a frame layer by layer; without keys, what anybody in between sees")
    .option("--keys <file>", "an OSCORE context file, to open what is protected")
    .addHelpText(
      "after",
      "\nHEX is a slipmux frame or a CoAP message; - reads one in each line of standard input.\nExample: meterbench decode c0a940010000bc38c0",
    )
    .action((hex: string, options: Options) => {
      const explainer = new Explainer(contextOf(options));
      const frames = hexLines(hex).map((line) => ({ hex: line, layers: explainer.explain(bytesOf(line)) }));
      if (options.json) return sayJson({ frames });
      frames.forEach(({ layers }, i) => {
        if (i > 0) say();
        for (const layer of layers) say(printable(layerText(layer)));
      });
    });
}

function contextOf(options: Options): ContextPair | undefined {
  if (options.keys === undefined) return undefined;
  const context = readContextFile(engineOf(options), readTextFile(options.keys, "OSCORE context file"));
  if ("error" in context)
    throw usageFault(
      `The file ${options.keys} ${context.error}: write {masterSecret, senderId, recipientId, ...} in hex.`,
    );
  return context;
}

function hexLines(hex: string): string[] {
  const text = hex === "-" ? readFileSync(0, "utf8") : hex;
  const lines = text.split("\n").map((line) => line.trim());
  const filled = lines.filter((line) => line !== "");
  if (filled.length === 0) throw usageFault("There is nothing to decode: give the bytes of a frame in hex.");
  return filled;
}

function bytesOf(line: string): Uint8Array {
  const bytes = fromHex(line);
  if (bytes === undefined || bytes.length === 0) {
    throw usageFault(`"${line.slice(0, 40)}" is no hex: give pairs of the digits 0 to 9 and a to f.`);
  }
  return bytes;
}
