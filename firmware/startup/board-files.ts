// Files of text on a board.
import { join, namesIn } from "../../hal/node/program.ts";
import { BoardFault, EXIT } from "./board-fault.ts";

/** What `read` makes of a file; one that cannot be read ends the program. */
export function readAs<Result>(path: string, read: (path: string) => Result): Result {
  try {
    return read(path);
  } catch (error) {
    throw new BoardFault(
      EXIT.usage,
      `The file ${path} cannot be read (${(error as NodeJS.ErrnoException).code}): check the path and its owner.`,
    );
  }
}

/** The files of JSON in a folder, by their names; none where there is no such folder. */
export function jsonFilesIn(folder: string): string[] {
  try {
    const names = namesIn(folder).filter((name) => name.endsWith(".json") && !name.startsWith("."));
    return names.sort().map((name) => join(folder, name));
  } catch {
    return [];
  }
}
