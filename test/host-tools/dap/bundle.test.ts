// Answers of many in one: only where it is asked for, and with a word on whoever is missing.
import { describe, expect, test } from "vitest";
import { fromText, toHex } from "../../../firmware/protocol/bytes.ts";
import { encodeMessage } from "../../../firmware/protocol/coap/codec.ts";
import {
  CODE,
  type CoapContent,
  FORMAT,
  findOption,
  messageOf,
  OPTION,
  withOptions,
} from "../../../firmware/protocol/coap/message.ts";
import { MemoryStorage } from "../../../hal/storage/memory-storage.ts";
import {
  BUNDLE_ENTRIES_MAX,
  bundled,
  decodeBundle,
  encodeBundle,
  unbundled,
} from "../../../host-tools/dap/forward/bundle.ts";
import { echo, kinds, type PlaceOptions, place, sealedAnswer, sealedFor, text } from "./place.ts";

const NAMES = ["M1", "M2", "M3"];
const WISH = { number: OPTION.bundle, value: new Uint8Array(0) };

function bundling(options: PlaceOptions = {}) {
  const settings = { thirdParty: false, distribute: "fan-out", return: "bundle", holdSeconds: 60 } as const;
  const world = place({
    meters: NAMES,
    groups: { B7: NAMES },
    ...options,
    dap: { settings, ...options.dap },
  });
  world.askStatus("H");
  return { ...world, head: world.client("H") };
}

const inBundle = (content: CoapContent | undefined) => content && decodeBundle(content.payload);

describe("a bundle", () => {
  const answers = [
    bundled("M1", sealedAnswer(fromText("x"))),
    bundled("M2", { code: 0x81, options: [], payload: new Uint8Array(0) }),
  ];
  const missing = [
    { alias: "M3", reason: "no-answer" },
    { alias: "M4", reason: "no-route" },
  ] as const;

  test("is an array of answers and one of meters that have none", () => {
    const bytes = encodeBundle({ answers: answers.slice(0, 1), missing: missing.slice(1) });
    expect(toHex(bytes)).toBe("828184624d31184440417881" + "82624d3401");
    expect(decodeBundle(encodeBundle({ answers, missing }))).toEqual({ answers, missing });
    expect(unbundled(answers[0] as (typeof answers)[0])).toEqual(sealedAnswer(fromText("x")));
  });

  test.each([
    "",
    "80",
    "82a080",
    "828080" + "00",
    "82818080",
    "8281" + "84624d3104404178" + "80",
    "82808182624d3140",
  ])("%s is none", (hex) => {
    expect(decodeBundle(Uint8Array.from(Buffer.from(hex, "hex")))).toBeUndefined();
  });

  test("has at most 512 answers", () => {
    const many = Array.from({ length: BUNDLE_ENTRIES_MAX + 1 }, (_, i) =>
      bundled(`M${i}`, sealedAnswer(fromText("x"))),
    );
    expect(decodeBundle(encodeBundle({ answers: many.slice(1), missing: [] }))?.answers).toHaveLength(512);
    expect(decodeBundle(encodeBundle({ answers: many, missing: [] }))).toBeUndefined();
  });

  test("a reason that is new to this end is unknown, and no fault", () => {
    expect(
      decodeBundle(encodeBundle({ answers: [], missing: [{ alias: "M1", reason: "unknown" }] }))?.missing,
    ).toEqual([{ alias: "M1", reason: "unknown" }]);
  });
});

describe("a group request that wishes for a bundle", () => {
  test("is answered once, when all have answered", () => {
    const world = bundling();
    for (const name of NAMES) world.meter(name, echo);
    world.head.send(withOptions(sealedFor("B7"), WISH));
    world.clock.advanceBy(1000);
    expect(kinds(world.head.received)).toEqual(["ACK 0.00", "CON 2.05"]);
    const [answer] = world.head.answers;
    expect(answer && findOption(answer, OPTION.contentFormat)).toEqual(
      Uint8Array.of(FORMAT.bundle >> 8, FORMAT.bundle & 0xff),
    );
    const bundle = inBundle(answer);
    expect(bundle?.answers.map((each) => [each.alias, text(unbundled(each))])).toEqual(
      NAMES.map((name) => [name, `${name}: for B7`]),
    );
    expect(bundle?.missing).toEqual([]);
  });

  test("names whoever has not answered when the time is up that the client gave, in time for it", () => {
    const world = bundling();
    for (const name of NAMES.slice(1)) world.meter(name, echo);
    world.meter("M1", () => undefined);
    const patience = { number: OPTION.multicastTimeout, value: Uint8Array.of(20) };
    world.head.send(withOptions(sealedFor("B7"), WISH, patience));
    world.clock.advanceBy(20_000);
    const bundle = inBundle(world.head.answers[0]);
    expect(bundle?.answers.map(({ alias }) => alias)).toEqual(["M2", "M3"]);
    expect(bundle?.missing).toEqual([{ alias: "M1", reason: "no-answer" }]);
  });

  test("is gathered anew by a DAP that was killed meanwhile", () => {
    const storage = new MemoryStorage();
    const world = bundling({ dap: { storage } });
    for (const name of NAMES.slice(1)) world.meter(name, echo);
    world.head.send(withOptions(sealedFor("B7"), WISH), { untilMs: 100_000 });
    world.clock.advanceBy(5000);
    world.dap.stop();
    world.clock.advanceBy(1000);
    world.meter("M1", echo);
    world.newDap({ storage: storage.afterCut({ bytes: "none", folder: "none" }) });
    world.clock.advanceBy(20_000);
    expect(inBundle(world.head.answers[0])?.answers.map(({ alias }) => alias)).toEqual(NAMES);
  });

  test("of which the bundle is long has it in blocks", () => {
    const world = bundling();
    const long = new Uint8Array(600).fill(7);
    for (const name of NAMES) world.meter(name, () => sealedAnswer(long));
    world.head.send(withOptions(sealedFor("B7"), WISH));
    world.clock.advanceBy(3000);
    expect(inBundle(world.head.answers[0])?.answers.map(({ payload }) => payload.length)).toEqual([
      600, 600, 600,
    ]);
  });
});

describe("single requests that wish for one bundle together", () => {
  const wish = (count: number) => ({ number: OPTION.bundle, value: Uint8Array.of(5, count) });

  test("are answered in one, for the first of them, and the others are only acknowledged", () => {
    const world = bundling();
    for (const name of NAMES) world.meter(name, echo);
    for (const name of NAMES) world.head.send(withOptions(sealedFor(name), wish(3)));
    world.clock.advanceBy(2000);
    expect(kinds(world.head.received).sort()).toEqual(["ACK 0.00", "ACK 0.00", "ACK 0.00", "CON 2.05"]);
    const bundle = inBundle(world.head.answers[0]);
    expect(bundle?.answers.map((each) => text(unbundled(each)))).toEqual(
      NAMES.map((name) => `${name}: for ${name}`),
    );
  });

  test("one whose token its client uses for something else leaves the bundle, which is closed without it", () => {
    const world = bundling();
    world.meter("M2", echo);
    const datagram = (messageId: number, body: string) =>
      encodeMessage(
        messageOf(
          { type: "CON", messageId, token: Uint8Array.of(9) },
          withOptions(sealedFor("M1", fromText(body)), wish(3)),
        ),
      );
    world.head.raw(datagram(1, "one"));
    world.clock.advanceBy(500);
    world.head.raw(datagram(2, "another"));
    world.head.send(withOptions(sealedFor("M2"), wish(3)));
    world.clock.advanceBy(120_000);
    expect(world.dap.status()).toMatchObject({ held: 0, counters: { kept: 3 } });
  });

  test("an alias that nobody knows is named as missing", () => {
    const world = bundling();
    world.meter("M1", echo);
    for (const name of ["M1", "M9"]) world.head.send(withOptions(sealedFor(name), wish(2)));
    world.clock.advanceBy(2000);
    expect(inBundle(world.head.answers[0])?.missing).toEqual([{ alias: "M9", reason: "no-route" }]);
  });
});

test("a DAP that only forwards takes no heed of the wish: each answer comes as it comes", () => {
  const settings = { thirdParty: false, distribute: "fan-out", return: "forward", holdSeconds: 60 } as const;
  const world = bundling({ dap: { settings } });
  for (const name of NAMES) world.meter(name, echo);
  world.head.send(withOptions(sealedFor("B7"), WISH), { answers: "many", untilMs: 20_000 });
  world.clock.advanceBy(20_000);
  expect(world.head.answers.map(({ code }) => code)).toEqual([CODE.changed, CODE.changed, CODE.changed]);
});
