/** Exit codes that scripts depend on. */
export const EXIT = { done: 0, unexpected: 1, usage: 2, noAnswer: 3, refused: 4, partly: 5 } as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Ends the command with an exit code and one sentence: what is wrong, where, and what to do. */
export class CliFault extends Error {
  readonly exitCode: ExitCode;

  constructor(exitCode: ExitCode, sentence: string) {
    super(sentence);
    this.exitCode = exitCode;
  }
}

export function usageFault(sentence: string): CliFault {
  return new CliFault(EXIT.usage, sentence);
}
