import { describe, expect, test } from "vitest";
import { formatAddress, parseAddress } from "../../../hal/node/address.ts";
import { addressesFrom, idsFrom } from "../../../host-tools/cli/places.ts";

function addresses(text: string, count: number): string[] {
  const first = parseAddress(text);
  if ("error" in first) throw new Error(first.error);
  return addressesFrom(first, count).map(formatAddress);
}

describe("the places of many meters", () => {
  test.each([
    ["udp:127.0.0.1:5683", ["udp:127.0.0.1:5683", "udp:127.0.0.1:5684", "udp:127.0.0.1:5685"]],
    ["tcp:[::1]:65533", ["tcp:[::1]:65533", "tcp:[::1]:65534", "tcp:[::1]:65535"]],
    ["pty:./meter", ["pty:./meter-1", "pty:./meter-2", "pty:./meter-3"]],
    ["rs485:pty:./bus", ["rs485:pty:./bus", "rs485:pty:./bus", "rs485:pty:./bus"]],
    ["xbee:pty:./air", [1, 2, 3].map((number) => `xbee:pty:./air?station=0013a2004100000${number}`)],
  ])("from %s on follow each other", (first, expected) => {
    expect(addresses(first, 3)).toEqual(expected);
  });

  test.each(["udp:127.0.0.1:65535", "pty:./meter", "serial:/dev/ttyS1?baud=9600"])(
    "one meter at %s is just there",
    (first) => {
      expect(addresses(first, 1)).toEqual([first]);
    },
  );

  test.each([
    ["udp:127.0.0.1:65534", 3, "3 ports from udp:127.0.0.1:65534 on go beyond 65535: begin at a lower one."],
    [
      "pty:./meter",
      51,
      "51 PTYs are more than a machine should hold: give at most --count 50, or udp:HOST:PORT.",
    ],
    [
      "serial:/dev/ttyS1",
      2,
      "One serial line carries one meter and serial:/dev/ttyS1 is one: leave --count out.",
    ],
    [
      "rs485:serial:/dev/ttyS1",
      2,
      "A meter on a real line has an adapter of its own and rs485:serial:/dev/ttyS1 is one: leave --count out",
    ],
    ["rs485:pty:./bus", 257, "257 meters are more than an RS-485 line drives: give at most --count 256."],
    [
      "xbee:serial:/dev/ttyS1",
      2,
      "A real XBee module is one meter's and xbee:serial:/dev/ttyS1 is one: leave --count out",
    ],
    ["xbee:pty:./air", 201, "201 meters are more than one radio channel serves: give at most --count 200."],
    [
      "xbee:pty:./air?station=0013a20041234567",
      1,
      "leave station= out of xbee:pty:./air?station=0013a20041234567",
    ],
  ])("%s has none for %d, and the sentence says what to do", (first, count, sentence) => {
    expect(() => addresses(first, count)).toThrow(sentence);
  });

  test("ids are numbered from 1, behind the id that is given", () => {
    expect(idsFrom(undefined, 1)).toEqual(["M1"]);
    expect(idsFrom("house", 1)).toEqual(["house"]);
    expect(idsFrom(undefined, 3)).toEqual(["M1", "M2", "M3"]);
    expect(idsFrom("house", 2)).toEqual(["house-1", "house-2"]);
  });

  test("an id that leaves no room for the number is refused", () => {
    expect(idsFrom("a".repeat(30), 9)).toHaveLength(9);
    expect(() => idsFrom("a".repeat(30), 10)).toThrow("is too long for a number behind it");
  });
});
