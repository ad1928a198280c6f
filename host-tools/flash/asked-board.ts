// A board at the other end of a line: an image goes there in parts, however often the line, the board or this program stops.
import { EMPTY, equal } from "../../firmware/protocol/bytes.ts";
import { TRIES } from "../../firmware/update/boot-state.ts";
import { headBytesOf, readEnvelope } from "../../firmware/update/image.ts";
import type { Refused } from "../../firmware/update/refusals.ts";
import type { ImagePart, SlotsReport } from "../../firmware/update/slots-report.ts";
import type { BoardAsker } from "./board-askers.ts";
import { PartSizes } from "./part-sizes.ts";
import {
  type Activated,
  FlashError,
  type FlashImage,
  type FlashTarget,
  type OnProgress,
  refusedBy,
  type Uploaded,
} from "./target.ts";

export interface AskedBoardOptions {
  /** How long a board may say nothing, or take nothing, before it is given up; 15 minutes unless given. */
  readonly patienceMs?: number;
}

/** A board that starts again after a cut, with a DAP that waits for it, is back by then. */
const PATIENCE_MS = 900_000;
/** After a question without an answer. */
const PAUSE_MS = 5000;
/** Parts after which the board has no more than before: each cut of its supply can be the reason of one. */
const SETBACKS_MAX = 32;

/** Flashes over CoAP: the board says what it has, and from there on it is sent. */
export class AskedBoard implements FlashTarget {
  readonly #asker: BoardAsker;
  readonly #patienceMs: number;
  /** What was uploaded last; by its manifest a slot tells that it is in there. */
  #image: FlashImage | undefined;

  constructor(asker: BoardAsker, { patienceMs = PATIENCE_MS }: AskedBoardOptions = {}) {
    this.#asker = asker;
    this.#patienceMs = patienceMs;
  }

  get name(): string {
    return this.#asker.name;
  }

  async report(): Promise<SlotsReport> {
    return this.#asker.report();
  }

  /** A trial that is under way is not disturbed: that is told before an image is sent in vain. */
  async check(image: FlashImage): Promise<void> {
    if (!this.#asker.runs) return;
    const report = await this.#asker.report();
    const { trial, slots } = report;
    const isUnderWay = trial !== undefined && trial.left < TRIES;
    if (!isUnderWay || installedIn(report, image) !== undefined) return;
    const why = `the image of sequence ${slots[trial.slot]?.sequence ?? 0} is on trial`;
    throw refusedBy(this.name, { refusal: "busy", why });
  }

  async upload(image: FlashImage, onProgress: OnProgress): Promise<Uploaded> {
    this.#image = image;
    const report = await this.#patiently(() => this.#asker.report());
    const resumedAt = installedIn(report, image) ? image.bytes.length : receivedOf(report, image);
    const sending = new Sending(image, resumedAt, new PartSizes());
    while (!sending.isDone) {
      onProgress(sending.at, image.bytes.length);
      await this.#patiently(() => this.#sendNext(sending));
    }
    onProgress(sending.at, image.bytes.length);
    return { bytes: sending.sentBytes, resumedAt };
  }

  async activate(digest: Uint8Array): Promise<Activated> {
    const installed = await this.#patiently(async () => {
      // An answer that was lost, and a board that has started the image meanwhile, are told by its slots.
      const before = this.#image && installedIn(await this.#asker.report(), this.#image);
      return before ?? this.#install(digest);
    });
    return { ...installed, starts: this.#asker.runs };
  }

  async close(): Promise<void> {
    await this.#asker.close();
  }

  async #sendNext(sending: Sending): Promise<void> {
    const startMs = this.#asker.clock.monotonicMs();
    const outcome = await this.#asker.send(sending.next()).catch((error: unknown) => {
      sending.lost();
      throw error;
    });
    if (outcome.received === undefined) throw refusedBy(this.name, outcome as Refused);
    if (!sending.took(outcome.received, this.#asker.clock.monotonicMs() - startMs)) throw this.#stuck();
  }

  async #install(digest: Uint8Array): Promise<Omit<Activated, "starts">> {
    const outcome = await this.#asker.install(digest);
    if ("refusal" in outcome) throw refusedBy(this.name, outcome);
    return outcome;
  }

  /** Tries again and again where nobody answers, for as long as there is patience. */
  async #patiently<Result>(work: () => Promise<Result>): Promise<Result> {
    const { clock } = this.#asker;
    const untilMs = clock.monotonicMs() + this.#patienceMs;
    for (;;) {
      try {
        return await work();
      } catch (error) {
        const mayPass = error instanceof FlashError && error.kind === "unreachable";
        if (!mayPass || clock.monotonicMs() >= untilMs) throw error;
        await new Promise<void>((resolve) => void clock.after(PAUSE_MS, resolve));
      }
    }
  }

  #stuck(): FlashError {
    return new FlashError(
      "failed",
      `The board at ${this.name} loses what it is sent again and again: see that nobody else flashes it, and that its storage is sound.`,
    );
  }
}

/** How far an image has come. */
class Sending {
  readonly #image: FlashImage;
  readonly #sizes: PartSizes;
  #at: number;
  #sentBytes = 0;
  #part: ImagePart | undefined;
  #setbacks = 0;

  constructor(image: FlashImage, at: number, sizes: PartSizes) {
    this.#image = image;
    this.#sizes = sizes;
    this.#at = at;
  }

  /** Bytes that the board has. */
  get at(): number {
    return this.#at;
  }

  /** Bytes of all parts that were sent, also of those that were lost. */
  get sentBytes(): number {
    return this.#sentBytes;
  }

  get isDone(): boolean {
    return this.#at >= this.#image.bytes.length;
  }

  next(): ImagePart {
    const { digest, bytes: image } = this.#image;
    // By the whole manifest the board judges an image before it writes any of it.
    const least = this.#at === 0 ? headBytes(image) : 0;
    const bytes = image.slice(this.#at, this.#at + Math.max(least, this.#sizes.bytes));
    this.#part = { digest, imageBytes: image.length, offset: this.#at, bytes };
    this.#sentBytes += bytes.length;
    return this.#part;
  }

  /** The board has so many bytes now; false where that has led nowhere too often. */
  took(received: number, milliseconds: number): boolean {
    const { offset, bytes } = this.#part ?? { offset: 0, bytes: EMPTY };
    if (received === offset + bytes.length) this.#sizes.took(bytes.length, milliseconds);
    if (received <= this.#at) this.#setbacks++;
    this.#at = Math.min(received, this.#image.bytes.length);
    return this.#setbacks < SETBACKS_MAX;
  }

  lost(): void {
    this.#sizes.lost();
  }
}

function headBytes(image: Uint8Array): number {
  const envelope = readEnvelope(image);
  return "refusal" in envelope ? 0 : headBytesOf(envelope);
}

function receivedOf({ incoming }: SlotsReport, { digest, bytes }: FlashImage): number {
  if (incoming === undefined || !equal(incoming.digest, digest)) return 0;
  return incoming.imageBytes === bytes.length ? incoming.received : 0;
}

/** Where the image waits for its trial, has it, or is the one that runs. */
function installedIn(
  { slots, trial, current }: SlotsReport,
  { manifestDigest }: FlashImage,
): Omit<Activated, "starts"> | undefined {
  for (const slot of [trial?.slot, current]) {
    const found = slot && slots[slot];
    if (slot === undefined || found === undefined || found.state === "broken") continue;
    if (equal(found.digest, manifestDigest))
      return { slot, sequence: found.sequence, armed: slot === trial?.slot };
  }
  return undefined;
}
