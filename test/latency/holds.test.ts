import { expect, test } from "vitest";
import { SOUTH_KINDS } from "../../host-tools/world/south.ts";
import { HOLDS, heldRead, isKept } from "./holds.ts";

const CASES = SOUTH_KINDS.flatMap((south) => HOLDS.map((hold) => ({ south, ...hold })));

test.each(CASES)(
  "a DAP that holds for $holdSeconds s asks a meter that is back after $awaySeconds s in that time, or not at all: $south",
  async (options) => {
    const figures = await heldRead(options);
    expect(isKept(figures), JSON.stringify(figures)).toBe(true);
  },
);
