// `--oscore-context`: a context agreed on beforehand, in place of EDHOC; development only.
import type { PresetContext } from "../../firmware/protocol/sessions.ts";
import { type NamedContext, readContextFile } from "../oscore-context/context-file.ts";
import { holdNumbers } from "../oscore-context/number-file.ts";
import { usageFault } from "./fault.ts";
import { readSecretFile } from "./home.ts";

/** The context in a file; a file that is none is a usage fault. */
export function readContext(path: string): NamedContext {
  const context = readContextFile(readSecretFile(path, "OSCORE context file"));
  if ("error" in context) {
    throw usageFault(
      `The file ${path} ${context.error}: write {masterSecret, senderId, recipientId, ...} in hex.`,
    );
  }
  return context;
}

/** A preset context whose numbers this process holds until it is released. */
export interface HeldPreset {
  readonly preset: PresetContext;
  release(): void;
}

/** Takes the context in a file, with the numbers beside it; `peer` is how the other end is called. */
export async function holdPreset(path: string, peer: string): Promise<HeldPreset> {
  const parameters = readContext(path);
  const { sequence, release } = await holdNumbers(path, parameters);
  return { preset: { peer: { id: peer }, parameters, sequence }, release };
}
