/** Sends one request and calls back with its answer's body. */
export type Ask = (done: (body: Uint8Array) => void) => void;

/** Whoever asks a server in a benchmark. */
export interface Client {
  readonly ask: Ask;
  close(): void;
}

/** How many requests were answered, in what time. */
export interface Counted {
  readonly requests: number;
  readonly seconds: number;
}

/**
 * Keeps each of `asks` under way, each time anew after its answer, until `isEnough` says so of the number answered
 * and the time in ms since the start. `check` throws at an answer that is not the right one.
 */
export function countAnswers(
  asks: readonly Ask[],
  isEnough: (requests: number, milliseconds: number) => boolean,
  check: (body: Uint8Array) => void,
): Promise<Counted> {
  return new Promise((resolve, reject) => {
    const start = performance.now();
    let requests = 0;
    let open = 0;
    const next = (ask: Ask): void => {
      open++;
      ask((body) => {
        open--;
        try {
          check(body);
        } catch (error) {
          return reject(error);
        }
        requests++;
        if (!isEnough(requests + open, performance.now() - start)) next(ask);
        else if (open === 0) resolve({ requests, seconds: (performance.now() - start) / 1000 });
      });
    };
    for (const ask of asks) next(ask);
  });
}
