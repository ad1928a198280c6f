import { execFileSync } from "node:child_process";

/** Builds `dist/` once, before all tests: processes start from it in half the time that source takes. */
export function setup(): void {
  execFileSync("npm", ["run", "--silent", "build"], { stdio: "inherit" });
}
