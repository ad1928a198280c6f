// An input that never ends leaves the search no turn to say so: somebody beside it must.
import { Worker } from "node:worker_threads";

/** Thousands of times what an input may take, and more than a machine is ever stopped for. */
const PATIENCE_MS = 20_000;
const HEAD_BYTES = 8;

/** Looks at whether the count goes on. A signal ends what runs in no loop of events. */
const WATCH = `
  const { workerData: { shared, name, patienceMs } } = require("node:worker_threads");
  const { writeSync } = require("node:fs");
  const [count, length] = [new Int32Array(shared, 0, 1), new Int32Array(shared, 4, 1)];
  let last = Atomics.load(count, 0);
  setInterval(() => {
    const now = Atomics.load(count, 0);
    if (now !== last || length[0] < 0) return void (last = now);
    const input = Buffer.from(shared, ${HEAD_BYTES}, length[0]).toString("hex");
    writeSync(2, "  hang: takes more than " + patienceMs / 1000 + " s, and the search ends here\\n");
    writeSync(2, "    again: npm run fuzz -- " + name + " --input " + input + "\\n");
    process.kill(process.pid, "SIGTERM");
  }, patienceMs);
`;

/** Ends the program, with the input on the error output, where one input takes longer than anybody waits. */
export class Watchdog {
  readonly #count: Int32Array;
  readonly #length: Int32Array;
  readonly #input: Uint8Array;

  constructor(name: string, bytesMax: number, patienceMs = PATIENCE_MS) {
    const shared = new SharedArrayBuffer(HEAD_BYTES + bytesMax);
    this.#count = new Int32Array(shared, 0, 1);
    this.#length = new Int32Array(shared, 4, 1);
    this.#input = new Uint8Array(shared, HEAD_BYTES);
    this.rest();
    new Worker(WATCH, { eval: true, workerData: { shared, name, patienceMs } }).unref();
  }

  /** An input is tried from now on. */
  at(input: Uint8Array): void {
    const known = input.subarray(0, this.#input.length);
    this.#input.set(known);
    this.#length[0] = known.length;
    Atomics.add(this.#count, 0, 1);
  }

  /** Nothing is tried. */
  rest(): void {
    this.#length[0] = -1;
  }
}
