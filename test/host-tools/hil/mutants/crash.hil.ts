// A worker that ends in the middle.
import { test } from "../../../../host-tools/hil/index.ts";

test("takes its worker along", () => {
  process.kill(process.pid, "SIGKILL");
});

test("comes after that", () => {});
