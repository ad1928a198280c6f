/** Lets at least `ms` milliseconds of real time pass. */
export function sleep(ms: number): Promise<void> {
  const dueMs = performance.now() + ms;
  return new Promise((resolve) => {
    const look = () =>
      performance.now() >= dueMs ? resolve() : setTimeout(look, Math.ceil(dueMs - performance.now()));
    look();
  });
}

/** Waits in real time until `done`; true if it was so within `withinMs`. */
export async function until(done: () => boolean, withinMs = 5000): Promise<boolean> {
  const endMs = performance.now() + withinMs;
  while (!done()) {
    if (performance.now() > endMs) return false;
    await sleep(2);
  }
  return true;
}

/** What a contract suite waits with on loopback and PTYs, where all that is under way arrives soon. */
export async function settle(done?: () => boolean): Promise<void> {
  if (done === undefined) await sleep(80);
  else await until(done);
}
