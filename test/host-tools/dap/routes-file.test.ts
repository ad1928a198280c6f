import { describe, expect, test } from "vitest";
import { readRoutesFile } from "../../../host-tools/dap/routes-file.ts";

const FILE = `
links: { bus: "rs485:serial:/dev/ttyUSB0?baud=9600", air: "xbee:serial:/dev/ttyUSB1" }
meters:
  M1: { link: bus }
  M2: { link: air, station: 0013A20041234567 }
  M3: udp:127.0.0.1:5701
  M4: pty:./meter4
groups: { B7: [M1, M3] }
`;

describe("a routes file", () => {
  test("names links, meters at them or on the network, and groups", () => {
    const routes = readRoutesFile(FILE);
    if ("error" in routes) throw new Error(routes.error);
    expect(routes.lines.map(({ name }) => name)).toEqual(["bus", "air", "M4"]);
    expect(routes.meters).toEqual([
      { alias: "M1", at: { line: "bus", station: undefined } },
      { alias: "M2", at: { line: "air", station: "0013a20041234567" } },
      { alias: "M3", at: { kind: "udp", host: "127.0.0.1", port: 5701 } },
      { alias: "M4", at: { line: "M4", station: undefined } },
    ]);
    expect(routes.groups).toEqual({ B7: ["M1", "M3"] });
  });

  test.each(["{}", "", "# nothing yet"])("with nothing in it (%j) is one", (text) => {
    expect(readRoutesFile(text)).toEqual({ lines: [], meters: [], groups: {} });
  });

  test.each([
    ["meters:\n  M1: {", "It is no YAML at line 2"],
    [
      "meters: { M1: udp:127.0.0.1:1,\n  M1: udp:127.0.0.1:2 }",
      "It is no YAML at line 2: Map keys must be unique.",
    ],
    ["groups: { B: [] }", "At groups.B: name at least one meter"],
    ["[]", "At its top"],
    ["{ meters: [udp:127.0.0.1:1] }", "At meters: this must be names"],
    ["{ meter: {} }", "At meter: there is no such field"],
    ["{ meters: { 'M 1': udp:127.0.0.1:1 } }", "At meters.M 1: a name is"],
    ["{ meters: { M1: 5 } }", "At meters.M1: this must be an address, or have a link"],
    ["{ meters: { M1: udp:127.0.0.1 } }", 'At meters.M1: The address "udp:127.0.0.1"'],
    ["{ meters: { M1: { link: bus } } }", "At meters.M1: there is no link bus"],
    ["{ meters: { M1: rs485:pty:./bus } }", "At meters.M1: name the line under links"],
    ["{ links: { lan: udp:127.0.0.1:1 } }", "At links.lan: a UDP address is one meter's"],
    ["{ meters: { M1: udp:127.0.0.1:1, M2: udp:127.0.0.1:1 } }", "At meters.M2: M1 is at the same place"],
    [
      "{ links: { lan: 'xbee:pty:./air?station=0013a20041234567' } }",
      "At links.lan: a station is one meter's: write it under meters",
    ],
    [
      "{ links: { air: xbee:pty:./air }, meters: { M1: { link: air } } }",
      "At meters.M1: the link air is a radio: give the station, the 16 hexadecimal digits of the meter's module",
    ],
    [
      "{ links: { bus: rs485:pty:./bus }, meters: { M1: { link: bus, station: '1' } } }",
      "At meters.M1: on the link bus meters go by their names: leave the station out",
    ],
    ["{ groups: { B: [M1] } }", "At groups.B: there is no meter M1"],
    ["{ meters: { B: udp:127.0.0.1:1 }, groups: { B: [B] } }", "At groups.B: a meter has the same name"],
    ["{ meters: { M1: udp:127.0.0.1:1 }, groups: { B: [M1, M1] } }", "At groups.B: a meter is named twice"],
    ["a: &a [1]\nb: *a", "aliases (*name) are not taken here"],
    ["meters: {}\n---\nmeters: {}", "It is no YAML at line 2: a second document begins here"],
    ["meters: !other {}", "It is no YAML at line 1: Unresolved tag: !other"],
  ])("%j is refused in a sentence that says where", (text, sentence) => {
    const routes = readRoutesFile(text);
    expect("error" in routes ? routes.error : "").toContain(sentence);
  });
});
