// What goes wrong around tests.
import { beforeAll, describe, test } from "vitest";

describe("a group whose set-up fails", () => {
  beforeAll(() => {
    throw new Error("no set-up");
  });
  test("is not run", () => {});
});

test("leaves something that fails later", async () => {
  setTimeout(() => {
    throw new Error("later");
  }, 1);
  await new Promise((resolve) => setTimeout(resolve, 50));
});
