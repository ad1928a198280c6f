import { describe, expect, test } from "vitest";
import { countsOf, failureClass, reasonOf } from "../../../../host-tools/hil/run/outcome.ts";

const wrong = { name: "AssertionError", message: "expected 1 to be 2" };
const gone = { name: "InfrastructureFault", message: "The port is gone." };
const late = { name: "Error", message: "Test timed out in 300ms.\nIf this is a long-running test, ..." };

describe("the class of a failure", () => {
  test.each([
    ["an assertion is the firmware's", [wrong], "failed"],
    ["a fault of the bench is the bench's", [gone], "infrastructure"],
    [
      "a fault of the bench inside of another error is it too",
      [{ message: "no read", cause: gone }],
      "infrastructure",
    ],
    ["a test out of time is a timeout", [late], "timeout"],
    ["a hook out of time is one too", [{ message: "Hook timed out in 10ms." }], "timeout"],
    ["an assertion is never excused by a bench that broke as well", [gone, wrong], "failed"],
    ["a test that ran out of time as the bench broke is the bench's", [late, gone], "infrastructure"],
    ["a failure without an error is a failure", [], "failed"],
  ] as const)("%s", (_, errors, expected) => {
    expect(failureClass(errors)).toBe(expected);
  });

  test("a loop of causes ends", () => {
    const loop: { message: string; cause?: unknown } = { message: "x" };
    loop.cause = loop;
    expect(failureClass([loop])).toBe("failed");
  });
});

test("a reason is the message, under the error's name where that says more", () => {
  expect(reasonOf(wrong)).toBe("AssertionError: expected 1 to be 2");
  expect(reasonOf(gone)).toBe("The port is gone.");
  expect(reasonOf(late)).toBe("Test timed out in 300ms.");
});

test("every class is counted, also one that nothing is in", () => {
  expect(countsOf([{ outcome: "passed" }, { outcome: "flaky" }, { outcome: "passed" }])).toEqual({
    ...{ passed: 2, failed: 0, infrastructure: 0, timeout: 0, skipped: 0, flaky: 1, quarantined: 0 },
  });
});
