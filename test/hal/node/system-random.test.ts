import { describe, expect, test } from "vitest";
import { systemRandom } from "../../../hal/node/system-random.ts";

describe("the system's random bytes", () => {
  test("come in any length up to the port's limit, fresh each time", () => {
    for (const length of [0, 1, 32, 65536]) expect(systemRandom.bytes(length)).toHaveLength(length);
    expect(systemRandom.bytes(32)).not.toEqual(systemRandom.bytes(32));
    expect(systemRandom.bytes(32)).not.toEqual(new Uint8Array(32));
    expect(systemRandom.bytes(4).constructor).toBe(Uint8Array);
  });

  test("are refused in a length that is none", () => {
    for (const length of [-1, 0.5, 65537]) expect(() => systemRandom.bytes(length)).toThrow("cannot draw");
  });

  test("need no stream of their own for a fork", () => {
    expect(systemRandom.fork("tokens").bytes(16)).not.toEqual(systemRandom.fork("tokens").bytes(16));
  });
});
