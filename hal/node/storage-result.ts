import type { StorageFault, StorageResult } from "../ports/storage.ts";

/** Faults by the system's error codes; any other is a disk that fails. */
const FAULTS: ReadonlyMap<string, StorageFault> = new Map([
  ["ENOSPC", "full"],
  ["EDQUOT", "full"],
  ["EFBIG", "full"],
  ["EROFS", "read-only"],
  ["EACCES", "read-only"],
  ["EPERM", "read-only"],
]);

/** What the operating system refuses is a fault; anything else thrown is a bug of ours. */
export function storageResult(operation: () => unknown): StorageResult {
  try {
    operation();
    return "done";
  } catch (error) {
    const { code, syscall } = error as NodeJS.ErrnoException;
    if (syscall === undefined) throw error;
    return FAULTS.get(code ?? "") ?? "broken";
  }
}
