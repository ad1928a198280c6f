// The head-end's end of a line: watched, made bad on demand, and shared by those who ask there.
import { SlipmuxLink } from "../../../hal/modems/slipmux/driver.ts";
import type { Clock } from "../../../hal/ports/clock.ts";
import type { Link, LinkCounters, LinkListener, LinkTraits, Station } from "../../../hal/ports/link.ts";
import type { LineEnd } from "../../capture/capture.ts";
import { tapLink } from "../../capture/tap.ts";
import { InfrastructureFault } from "../infrastructure.ts";
import type { Recorder } from "../recorder.ts";
import type { LineFaults, LineFrame, RigLine } from "../rig.ts";
import type { FaultyUart } from "./faulty-uart.ts";

/** A test that sees more is a soak: the capture has them all. */
const FRAMES_MAX = 50_000;

export interface WatchedLineParts {
  readonly name: string;
  readonly link: Link;
  /** Whom the line leads to. */
  readonly station: Station;
  readonly clock: Clock;
  readonly recorder: Recorder;
  /** What the captured end is; a UDP link is its own station. */
  readonly end: LineEnd | Station;
  /** What makes the line bad; undefined where nothing can. */
  readonly faulty: FaultyUart | undefined;
}

/** A line that several ask on: whoever sent last hears what comes. */
export class WatchedLine implements RigLine {
  readonly name: string;
  readonly frames: LineFrame[] = [];
  readonly #link: Link;
  readonly #parts: WatchedLineParts;
  #hearer: LinkListener | undefined;

  constructor(parts: WatchedLineParts) {
    const { name, link, clock, recorder, end } = parts;
    this.name = name;
    this.#parts = parts;
    const watched = recorder.capture.link(link, { name, end, clock });
    this.#link = tapLink(watched, (direction, _, bytes) => {
      if (this.frames.length < FRAMES_MAX)
        this.frames.push({ atMs: clock.monotonicMs(), direction, bytes: bytes.slice() });
    });
    this.#link.listen({ datagram: (from, datagram) => this.#hearer?.datagram(from, datagram) });
    if (link instanceof SlipmuxLink) link.onDiagnostic((text) => recorder.say(`${name}: ${text}`));
  }

  get traits(): LinkTraits {
    return this.#link.traits;
  }

  get counters(): LinkCounters {
    return this.#link.counters;
  }

  /** The line for one more who asks on it; closing that leaves the line as it is. */
  party(): Link {
    let listener: LinkListener | undefined;
    return {
      ...{ traits: this.#link.traits, counters: this.#link.counters },
      send: (to, datagram) => {
        if (listener !== undefined) this.#hearer = listener;
        return this.#link.send(to, datagram);
      },
      listen: (heard) => {
        listener = heard;
        this.#hearer ??= heard;
      },
      close: () => {},
    };
  }

  inject(bytes: Uint8Array): void {
    this.#parts.recorder.say(`${this.name}: a stranger sends ${bytes.length} bytes`);
    this.#hearer = undefined;
    this.#link.send(this.#parts.station, bytes);
  }

  setFaults(faults: LineFaults | undefined): void {
    const { faulty, recorder, name } = this.#parts;
    if (faulty === undefined)
      throw new InfrastructureFault(
        `The line ${name} cannot be made bad: ask for a bench that can by needs("line-fault").`,
      );
    recorder.say(`${name}: ${faults === undefined ? "sound again" : `faults ${JSON.stringify(faults)}`}`);
    faulty.setFaults(faults);
  }

  close(): void {
    this.#link.close();
  }
}
