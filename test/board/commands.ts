import { meterbench } from "../support/command.ts";

/** Runs a command of the tools to its end, in `cwd`, and gives its JSON; throws what it says where it fails. */
export async function tell(cwd: string, args: readonly string[]): Promise<Record<string, unknown>> {
  const { code, stdout, stderr } = await meterbench([...args, "--json"], { cwd });
  if (code !== 0) throw new Error(`meterbench ${args.join(" ")} ended with ${code}: ${stderr || stdout}`);
  return JSON.parse(stdout) as Record<string, unknown>;
}
