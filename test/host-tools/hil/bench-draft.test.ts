import { expect, test } from "vitest";
import { processesOf } from "../../../host-tools/doctor/processes.ts";
import { serialPortsOf } from "../../../host-tools/doctor/serial-ports.ts";
import { benchDraft, draftMeters } from "../../../host-tools/hil/bench-draft.ts";
import { readBenchFile } from "../../../host-tools/hil/bench-file.ts";
import { type FakeTree, fakeSystem, QUIET, usbAdapter } from "../../support/fake-system.ts";

function metersOf(entries: FakeTree["entries"]) {
  const system = fakeSystem({ entries: { ...QUIET, ...entries } });
  return draftMeters(serialPortsOf(system, processesOf(system))?.ports ?? []);
}

test("a bench file has each port by its lasting name, and is read back as a bench as it stands", () => {
  const meters = metersOf(usbAdapter());
  const line = "serial:/dev/serial/by-id/usb-FTDI_FT232R_USB_UART_A50285BI-if00-port0?baud=9600";
  expect(meters).toMatchObject([{ id: "M1", line, socket: { hub: "1", port: 1 } }]);
  const text = benchDraft(meters);
  expect(text).toContain("# FTDI FT232R USB UART USB 0403:6001, serial number A50285BI, now /dev/ttyUSB0");
  expect(text).toContain('# power: { driver: uhubctl, hub: "1", port: 1 }');
  expect(readBenchFile(text, "/lab")).toMatchObject({
    ...{ name: "bench", kind: "real", headEnd: { home: "/lab/.meterbench" } },
    meters: [{ id: "M1", line: { kind: "serial" } }],
  });
});

test("the power line that it proposes is one that a bench file takes", () => {
  const text = benchDraft(metersOf(usbAdapter())).replace("    # power:", "    power:");
  expect(readBenchFile(text, "/lab")).toMatchObject({
    meters: [{ power: { driver: "uhubctl", hub: "1", port: 1 } }],
  });
});

test("what an adapter calls itself stays in its comment", () => {
  const meters = metersOf(usbAdapter({ product: 'x\n  - id: "EVIL"\u2028# y' }));
  const bench = readBenchFile(benchDraft(meters), "/lab");
  expect(bench).toMatchObject({ meters: [{ id: "M1" }] });
});
