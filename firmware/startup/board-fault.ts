// How a program on a board ends that cannot go on: one sentence, and an exit code.

/** As the command line has them. */
export const EXIT = {
  trouble: 1,
  usage: 2,
  identity: 4,
  /** Not a fault: whoever supervises the program is to start it again (sysexits.h: EX_TEMPFAIL). */
  again: 75,
} as const;

/** Ends the program with an exit code and one sentence. */
export class BoardFault extends Error {
  readonly exitCode: number;

  constructor(exitCode: number, sentence: string) {
    super(sentence);
    this.exitCode = exitCode;
  }
}

type Kind = abstract new (...args: never[]) => Error;

/** Runs `main`, and tells what it throws; `usageErrors` are those that the user can do something about. */
export async function runProgram(main: () => Promise<void>, usageErrors: readonly Kind[]): Promise<void> {
  try {
    await main();
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = exitCodeOf(error, usageErrors);
  }
}

function exitCodeOf(error: unknown, usageErrors: readonly Kind[]): number {
  if (error instanceof BoardFault) return error.exitCode;
  return usageErrors.some((kind) => error instanceof kind) ? EXIT.usage : EXIT.trouble;
}
