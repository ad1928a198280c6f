// A test that never gives its turn back, which no timer of its own process can end.
import { test } from "../../../../host-tools/hil/index.ts";

test("never gives its turn back", { timeout: 500 }, async () => {
  await new Promise((resolve) => setTimeout(resolve, 300));
  for (;;);
});
