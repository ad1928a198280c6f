// Lines that a person pastes into another terminal.

/** The option `--home` where it is not the usual folder, with a space before it. */
export function homeText(home: string): string {
  return home === ".meterbench" ? "" : ` --home ${shellWord(home)}`;
}

/** A word as a shell reads it back. */
export function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
