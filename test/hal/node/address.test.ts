import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatAddress, isLoopback, openLink, openUart, parseAddress } from "../../../hal/node/address.ts";
import { LINE } from "../../../hal/ports/link.ts";
import { freePort } from "../../support/free-port.ts";
import { INSTALLED_HELPERS, PTY_SETTINGS, temporaryFolder } from "../../support/pty-pair.ts";
import { until } from "../../support/real-time.ts";

const LINK_KINDS = INSTALLED_HELPERS.length > 0 ? ["udp", "tcp", "pty"] : ["udp", "tcp"];
const FORMS =
  "write udp:HOST:PORT, tcp:HOST:PORT, serial:PATH?baud=9600&parity=even&stop=2 or pty:PATH, or rs485: or xbee: before one of these lines.";

describe("an address", () => {
  test.each([
    ["udp:127.0.0.1:5683", { kind: "udp", host: "127.0.0.1", port: 5683 }],
    ["udp:[::1]:5683", { kind: "udp", host: "::1", port: 5683 }],
    ["tcp:gateway.example:65535", { kind: "tcp", host: "gateway.example", port: 65535 }],
    ["serial:/dev/ttyUSB0", { kind: "serial", path: "/dev/ttyUSB0", settings: {} }],
    ["serial:/dev/ttyUSB0?baud=4800", { kind: "serial", path: "/dev/ttyUSB0", settings: { baud: 4800 } }],
    [
      "serial:COM3?baud=2400&parity=even&stop=2",
      { kind: "serial", path: "COM3", settings: { baud: 2400, parity: "even", stopBits: 2 } },
    ],
    ["pty:./meter1", { kind: "pty", path: "./meter1" }],
    ["pty:odd?name:1", { kind: "pty", path: "odd?name:1" }],
    ["rs485:pty:./bus", { kind: "rs485", line: { kind: "pty", path: "./bus" }, settings: {} }],
    [
      "rs485:serial:/dev/ttyUSB0?baud=19200&parity=even",
      {
        kind: "rs485",
        line: { kind: "serial", path: "/dev/ttyUSB0", settings: {} },
        settings: { baud: 19200, parity: "even" },
      },
    ],
    [
      "rs485:tcp:[::1]:4000?baud=4800",
      { kind: "rs485", line: { kind: "tcp", host: "::1", port: 4000 }, settings: { baud: 4800 } },
    ],
    [
      "xbee:pty:./air?baud=115200&station=0013a20041234567",
      {
        kind: "xbee",
        line: { kind: "pty", path: "./air" },
        settings: { baud: 115_200 },
        station: "0013a20041234567",
      },
    ],
  ])("%s is read, and written the same", (text, address) => {
    const parsed = parseAddress(text);
    expect(parsed).toEqual(address);
    expect("error" in parsed ? parsed.error : formatAddress(parsed)).toBe(text);
  });

  test.each([
    ["", "has none of the known forms"],
    ["/dev/ttyUSB0", "has none of the known forms"],
    ["mqtt:host:1", "has none of the known forms"],
    ["UDP:127.0.0.1:5683", "has none of the known forms"],
    ["udp:127.0.0.1", "is no host and port (an IPv6 address stands in brackets)"],
    ["udp://127.0.0.1:5683", "is no host and port (an IPv6 address stands in brackets)"],
    ["udp:::1:5683", "is no host and port (an IPv6 address stands in brackets)"],
    ["udp:[127.0.0.1]:5683", "has no IPv6 address in its brackets"],
    ["udp:[]:5683", "has no IPv6 address in its brackets"],
    ["tcp:host:0", "has no port from 1 to 65535"],
    ["tcp:host:65536", "has no port from 1 to 65535"],
    ["tcp:host:1e3", "is no host and port (an IPv6 address stands in brackets)"],
    ["serial:", "names no path"],
    ["serial:?baud=9600", "names no path"],
    ["pty:", "names no path"],
    ["serial:/dev/x?speed=9600", 'has the setting "speed=9600", which no line has'],
    ["serial:/dev/x?constructor=1", 'has the setting "constructor=1", which no line has'],
    ["serial:/dev/x?baud=49", 'has the setting "baud=49", which no line has'],
    ["serial:/dev/x?baud=4000001", 'has the setting "baud=4000001", which no line has'],
    ["serial:/dev/x?baud=9600.5", 'has the setting "baud=9600.5", which no line has'],
    ["serial:/dev/x?baud=9600&", 'has the setting "", which no line has'],
    ["serial:/dev/x?parity=mark", 'has the setting "parity=mark", which no line has'],
    ["serial:/dev/x?stop=3", 'has the setting "stop=3", which no line has'],
    ["rs485:", 'has no line after "rs485:"'],
    ["rs485:udp:127.0.0.1:1", 'has no line after "rs485:"'],
    ["rs485:rs485:pty:x", 'has no line after "rs485:"'],
    ["rs485:tcp:host:0", 'has no line after "rs485:"'],
    ["xbee:udp:127.0.0.1:1", 'has no line after "xbee:"'],
    ["xbee:pty:x?station=line", "names a station that is no 16 hexadecimal digits"],
    ["rs485:pty:x?station=0013a20041234567", 'has the setting "station=0013a20041234567", which no line has'],
    ["rs485:pty:x?speed=1", 'has the setting "speed=1", which no line has'],
  ])("%s is refused with its fault and the forms", (text, fault) => {
    expect(parseAddress(text)).toEqual({ error: `The address "${text}" ${fault}; ${FORMS}` });
  });

  test("of any text is read or refused, and what is read is written as a text that reads the same", () => {
    const start = fc.constantFrom(
      "",
      "rs485:pty:",
      "rs485:serial:",
      "xbee:pty:a?station=0013A2004123456",
      "udp:",
      "tcp:",
      "serial:",
      "pty:",
      "udp:[::1]:",
      "serial:a?baud=",
    );
    fc.assert(
      fc.property(start, fc.string(), (kind, rest) => {
        const address = parseAddress(kind + rest);
        if (!("error" in address)) expect(parseAddress(formatAddress(address))).toEqual(address);
      }),
      { seed: 2, numRuns: 2000 },
    );
  });

  test.each([
    ["udp:127.0.0.1:1", true],
    ["udp:127.9.9.9:1", true],
    ["udp:[::1]:1", true],
    ["udp:[::ffff:127.0.0.1]:1", true],
    ["tcp:localhost:1", true],
    ["serial:/dev/ttyS0", true],
    ["pty:x", true],
    ["rs485:pty:x", true],
    ["rs485:tcp:127.0.0.1:1", true],
    ["rs485:tcp:192.0.2.1:1", false],
    ["xbee:pty:x", true],
    ["xbee:serial:/dev/ttyUSB0", false],
    ["udp:0.0.0.0:1", false],
    ["udp:[::]:1", false],
    ["udp:192.0.2.1:1", false],
    ["tcp:128.0.0.1:1", false],
    ["tcp:localhost.example:1", false],
    ["tcp:127.0.0.1.example:1", false],
  ])("%s stays on this machine: %s", (text, stays) => {
    const address = parseAddress(text);
    expect("error" in address ? address : isLoopback(address)).toBe(stays);
  });
});

function read(text: string) {
  const address = parseAddress(text);
  if ("error" in address) throw new Error(address.error);
  return address;
}

describe("a link by its address", () => {
  test.each(LINK_KINDS)("%s is served by one end and reached by the other", async (kind) => {
    const folder = temporaryFolder();
    const host = `127.0.0.1:${await freePort()}`;
    const address = read(kind === "pty" ? `pty:${join(folder.path, "line")}` : `${kind}:${host}`);
    const reachedPeer = kind === "udp" ? host : LINE;
    const far = await openLink(address, "serve");
    const near = await openLink(address, "reach");
    try {
      expect([far.peer, near.peer]).toEqual([kind === "udp" ? undefined : LINE, reachedPeer]);
      const heard: Uint8Array[] = [];
      far.link.listen({ datagram: (from, datagram) => far.link.send(from, datagram) });
      near.link.listen({ datagram: (_, datagram) => heard.push(datagram) });
      await until(() => near.link.send(reachedPeer, Uint8Array.of(1, 2)) === "queued");
      await until(() => heard.length > 0);
      expect(heard[0]).toEqual(Uint8Array.of(1, 2));
    } finally {
      near.link.close();
      far.link.close();
      folder.remove();
    }
  });

  test.skipIf(INSTALLED_HELPERS.length === 0)(
    "a line's settings in its address win over the part's",
    async () => {
      const folder = temporaryFolder();
      const path = join(folder.path, "line");
      const served = await openUart(read(`pty:${path}`), PTY_SETTINGS, "serve");
      const reached = await openUart(
        read(`serial:${path}?parity=odd`),
        { ...PTY_SETTINGS, baud: 4800 },
        "reach",
      );
      reached.close();
      served.close();
      folder.remove();
      expect(reached.settings).toEqual({ baud: 4800, dataBits: 8, parity: "odd", stopBits: 1 });
      expect(served.settings).toEqual(PTY_SETTINGS);
    },
  );

  test("UDP is refused where bytes are wanted", async () => {
    await expect(openUart(read("udp:127.0.0.1:5683"), PTY_SETTINGS, "reach")).rejects.toThrow(
      "udp:127.0.0.1:5683 carries no byte line; use tcp:HOST:PORT",
    );
  });
});
