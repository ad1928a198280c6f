// A bench that is gone for good, and one that comes back.
import { existsSync, writeFileSync } from "node:fs";
import { InfrastructureFault, test } from "../../../../host-tools/hil/index.ts";

test("finds its bench gone", () => {
  throw new InfrastructureFault("The port is gone.");
});

test("finds its bench gone once", () => {
  if (existsSync("seen")) return;
  writeFileSync("seen", "");
  throw new InfrastructureFault("The port is gone.");
});
