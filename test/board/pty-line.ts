import { join } from "node:path";
import { makePty } from "../../hal/node/pty.ts";
import { PTY_SETTINGS } from "../support/pty-pair.ts";

/** A serial line between two programs of their own: each opens a PTY, and what one writes the other reads. */
export interface PtyLine {
  /** The end that the board opens as its UART. */
  readonly boardEnd: string;
  readonly readerEnd: string;
  close(): void;
}

export async function ptyLine(folder: string): Promise<PtyLine> {
  const boardEnd = join(folder, "uart");
  const readerEnd = join(folder, "line");
  const board = await makePty(boardEnd, PTY_SETTINGS);
  const reader = await makePty(readerEnd, PTY_SETTINGS);
  board.listen({ bytes: (bytes) => reader.write(bytes) });
  reader.listen({ bytes: (bytes) => board.write(bytes) });
  const close = (): void => {
    board.close();
    reader.close();
  };
  return { boardEnd, readerEnd, close };
}
