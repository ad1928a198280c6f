import { resolve } from "node:path";
import { expect, test } from "vitest";
import { parseFlashPlace } from "../../../host-tools/flash/place.ts";

const SSH = {
  kind: "ssh",
  user: undefined,
  port: undefined,
  root: "/",
  identityFile: undefined,
  knownHostsFile: undefined,
  sudo: false,
};

test.each([
  ["dir:/mnt/card", { kind: "dir", path: "/mnt/card" }],
  ["ssh:pi4.lab", { ...SSH, host: "pi4.lab" }],
  [
    "ssh:root@10.0.0.7:2222/srv/board",
    { ...SSH, user: "root", host: "10.0.0.7", port: 2222, root: "/srv/board" },
  ],
  ["ssh:pi@[fe80::1]:22//srv//board/", { ...SSH, user: "pi", host: "fe80::1", port: 22, root: "/srv/board" }],
  [
    "ssh:pi?identity=my%20keys/id&known-hosts=/etc/known",
    { ...SSH, host: "pi", identityFile: resolve("my keys/id"), knownHostsFile: "/etc/known" },
  ],
  ["ssh:pi@pi4.lab?sudo=yes", { ...SSH, user: "pi", host: "pi4.lab", sudo: true }],
  ["serial:/dev/ttyUSB0?baud=115200", { kind: "console", address: "serial:/dev/ttyUSB0?baud=115200" }],
  ["pty:./board", { kind: "console", address: "pty:./board" }],
  ["coap:meter:M1", { kind: "coap", target: "meter:M1" }],
  ["coap:udp:127.0.0.1:5683", { kind: "coap", target: "udp:127.0.0.1:5683" }],
])("%s says where a board is", (text, place) => {
  expect(parseFlashPlace(text)).toEqual(place);
});

test.each([
  "",
  "/mnt/card",
  "dir:",
  "coap:",
  "ftp:pi",
  // What ssh would take for an option, and what a shell on the board would read.
  "ssh:-oProxyCommand=touch",
  "ssh:-l@pi",
  "ssh:pi@-host",
  "ssh:pi;reboot",
  "ssh:pi$(reboot)",
  "ssh:pi:0",
  "ssh:pi:70000",
  "ssh:pi/srv/$(reboot)",
  "ssh:pi/srv/a b",
  "ssh:pi/srv/'",
  "ssh:pi/srv/*",
  "ssh:pi/../../etc",
  "ssh:pi/srv/-rf",
  "ssh:pi/srv\n",
  "ssh:pi\nreboot",
  "ssh:pi?identity=",
  "ssh:pi?identity=a&identity=b",
  "ssh:pi?port=1",
  "ssh:pi?sudo=perhaps",
  "ssh:pi?known-hosts=%22%20-o",
  "ssh:pi?identity=%25h",
  "ssh:[::1",
])("%j is no place of a board, and is refused with the forms that are", (text) => {
  const place = parseFlashPlace(text);
  expect(place).toEqual({ error: expect.stringMatching(/^The target .* write dir:PATH, ssh:/s) });
});
