/**
 * Resolves when the user or the system asks this process to end, or `quit` does before; with what `other` resolves with,
 * where that comes first.
 */
export function untilStopped<Reason = undefined>(
  quit?: Promise<void>,
  other?: Promise<Reason>,
): Promise<Reason | undefined> {
  return new Promise((resolve) => {
    const stop = (): void => resolve(undefined);
    void quit?.then(stop);
    void other?.then(resolve);
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, stop);
  });
}
