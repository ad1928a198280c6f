// Epochs: what is told of a storage's starts, and what can come after what.
import { describe, expect, test } from "vitest";
import { answerWith, CODE, FORMAT, findOption, OPTION } from "../../../firmware/protocol/coap/message.ts";
import {
  epochAfter,
  epochOf,
  ProcessEpochs,
  withEpoch,
  withoutEpoch,
} from "../../../firmware/protocol/epochs.ts";
import { identity } from "../../support/secured-line.ts";

const ANSWER = answerWith(CODE.content, FORMAT.cbor, Uint8Array.of(0));
const epoch = (count: number, mark = 1) => ({ count, mark: new Uint8Array(4).fill(mark) });

describe("an epoch", () => {
  test.each([1, 255, 256, 65_536, 2 ** 32 - 1])(
    "of start %i comes back, and the answer is as it was without",
    (count) => {
      const told = withEpoch(ANSWER, epoch(count));
      expect(epochOf(told)).toEqual(epoch(count));
      expect(withoutEpoch(told)).toEqual(ANSWER);
      expect(withoutEpoch(ANSWER)).toBe(ANSWER);
    },
  );

  test("is told in 4 bytes and a uint, in an option that is elective and safe to forward", () => {
    expect(findOption(withEpoch(ANSWER, epoch(2)), OPTION.epoch)).toEqual(Uint8Array.of(1, 1, 1, 1, 2));
    // RFC 7252 5.4.6: the lowest bit is critical, the next unsafe.
    expect(OPTION.epoch & 3).toBe(0);
  });

  test.each([0, 1, 4, 9, 20])("of %i bytes is none", (length) => {
    const options = [{ number: OPTION.epoch, value: new Uint8Array(length) }];
    expect(epochOf({ ...ANSWER, options })).toBeUndefined();
  });

  test.each([
    ["the first", undefined, epoch(1), "later"],
    ["none where none was told", undefined, undefined, "same"],
    ["the same", epoch(5), epoch(5), "same"],
    ["a later one", epoch(5), epoch(9, 2), "later"],
    ["an earlier one", epoch(5), epoch(4, 2), "never"],
    ["another with the same count", epoch(5), epoch(5, 2), "never"],
    ["none where one was told", epoch(5), undefined, "never"],
  ] as const)("that is %s can come or not", (_, known, told, step) => {
    expect(epochAfter(known, told)).toBe(step);
  });
});

test("a process remembers the epochs of each meter by its key", () => {
  const epochs = new ProcessEpochs();
  const [one, other] = [identity("meter", "M1").credential, identity("meter", "M1", "another").credential];
  expect(epochs.takes(one, epoch(5))).toBe(true);
  expect(epochs.takes(other, epoch(1))).toBe(true);
  expect(epochs.takes(one, epoch(4))).toBe(false);
  expect(epochs.takes({ id: "preset" }, epoch(1))).toBe(true);
});
