import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fromText } from "../../../../firmware/protocol/bytes.ts";
import { decodeMessage, encodeMessage } from "../../../../firmware/protocol/coap/codec.ts";
import {
  type CoapMessage,
  codeKind,
  OPTION,
  sortOptions,
} from "../../../../firmware/protocol/coap/message.ts";
import { hostOf, selectorOf } from "../../../../firmware/protocol/coap/selection.ts";
import { get, IP, message } from "./helpers.ts";

const SHARED = { ...IP, addressing: "uri-host" } as const;
const LONGEST = `M${"1".repeat(31)}`;

const named = (host: string) => ({
  ...get(),
  options: [{ number: OPTION.uriHost, value: fromText(host) }, ...get().options],
});

describe("a station of a line that all share", () => {
  const isForM7 = selectorOf(SHARED, "M7");

  test("takes requests in its name, confirmable or not, with any token", () => {
    expect(isForM7(message("CON", 1, "", named("M7")))).toBe(true);
    expect(isForM7(message("NON", 1, "0102030405060708", named("M7")))).toBe(true);
    expect(selectorOf(SHARED, LONGEST)(message("CON", 1, "01", named(LONGEST)))).toBe(true);
  });

  test("takes no request in another name, or in none", () => {
    for (const host of ["M", "M70", "m7", "M8", LONGEST, ""])
      expect(isForM7(message("CON", 1, "01", named(host)))).toBe(false);
    expect(isForM7(message("CON", 1, "01", get()))).toBe(false);
  });

  test("takes nothing else, whatever name is in it", () => {
    expect(isForM7(message("ACK", 1, "01", { ...named("M7"), code: 0x45 }))).toBe(false);
    expect(isForM7(message("CON", 1, "01", { ...named("M7"), code: 0x45 }))).toBe(false);
    expect(isForM7(message("RST", 1, "01", named("M7")))).toBe(false);
    expect(isForM7(Uint8Array.of(0x40, 0, 0, 1))).toBe(false);
  });

  test("agrees with the codec about whatever is a message, and takes any bytes", () => {
    const options = fc.array(
      fc.record({ number: fc.nat(20), value: fc.oneof(fc.constant(fromText("M7")), fc.uint8Array()) }),
      { maxLength: 5 },
    );
    const fields = fc.record({
      type: fc.constantFrom("CON", "NON", "ACK", "RST"),
      code: fc.nat(0xff),
      messageId: fc.nat(0xffff),
      token: fc.uint8Array({ maxLength: 8 }),
      options,
    });
    const any = fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fields.map((of) =>
        encodeMessage({
          ...(of as Omit<CoapMessage, "payload">),
          options: sortOptions(of.options),
          payload: new Uint8Array(0),
        }),
      ),
    );
    fc.assert(
      fc.property(any, (datagram) => {
        const decoded = decodeMessage(datagram);
        const isOurs =
          !("error" in decoded) &&
          (decoded.type === "CON" || decoded.type === "NON") &&
          codeKind(decoded.code) === "request" &&
          hostOf(decoded) === "M7";
        if ("error" in decoded) isForM7(datagram);
        else expect(isForM7(datagram)).toBe(isOurs);
      }),
      { seed: 5, numRuns: 5000 },
    );
  });

  test("elsewhere everything is for the station that gets it", () => {
    expect(selectorOf(IP, "M7")(message("ACK", 1, "01", { ...get(), code: 0x45 }))).toBe(true);
  });
});
