/** Ends that Node would otherwise make without running any code. */
const SIGNALS = ["SIGINT", "SIGTERM"] as const;

const cleanUps = new Set<() => void>();

/**
 * Runs `cleanUp` when the process ends, by itself or by SIGINT or SIGTERM, and gives a
 * function that takes it back. A signal that the program handles itself is left to the program.
 */
export function atProcessEnd(cleanUp: () => void): () => void {
  if (cleanUps.size === 0) {
    process.on("exit", runAll);
    // First in line, to see the program's own handlers before any that is for once takes itself off.
    for (const signal of SIGNALS) process.prependListener(signal, endBySignal);
  }
  cleanUps.add(cleanUp);
  return () => takeBack(cleanUp);
}

function takeBack(cleanUp: () => void): void {
  if (!cleanUps.delete(cleanUp) || cleanUps.size > 0) return;
  process.off("exit", runAll);
  for (const signal of SIGNALS) process.off(signal, endBySignal);
}

function runAll(): void {
  for (const cleanUp of [...cleanUps]) cleanUp();
}

function endBySignal(signal: NodeJS.Signals): void {
  if (process.listenerCount(signal) > 1) return;
  runAll();
  // With this handler gone, the signal does what it does to a program that handles none.
  process.off(signal, endBySignal);
  process.kill(process.pid, signal);
}
