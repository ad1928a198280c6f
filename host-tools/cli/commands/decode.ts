// `decode HEX|FILE|-`: explains frames layer by layer.
import { closeSync, openSync, readSync } from "node:fs";
import type { Command } from "commander";
import { concat, fromHex, toHex } from "../../../firmware/protocol/bytes.ts";
import { type CapturedPacket, isPcapng, readPcapng } from "../../capture/pcapng.ts";
import { ContextPair } from "../../decode/context-pair.ts";
import { Explainer, type Layer } from "../../decode/explain.ts";
import { type Counts, Learnt } from "../../decode/learnt.ts";
import { explainPacket } from "../../decode/packet.ts";
import { type CommonOptions, engineOf, withEngine, withJson } from "../common.ts";
import { usageFault } from "../fault.ts";
import { layerText, momentTexts, printable, say, sayJson, words } from "../output.ts";
import { readContext } from "../preset.ts";

type Options = Pick<CommonOptions, "json" | "crypto"> & { readonly keys?: string; readonly learnt?: boolean };

/** A hundred thousand packets of the size that meters send: one JSON document of them is still printable. */
const INPUT_BYTES_MAX = 16 * 2 ** 20;
const PACKETS_MAX = 100_000;
const READ_BYTES = 2 ** 16;

/** Files of the older format begin with one of these (draft-ietf-opsawg-pcap 4), in either byte order. */
const PCAP_MAGICS = /^(a1b2c3d4|a1b23c4d|d4c3b2a1|4d3cb2a1)/;

export function addDecodeCommand(program: Command): void {
  withEngine(withJson(program.command("decode <hex>")))
    .description("explain frames layer by layer; without keys, what anybody in between sees")
    .option("--keys <file>", "an OSCORE context file, to open what is protected")
    .option(
      "--learnt",
      "of a capture: what whoever carries it learns, as a DAP does, in place of each message",
    )
    .addHelpText(
      "after",
      `
HEX is a slipmux frame, a CoAP message, or the name of a pcapng file, as --capture and Wireshark write it;
- reads such a file, or one frame in each line, from standard input.
Examples: meterbench decode c0a940010000bc38c0
          meterbench decode meter1.pcapng
          meterbench decode dap.pcapng --learnt`,
    )
    .action(async (hex: string, options: Options) => {
      const explainer = new Explainer(await contextOf(options));
      if (fromHex(hex) !== undefined) return decodeLines(hex, explainer, options);
      const isInput = hex === "-";
      const bytes = isInput ? readWhole(0, "standard input") : readNamed(hex);
      const show = options.learnt === true ? showLearnt : decodeCapture;
      if (isPcapng(bytes)) return show(isInput ? "on standard input" : hex, bytes, explainer, options);
      refuseOtherFile(hex, bytes);
      decodeLines(new TextDecoder().decode(bytes), explainer, options);
    });
}

async function contextOf(options: Options): Promise<ContextPair | undefined> {
  if (options.keys === undefined) return undefined;
  return new ContextPair(await engineOf(options), readContext(options.keys));
}

function decodeLines(text: string, explainer: Explainer, { json, learnt }: Options): void {
  if (learnt === true)
    throw usageFault("--learnt sums up what goes by, and not single frames: name a pcapng file.");
  const frames = hexLines(text).map((line, i) => ({
    hex: line,
    layers: explainer.explain(bytesOf(line, i)),
  }));
  if (json) return sayJson({ frames });
  frames.forEach(({ layers }, i) => {
    if (i > 0) say();
    showLayers(layers);
  });
}

function hexLines(text: string): string[] {
  const lines = text.split("\n").map((line) => line.trim());
  const filled = lines.filter((line) => line !== "");
  if (filled.length === 0) throw usageFault("There is nothing to decode: give the bytes of a frame in hex.");
  return filled;
}

/** The line itself is not shown: a file that was mistaken for another may hold secrets. */
function bytesOf(line: string, index: number): Uint8Array {
  const bytes = fromHex(line);
  if (bytes === undefined || bytes.length === 0) {
    throw usageFault(`Frame ${index + 1} is no hex: give pairs of the digits 0 to 9 and a to f.`);
  }
  return bytes;
}

/**
 * What is whole is shown, also of a capture that is cut short or has something wrong in it, which is said
 * then.
 */
function decodeCapture(name: string, bytes: Uint8Array, explainer: Explainer, { json }: Options): void {
  const frames: PacketDocument[] = [];
  let packets = 0;
  const fault = readPcapng(bytes, (packet) => {
    if (++packets > PACKETS_MAX)
      throw usageFault(
        `The capture ${name} has more than ${PACKETS_MAX} packets: cut it with 'editcap -c ${PACKETS_MAX}'.`,
      );
    const document = packetDocument(packet, explainer);
    if (json) frames.push(document);
    else showPacket(packets, packet, document);
  });
  if (json) sayJson({ frames });
  else if (packets === 0) say("The capture holds no packet.");
  if (fault !== undefined)
    throw usageFault(`The capture ${name} ${fault}; whole packets before that: ${packets}.`);
}

/** All that somebody between learns from the packets of a capture together. */
function showLearnt(name: string, bytes: Uint8Array, explainer: Explainer, { json }: Options): void {
  const learnt = new Learnt();
  let span: readonly [first: number, last: number] | undefined;
  const fault = readPcapng(bytes, (packet) => {
    learnt.take(explainPacket(explainer, packet).bytes);
    span = [span?.[0] ?? packet.utcMicroseconds, packet.utcMicroseconds];
  });
  if (fault !== undefined) throw usageFault(`The capture ${name} ${fault}.`);
  const [first = null, last = null] = span?.map((time) => momentTexts(time)?.utc) ?? [];
  const summary = { first, last, ...learnt.summary() };
  if (json) return sayJson({ learnt: summary });
  for (const [of, value] of Object.entries(summary))
    say(printable(`${words(of).padEnd(22)} ${countsText(value)}`));
}

/** `M1 (12), M2 (10)`, or a single value as it is. */
function countsText(value: string | number | Counts | null): string {
  if (value === null || typeof value !== "object") return String(value ?? "not known");
  const texts = Object.entries(value).map(([name, count]) => `${name} (${count})`);
  return texts.length === 0 ? "none" : texts.join(", ");
}

interface PacketDocument {
  readonly time: string | null;
  readonly line: string | null;
  readonly direction: "inbound" | "outbound" | null;
  readonly from: string | null;
  readonly to: string | null;
  readonly hex: string;
  readonly layers: readonly Layer[];
}

function packetDocument(packet: CapturedPacket, explainer: Explainer): PacketDocument {
  const { from = null, to = null, bytes, layers } = explainPacket(explainer, packet);
  const { line = null, direction = null, utcMicroseconds } = packet;
  const time = momentTexts(utcMicroseconds)?.utc ?? null;
  return { time, line, direction, from, to, hex: toHex(bytes), layers };
}

function showPacket(number: number, { utcMicroseconds }: CapturedPacket, document: PacketDocument): void {
  const { from, to, direction, line, layers } = document;
  const ends = from === null ? undefined : `${from} > ${to}`;
  const facts = [momentTexts(utcMicroseconds)?.local ?? "no time", direction, ends, line];
  if (number > 1) say();
  say(`${number}  ${printable(facts.filter((fact) => fact !== null && fact !== undefined).join("  "))}`);
  showLayers(layers);
}

function showLayers(layers: readonly Layer[]): void {
  for (const layer of layers) say(printable(layerText(layer)));
}

/**
 * The bytes of the file that the argument names; an argument that is neither hex nor a file is a usage fault.
 */
function readNamed(name: string): Uint8Array {
  let file: number;
  try {
    file = openSync(name, "r");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT")
      throw usageFault(
        `"${name.slice(0, 80)}" is no hex and no file: give pairs of the digits 0 to 9 and a to f, or a pcapng file.`,
      );
    throw cannotRead(`the file ${name}`, error);
  }
  try {
    return readWhole(file, `the file ${name}`);
  } finally {
    closeSync(file);
  }
}

function readWhole(file: number, what: string): Uint8Array {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const chunk = readChunk(file, what);
    if (chunk.length === 0) return concat(...chunks);
    length += chunk.length;
    if (length > INPUT_BYTES_MAX)
      throw usageFault(
        `There are more than ${INPUT_BYTES_MAX} bytes in ${what}: cut it with 'editcap -c ${PACKETS_MAX}'.`,
      );
    chunks.push(chunk);
  }
}

function readChunk(file: number, what: string): Uint8Array {
  const chunk = new Uint8Array(READ_BYTES);
  try {
    return chunk.subarray(0, readSync(file, chunk));
  } catch (error) {
    // Windows says so at the end of a pipe.
    if ((error as NodeJS.ErrnoException).code === "EOF") return chunk.subarray(0, 0);
    throw cannotRead(what, error);
  }
}

function cannotRead(what: string, error: unknown): Error {
  return usageFault(`Cannot read ${what} (${(error as NodeJS.ErrnoException).code}): check the path.`);
}

/** Bytes of a named file, and of an older capture on standard input, that are nothing to decode. */
function refuseOtherFile(name: string, bytes: Uint8Array): void {
  if (PCAP_MAGICS.test(toHex(bytes.subarray(0, 4))))
    throw usageFault(
      "That is a capture of the older pcap format: turn it into pcapng with 'editcap OLD.pcap NEW.pcapng'.",
    );
  if (name !== "-")
    throw usageFault(
      `The file ${name} is no pcapng capture: for frames in hex give '-' and the file as input.`,
    );
}
