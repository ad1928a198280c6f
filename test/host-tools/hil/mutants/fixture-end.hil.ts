// A fixture of a user's own that fails at its end: the bench has to be there for the next test all the same.
import { test as base } from "../../../../host-tools/hil/index.ts";

const open = new Set<string>();

const test = base.extend<{ ends: undefined }>({
  ends: async ({ rig }, use) => {
    const close = rig.close.bind(rig);
    open.add("rig");
    rig.close = async () => {
      open.delete("rig");
      await close();
    };
    await use(undefined);
    throw new Error("no end");
  },
});

test("has a fixture that fails at its end", async ({ meter, headEnd, ends }) => {
  await headEnd.readRegisters(meter);
  return ends;
});

test("comes after that", () => {
  if (open.size > 0) throw new Error("the bench was never closed");
});
