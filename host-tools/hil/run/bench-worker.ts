import { ForksPoolWorker, type PoolOptions, type PoolRunnerInitializer } from "vitest/node";

/** The worker process of one bench, which can be ended from outside where a test of it does not give its turn back. */
export class BenchWorker {
  #worker: ForksPoolWorker | undefined;

  readonly pool: PoolRunnerInitializer = {
    // Not one of vitest's own names: under those it makes workers by itself.
    name: "bench",
    createPoolWorker: (options: PoolOptions) => {
      this.#worker = new ForksPoolWorker(options);
      return this.#worker;
    },
  };

  /** Asks it to end, and ends it. Vitest then says that it ended unexpectedly. */
  async end(): Promise<void> {
    await this.#worker?.stop();
  }
}
