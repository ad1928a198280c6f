// A test that never gives its turn back, which no timer of its own process can end.
import { test } from "../../../../host-tools/hil/index.ts";

test("is over before vitest has told of it", () => {});

test("never gives its turn back", { timeout: 500 }, () => {
  for (;;);
});
