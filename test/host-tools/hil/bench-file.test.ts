import { describe, expect, test } from "vitest";
import { readBenchFile } from "../../../host-tools/hil/bench-file.ts";

const LAB = `
name: lab-pi4
timeoutMultiplier: 2
offers: [clock-set]
headEnd: { home: ./.meterbench }
meters:
  - id: M1
    line: serial:/dev/serial/by-id/usb-FTDI?baud=115200
    power: { driver: uhubctl, hub: 1-1, port: 2, offSeconds: 5 }
  - id: M2
    line: pty:./meter2
    power: { driver: command, off: relay off 2, on: relay on 2 }
    load: loadctl {watts}
  - id: M3
    watts: 300
dap: { address: "udp:127.0.0.1:5700", meters: [M4] }
quarantine:
  - { test: "group read*", reason: loses frames, issue: 12, until: 2027-01-31 }
`;

function faultOf(text: string): string {
  const bench = readBenchFile(text, "/lab");
  return "error" in bench ? bench.error : "none";
}

describe("a bench file", () => {
  test("describes real and emulated meters, by paths that hold in any folder", () => {
    const bench = readBenchFile(LAB, "/lab");
    expect(bench).toMatchObject({
      ...{ name: "lab-pi4", kind: "mixed", seed: 1, timeoutMultiplier: 2, offers: ["clock-set"] },
      headEnd: { home: "/lab/.meterbench" },
      meters: [
        { kind: "real", id: "M1", line: { kind: "serial", path: "/dev/serial/by-id/usb-FTDI" } },
        {
          kind: "real",
          id: "M2",
          line: { path: "/lab/meter2" },
          power: { driver: "command", offSeconds: 3 },
        },
        { kind: "emulated", id: "M3", watts: 300, baud: 115_200 },
      ],
      dap: { kind: "real", id: "DAP", meters: ["M4"] },
      quarantine: [{ test: "group read*", issue: "12", until: "2027-01-31" }],
    });
  });

  test("of meters without a line is an emulated bench", () => {
    expect(readBenchFile("name: desk\nmeters: [{ id: M1 }]", "/")).toMatchObject({ kind: "emulated" });
  });

  test.each([
    ["meters: [{ id: M1 }]", "At name: this field is missing."],
    ["name: a", "At meters: this field is missing."],
    ["name: a\nmeters: []", "At meters (line 2): name at least one meter."],
    ["name: a\nmeters:\n  - id: M1\n    lien: x", "At meters[0].lien (line 4): there is no such field."],
    ["name: !!js/function a\nmeters: [{ id: M1 }]", "It is no YAML at line 1: Unresolved tag"],
    ["name: a\n---\nname: b", "It is no YAML at line 2: a second document begins here, and a file is one."],
    [
      'name: a\nheadEnd: { home: h }\nmeters:\n  - { id: M1, line: "serial:/dev/x" }\n  - { id: M2, line: "serial:/dev/x?baud=300" }',
      "At meters[1].line (line 5): M1 is at this line already, and it leads to one meter.",
    ],
    [
      'name: a\nmeters: [{ id: M1, line: "pty:x", power: { driver: process, start: [] } }]',
      "At meters[0].power.start (line 2): this must be a list: the program and its arguments.",
    ],
    ["name: a b\nmeters: [{ id: M1 }]", "At name (line 1): a name is 1 to 32 letters"],
    ["name: a\nmeters: [{ id: M1, line: com1 }]", 'At meters[0].line (line 2): The address "com1" has none'],
    [
      "name: a\nmeters: [{ id: M1, line: 'pty:x' }]",
      "At headEnd: real meters answer a head-end that they know",
    ],
    ["name: a\nkind: real\nmeters: [{ id: M1 }]", "At kind (line 2): its meters make this bench emulated"],
    [
      "name: a\nmeters: [{ id: M1, power: { driver: manual } }]",
      "At meters[0].power (line 2): a meter without",
    ],
    [
      "name: a\nmeters: [{ id: M1, power: { driver: hand } }]",
      "At meters[0].power.driver (line 2): the driver",
    ],
    ["name: a\nmeters: [{ id: M1 }, { id: M1 }]", "At meters[1].id (line 2): M1 is named twice."],
    [
      "name: a\ntimeoutMultiplier: 0\nmeters: [{ id: M1 }]",
      "At timeoutMultiplier (line 2): this must be a number from 1",
    ],
    ["name: a\noffers: [coffee]\nmeters: [{ id: M1 }]", "At offers[0] (line 2): each must be one of power"],
    ["name: a\nmeters: [{ id: M1 }]\ndap: { meters: [M1] }", "At dap.meters[0] (line 3): M1 has a line"],
    [
      "name: a\nheadEnd: { home: x, keys: y }\nmeters: [{ id: M1, line: 'pty:x' }]",
      "At headEnd (line 2): give either",
    ],
    [
      "name: a\nheadEnd: { keys: y }\nmeters: [{ id: M1, line: 'pty:x' }]",
      "At headEnd (line 2): name the meters'",
    ],
    [
      "name: a\nmeters: [{ id: M1 }]\nquarantine: [{ test: x, reason: y, until: 2027-02-30 }]",
      "At quarantine[0].until (line 3): this must be a date",
    ],
    ["- name: a", "At its top: this must be fields"],
    ["name: [", "It is no YAML at line 1"],
    ["name: &a x\nkind: *a", "At its top: aliases"],
  ])("that is wrong is refused with the place and what to do: %j", (text, sentence) => {
    expect(faultOf(text)).toContain(sentence);
  });

  test("of any bytes is a bench or a sentence", () => {
    for (const text of ["", "\0", "null", "42", "'x'", "a: b: c", "name: a\nmeters: 7", "meters: [null]"]) {
      expect(faultOf(text)).toMatch(/^(At|It) .*\.$/);
    }
  });
});
