// Tests that end in every way a test can: `hil run` has to tell them apart. Not run by npm test itself.
import { expect, InfrastructureFault, test } from "../../../../host-tools/hil/index.ts";

test("is right", ({ rig }) => {
  expect(rig.kind).toBe("emulated");
});

test("is wrong", async ({ meter, headEnd }) => {
  await headEnd.readRegisters(meter);
  expect(1).toBe(2);
});

test("finds its bench gone", () => {
  throw new InfrastructureFault("The port is gone.");
});

test("is wrong at a bench that is gone as well", () => {
  expect.soft(1).toBe(2);
  throw new InfrastructureFault("The port is gone.");
});

test("never ends", { timeout: 300 }, () => new Promise(() => {}));

test("skips itself", ({ skip }) => skip("there is nothing to see"));

let tries = 0;
test("passes at its second try", { retry: 1 }, () => {
  tries++;
  expect(tries).toBe(2);
});
