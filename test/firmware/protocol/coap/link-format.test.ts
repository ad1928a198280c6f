import { describe, expect, test } from "vitest";
import { encodeLinkFormat, matchingLinks } from "../../../../firmware/protocol/coap/link-format.ts";

test("a list of links is written as RFC 6690 has it", () => {
  expect(encodeLinkFormat([])).toBe("");
  const sensors = { path: "sensors", attributes: { ct: 40, title: "Sensor Index" } };
  const temperature = { path: "sensors/temp", attributes: { rt: "temperature-c", if: "sensor" } };
  expect(encodeLinkFormat([sensors, temperature])).toBe(
    '</sensors>;ct=40;title="Sensor Index",</sensors/temp>;rt="temperature-c";if="sensor"',
  );
});

test("an attribute without a value is its bare name (those of RFC 9668 6)", () => {
  const edhoc = { path: ".well-known/edhoc", attributes: { rt: "core.edhoc", "ed-r": true as const } };
  expect(encodeLinkFormat([edhoc, { path: "r" }])).toBe('</.well-known/edhoc>;rt="core.edhoc";ed-r,</r>');
});

test("nothing in a value or a path can end it early", () => {
  const attributes = { title: 'a "b" \\ c,</x>;y' };
  expect(encodeLinkFormat([{ path: "a>b,c;d", attributes }])).toBe(
    '</a%3Eb%2Cc%3Bd>;title="a \\"b\\" \\\\ c,</x>;y"',
  );
});

describe("a query", () => {
  const light = { path: "light", attributes: { rt: "light-lux core.sen-light", if: "core.ll", ct: 40 } };
  const heat = { path: "sensors/temp", attributes: { rt: "temperature-c", "ed-r": true as const } };
  const plain = { path: "r" };
  const links = [light, heat, plain];

  test.each([
    ["rt=temperature-c", [heat]],
    ["rt=light-lux", [light]],
    ["rt=core.sen-light", [light]],
    ["rt=light*", [light]],
    ["rt=core.s*", [light]],
    ["rt=light-lux core.sen-light", []],
    ["rt=light", []],
    ["rt=*", [light, heat]],
    ["ct=40", [light]],
    ["ed-r", [heat]],
    ["href=/r", [plain]],
    ["href=/sensors*", [heat]],
    ["href=*", links],
    ["href=r", []],
    ["title=x", []],
    ["constructor=*", []],
    ["", []],
    ["=", []],
  ])("%s asks for the links that it fits, as RFC 6690 4.1 has it", (query, expected) => {
    expect(matchingLinks(links, query)).toEqual(expected);
  });
});
