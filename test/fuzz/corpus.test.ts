import { describe, expect, test } from "vitest";
import { DOOR_NAMES, loadDoor } from "./doors/doors.ts";
import { readCorpus } from "./search/corpus.ts";
import { examine } from "./search/search.ts";

describe.each(DOOR_NAMES)("the door %s", (name) => {
  test("takes its samples, and every input that a search has kept, as it should", async () => {
    const door = await loadDoor(name);
    if (door === undefined) throw new Error("no such door");
    const inputs = [...door.samples(), ...readCorpus(name)];
    expect(inputs.length).toBeGreaterThan(3);
    for (const input of inputs) expect(examine(door, input)).toHaveProperty("ms");
  });
});
