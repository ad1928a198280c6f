// A process that nobody can look into: no debugger at a port, and none that a signal opens.

/** By which a file of everything in memory, keys too, or code of somebody else's comes into every program that Node runs. */
const NODE_SETTINGS = [
  "NODE_OPTIONS",
  "NODE_PATH",
  "NODE_V8_COVERAGE",
  "NODE_REPL_EXTERNAL_MODULE",
  "NODE_INSPECT_RESUME_ON_START",
];

/**
 * Closes the inspector where Node was started with one, and lets SIGUSR1, which opens one in any process of Node, do
 * nothing. Programs that are started from here get no settings of Node's from the environment either.
 */
export function closeDebugPorts(): void {
  process.on("SIGUSR1", () => {});
  for (const name of NODE_SETTINGS) delete process.env[name];
  // Some builds for small boards have none.
  if (!process.features.inspector) return;
  const inspector = process.getBuiltinModule("node:inspector");
  if (inspector.url() !== undefined) inspector.close();
}
