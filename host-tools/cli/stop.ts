/** Resolves when the user or the system asks this process to end, or `quit` does before. */
export function untilStopped(quit?: Promise<void>): Promise<void> {
  return new Promise((resolve) => {
    void quit?.then(resolve);
    process.once("SIGINT", () => resolve());
    process.once("SIGTERM", () => resolve());
    process.once("SIGHUP", () => resolve());
  });
}
