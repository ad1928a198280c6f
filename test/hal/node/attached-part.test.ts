import { describe, expect, test } from "vitest";
import { openAttachedPart } from "../../../hal/node/attached-part.ts";
import { systemClock } from "../../../hal/node/system-clock.ts";

describe("a metering part at the other end of a real line", () => {
  test.each(["acme9000", "constructor", "__proto__", "toString", ""])(
    "is not known by the name '%s', which is said",
    async (name) => {
      await expect(openAttachedPart(`${name}@pty:./nothing-here`, systemClock)).rejects.toThrow(
        `The metering part ${name} is not known here: name one of bl0942`,
      );
    },
  );

  test("has no place on UDP, and none that is not named", async () => {
    await expect(openAttachedPart("bl0942@udp:127.0.0.1:1", systemClock)).rejects.toThrow("not on UDP");
    await expect(openAttachedPart("bl0942", systemClock)).rejects.toThrow("has none of the known forms");
  });
});
