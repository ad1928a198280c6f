// What `flash` and `slots` show: as documents, and for people.
import { toHex } from "../../firmware/protocol/bytes.ts";
import { reportDocument } from "../../firmware/update/report-json.ts";
import { SLOTS, type Slot, type SlotsReport } from "../../firmware/update/slots-report.ts";
import type { FlashResult, FlashStep } from "../flash/flash.ts";
import type { FlashImage } from "../flash/target.ts";
import { EXIT, type ExitCode } from "./fault.ts";
import { printable, table } from "./output.ts";

/** What was done where. */
export interface Flashed {
  readonly target: string;
  readonly image: FlashImage;
  readonly result: FlashResult;
}

export function flashDocument({ target, image, result }: Flashed) {
  const { manifest, bytes, digest } = image;
  const { end, slot, why, uploaded, uploadMs, milliseconds } = result;
  return {
    target,
    image: {
      ...{ version: manifest.version, sequence: manifest.sequence },
      ...{ board: manifest.board, arch: manifest.arch, libc: manifest.libc },
      ...{ bytes: bytes.length, digest: toHex(digest) },
    },
    ...{ end, slot, why: why ?? null },
    sentBytes: uploaded?.bytes ?? 0,
    resumedAt: uploaded?.resumedAt ?? 0,
    sendMilliseconds: Math.round(uploadMs ?? 0),
    milliseconds: Math.round(milliseconds),
  };
}

/** How it ended, and what it took. */
export function flashLines({ target, image: { manifest, bytes }, result }: Flashed): string[] {
  const name = `${manifest.version}, sequence ${manifest.sequence}`;
  const lines = [printable(`${name}: ${endText(result, target, bytes.length)}`)];
  const { uploaded, uploadMs = 0, milliseconds } = result;
  if (uploaded === undefined) return lines;
  const resumed = uploaded.resumedAt > 0 ? ` (the first ${uploaded.resumedAt} were there already)` : "";
  const sent = `${uploaded.bytes} bytes sent in ${secondsText(uploadMs)}${resumed}`;
  return [...lines, `${sent}, ${secondsText(milliseconds)} in all`];
}

function endText({ end, slot, why }: FlashResult, target: string, bytes: number): string {
  switch (end) {
    case "dry-run":
      return `${target} would take it into slot ${slot}, ${bytes} bytes; nothing was sent.`;
    case "unchanged":
      return `${target} has it in slot ${slot} already, confirmed.`;
    case "installed":
      return `in slot ${slot} of ${target}, which starts it from now on.`;
    case "armed":
      return `in slot ${slot} of ${target}, which tries it when it starts next, and confirms it or goes back.`;
    case "confirmed":
      return `${target} runs it from slot ${slot}, and has confirmed it.`;
    case "rolled-back":
      return `${target} has tried it and gone back to the image of before${why === undefined ? "" : ` (${why})`}.`;
    case "undecided":
      return `${target} has it in slot ${slot}, and has not confirmed it yet: see 'meterbench slots'.`;
  }
}

/** A board that did not keep the image has it partly. */
export function exitOf({ end }: FlashResult): ExitCode {
  return end === "rolled-back" || end === "undecided" ? EXIT.partly : EXIT.done;
}

export function slotsDocument(target: string, report: SlotsReport | "empty") {
  return report === "empty" ? { target, board: false } : { target, board: true, ...reportDocument(report) };
}

export function slotsLines(target: string, report: SlotsReport | "empty"): string[] {
  if (report === "empty")
    return [`There is no board at ${printable(target)} yet: 'meterbench flash' sets one up.`];
  const { facts, floor, incoming, outcome } = report;
  const libc = `${facts.libc.kind} ${facts.libc.version ?? ""}`.trim();
  const lines = [
    `${target}: ${facts.board}, ${facts.arch}, ${libc}, Node ${facts.nodeVersion}`,
    ...table(SLOTS.map((slot) => slotRow(slot, report))),
    `images below sequence ${floor} are refused`,
    ...(incoming !== undefined && incoming.received < incoming.imageBytes
      ? [`an upload was cut: ${incoming.received} of ${incoming.imageBytes} bytes are there`]
      : []),
    ...(outcome === undefined ? [] : [outcomeText(outcome)]),
  ];
  return lines.map(printable);
}

function slotRow(slot: Slot, { slots, current, trial }: SlotsReport): string[] {
  const image = slots[slot];
  if (image === undefined) return [`slot ${slot}`, "empty"];
  const left = trial?.slot === slot ? `, ${trial.left} starts left` : "";
  return [
    `slot ${slot}`,
    image.version || "-",
    image.sequence === 0 ? "-" : `sequence ${image.sequence}`,
    `${image.state}${left}${slot === current && image.state !== "confirmed" ? ", the one to start" : ""}`,
  ];
}

function outcomeText({ kind, sequence, why }: NonNullable<SlotsReport["outcome"]>): string {
  return `the last update, sequence ${sequence}, was ${kind.replace("-", " ")}${why === undefined ? "" : `: ${why}`}`;
}

const STEPS: Readonly<Record<FlashStep, string>> = {
  asking: "Asking what is there",
  "setting up": "Setting up the board",
  carrying: "Sending the image",
  installing: "Installing: the board checks it",
  waiting: "Waiting: the board tries it",
};

const SHOW_EVERY_MS = 100;

/** One line on a terminal that is written over; pipes and files get none of it. */
export class FlashProgress {
  readonly #isShown = process.stderr.isTTY === true;
  #step: FlashStep = "asking";
  #startedMs = performance.now();
  #shownMs = 0;

  step(step: FlashStep): void {
    this.#step = step;
    this.#startedMs = performance.now();
    this.#show(`${STEPS[step]} ...`);
  }

  progress(doneBytes: number, allBytes: number): void {
    const nowMs = performance.now();
    if (nowMs - this.#shownMs < SHOW_EVERY_MS && doneBytes < allBytes) return;
    this.#shownMs = nowMs;
    const percent = allBytes === 0 ? 100 : Math.floor((doneBytes / allBytes) * 100);
    const seconds = secondsText(nowMs - this.#startedMs);
    this.#show(`${STEPS[this.#step]}: ${percent} %, ${doneBytes} of ${allBytes} bytes, ${seconds}`);
  }

  /** Leaves the line to what is printed next. */
  end(): void {
    this.#show("");
  }

  #show(text: string): void {
    if (this.#isShown) process.stderr.write(`\r\u001b[K${text}`);
  }
}

function secondsText(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(milliseconds < 10_000 ? 1 : 0)} s`;
}
