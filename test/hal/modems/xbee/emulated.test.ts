import { describe, expect, test } from "vitest";
import { EmulatedAir } from "../../../../hal/emulated/air.ts";
import { SeededRandom } from "../../../../hal/emulated/seeded-random.ts";
import { VirtualClock } from "../../../../hal/emulated/virtual-clock.ts";
import { bytesOf, hexOf } from "../../../support/scripted-uart.ts";
import { type ModuleOptions, module, NEAR } from "../../../support/xbee.ts";

const FAR = "0013a20040000001";
const flat = (text: string) => text.replaceAll(" ", "");

/** A module with the test as its host, and another one beside it on the air. */
function hosted(options: ModuleOptions = {}) {
  const clock = new VirtualClock();
  const air = new EmulatedAir(clock, new SeededRandom(1), { bitsPerSecond: 250_000 });
  const near = module(clock, air, { station: NEAR, ...options });
  const far = module(clock, air, { station: FAR });
  let heard = "";
  let heardFar = "";
  near.host.listen({
    bytes: (bytes) => {
      heard += hexOf(bytes);
    },
  });
  far.host.listen({
    bytes: (bytes) => {
      heardFar += hexOf(bytes);
    },
  });
  return {
    ...{ clock, near },
    /** Says this to the module and gives what it says until all is done. */
    say(...frames: string[]) {
      heard = "";
      for (const frame of frames) near.host.write(bytesOf(frame));
      clock.advanceBy(2000);
      return heard;
    },
    heardFar: () => heardFar,
  };
}

describe("AT commands", () => {
  test.each([
    ["7E 00 04 08 01 41 50 65", "7E 00 06 88 01 41 50 00 01 E4"],
    ["7E 00 04 08 02 53 48 5A", "7E 00 09 88 02 53 48 00 00 13 A2 00 25"],
    ["7E 00 04 08 03 53 4C 55", "7E 00 09 88 03 53 4C 00 41 23 45 67 C5"],
    ["7E 00 04 08 04 4E 50 55", "7E 00 07 88 04 4E 50 00 00 49 8C"],
    ["7E 00 04 08 05 41 4F 62", "7E 00 05 88 05 41 4F 02 E0"],
    ["7E 00 05 08 05 41 50 03 5E", "7E 00 05 88 05 41 50 03 DE"],
  ])("%s is answered with %s", (question, answer) => {
    expect(hosted().say(question)).toBe(flat(answer));
  });

  test("the mode is changed after the answer that says so", () => {
    const { say } = hosted();
    expect(say("7E 00 05 08 05 41 50 02 5F")).toBe(flat("7E 00 05 88 05 41 50 00 E1"));
    expect(say("7E 00 04 08 02 53 48 5A")).toBe(flat("7E 00 09 88 02 53 48 00 00 7D 33 A2 00 25"));
  });
});

describe("packets", () => {
  const HELLO = "7E 00 12 10 01 00 13 A2 00 40 00 00 01 FF FE 00 00 40 01 12 34";

  test("one goes to its station, and its sender hears so", () => {
    const { say, heardFar } = hosted();
    expect(say(`${HELLO} 74`)).toBe(flat("7E 00 07 8B 01 FF FE 00 00 00 76"));
    expect(heardFar()).toBe(flat("7E 00 10 90 00 13 A2 00 41 23 45 67 FF FE 01 40 01 12 34 25"));
  });

  test.each([
    ["to itself", "7E 00 0F 10 01 00 13 A2 00 41 23 45 67 FF FE 00 00 00 2C", "23", "53"],
    ["to nobody", "7E 00 0F 10 01 00 13 A2 00 41 23 45 68 FF FE 00 00 00 2B", "25", "51"],
    ["of 74 bytes", `7E 00 58 10 01 00 13 A2 00 40 00 00 01 FF FE 00 00 ${"00".repeat(74)} FB`, "74", "02"],
  ])("one %s is refused", (_, frame, code, sum) => {
    const { say, heardFar } = hosted();
    expect(say(frame)).toBe(flat(`7E 00 07 8B 01 FF FE 00 ${code} 00 ${sum}`));
    expect(heardFar()).toBe("");
  });

  test("one more than it has buffers for is refused", () => {
    const { say } = hosted();
    const statuses = say(...new Array(20).fill(`${HELLO} 74`)).match(/.{22}/g) ?? [];
    const refused = statuses.filter((status) => status === flat("7E 00 07 8B 01 FF FE 00 18 00 5E"));
    expect(statuses).toHaveLength(20);
    expect(refused.length).toBeGreaterThan(0);
    expect(refused.length).toBeLessThan(16);
  });

  test("with the number 0 nothing is said of it", () => {
    const { say, heardFar } = hosted();
    expect(say("7E 00 0F 10 00 00 13 A2 00 40 00 00 01 FF FE 00 00 40 BC")).toBe("");
    expect(heardFar()).not.toBe("");
  });

  test("after a restart nobody hears what became of one of before", () => {
    const { clock, near, say } = hosted();
    near.host.write(bytesOf(`${HELLO} 74`));
    clock.advanceBy(3);
    near.emulated.restart();
    expect(say()).toBe(flat("7E 00 02 8A 00 75"));
  });
});

describe("a host with bugs", () => {
  test.each([
    ["checksum", "7E 00 04 08 01 41 50 66"],
    ["length", "7E 00 00"],
    ["noise", "55"],
    ["type", "7E 00 02 17 01 E7"],
    ["short", "7E 00 03 08 01 41 B5"],
    ["short", "7E 00 0E 10 01 00 13 A2 00 40 00 00 01 FF FE 00 00 FB"],
  ])("is not answered, and counted under %s", (kind, frame) => {
    const { near, say } = hosted();
    expect(say(frame)).toBe("");
    expect(near.emulated.refusals).toMatchObject({ [kind]: 1 });
    expect(say("7E 00 04 08 01 41 50 65")).not.toBe("");
  });

  test("half a frame is dropped after a gap, or in mode 2 by the next one", () => {
    const slow = hosted();
    slow.say("7E 00 04 08");
    expect(slow.say("7E 00 04 08 01 41 50 65")).not.toBe("");
    const escaped = hosted({ apiMode: 2 });
    expect(escaped.say("7E 00 04 08 7E 00 04 08 01 41 50 65")).not.toBe("");
    expect([slow, escaped].map(({ near }) => near.emulated.refusals.partial)).toEqual([1, 1]);
  });
});
