// Which characters of the decoders' code have ever run, by V8's own block counters: no tool to install, and
// a look of a millisecond after a thousand inputs costs little.
import { type Profiler, Session } from "node:inspector";

/** Watches modules that are loaded after it: V8 counts blocks only of what is compiled from then on. */
export class Coverage {
  readonly #session = new Session();
  /** By function, as those inside of others are told apart: for each of its characters 1 once it ran. */
  readonly #ran = new Map<string, Uint8Array>();
  #seen: readonly Profiler.ScriptCoverage[] = [];

  constructor() {
    this.#session.connect();
    this.#session.post("Profiler.enable");
    // Without counts V8 looks no more at a function that it has reported once.
    this.#session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
  }

  /** True where code ran since the last look that is not known to run, in modules whose URL matches. */
  look(wanted: RegExp): boolean {
    this.#seen = this.#taken().filter(({ url }) => wanted.test(url));
    return this.#seen.some(({ url, functions }) =>
      functions.some(({ ranges }) => this.#mark(url, ranges, "look")),
    );
  }

  /** What the last look saw is known from now on. */
  learn(): void {
    for (const { url, functions } of this.#seen)
      for (const { ranges } of functions) this.#mark(url, ranges, "learn");
  }

  stop(): void {
    this.#session.disconnect();
  }

  #taken(): Profiler.ScriptCoverage[] {
    let taken: Profiler.ScriptCoverage[] = [];
    // In a session with the own thread the answer is there before `post` returns.
    this.#session.post("Profiler.takePreciseCoverage", (_, { result }) => {
      taken = result;
    });
    return taken;
  }

  /** Ranges are in each other, outer ones first: the innermost says of a character whether it ran. True for news. */
  #mark(url: string, ranges: readonly Profiler.CoverageRange[], how: "look" | "learn"): boolean {
    const [whole] = ranges;
    if (whole === undefined) return false;
    const now = new Uint8Array(whole.endOffset - whole.startOffset);
    for (const { startOffset, endOffset, count } of ranges)
      now.fill(count > 0 ? 1 : 0, startOffset - whole.startOffset, endOffset - whole.startOffset);
    const ran = this.#ranOf(`${url} ${whole.startOffset}`, now.length);
    if (how === "look") return now.some((hasRun, i) => hasRun > (ran[i] as number));
    for (let i = 0; i < now.length; i++) if (now[i] === 1) ran[i] = 1;
    return true;
  }

  #ranOf(name: string, length: number): Uint8Array {
    const known = this.#ran.get(name) ?? new Uint8Array(length);
    this.#ran.set(name, known);
    return known;
  }
}
