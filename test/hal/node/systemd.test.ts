import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { systemdSupervisor } from "../../../hal/node/systemd.ts";
import { emptyFolder } from "../../support/command.ts";
import { type NotifySocket, notifySocket, notifyTrouble } from "../../support/notify-socket.ts";

const trouble = notifyTrouble();

describe.skipIf(trouble !== undefined)(
  `systemd is told${trouble === undefined ? "" : `: ${trouble}`}`,
  () => {
    const folder = emptyFolder();
    let socket: NotifySocket;
    beforeAll(async () => {
      socket = await notifySocket(folder.path);
    });
    afterAll(() => {
      socket.close();
      folder.remove();
    });

    test("that a program is ready, how it is and that it ends, in this order, and nothing that a text smuggles in", async () => {
      const supervisor = systemdSupervisor({ ...process.env, NOTIFY_SOCKET: socket.path });
      supervisor.ready("It measures.");
      supervisor.status("of before");
      supervisor.status("one\nMAINPID=1\ttwo");
      supervisor.alive();
      await socket.heard("STATUS=one MAINPID=1 two");
      supervisor.stopping();
      await socket.heard("STOPPING=1");
      // A newer status takes the place of one that was still to be told; without a watchdog nobody asks for a sign of life.
      expect(socket.words).toEqual([
        "READY=1",
        "STATUS=It measures.",
        "STATUS=one MAINPID=1 two",
        "STOPPING=1",
      ]);
    });

    test("of the main loop at most three times in a period, and not once while it is stalled", async () => {
      const supervisor = systemdSupervisor({
        ...{ PATH: process.env["PATH"], NOTIFY_SOCKET: socket.path },
        ...{ WATCHDOG_USEC: "1200000", WATCHDOG_PID: String(process.pid) },
      });
      const startMs = performance.now();
      for (; performance.now() < startMs + 1200; await pause(20)) supervisor.alive();
      const periods = (performance.now() - startMs) / 400;
      // What a helper still carries on a busy machine.
      await pause(1000);
      const alive = socket.count("WATCHDOG=1");
      expect(alive).toBeGreaterThanOrEqual(2);
      expect(alive).toBeLessThanOrEqual(periods + 1);
      await pause(900);
      expect(socket.count("WATCHDOG=1")).toBe(alive);
    });

    test("nothing by a process that the watchdog does not wait for", async () => {
      const alive = socket.count("WATCHDOG=1");
      const environment = { PATH: process.env["PATH"], NOTIFY_SOCKET: socket.path };
      const supervisor = systemdSupervisor({ ...environment, WATCHDOG_USEC: "300000", WATCHDOG_PID: "1" });
      supervisor.alive();
      supervisor.status("another process");
      await socket.heard("STATUS=another process");
      expect(socket.count("WATCHDOG=1")).toBe(alive);
    });
  },
);

test("a program that nobody supervises tells nobody, and its children hear nothing of a supervisor", () => {
  const environment = { NOTIFY_SOCKET: "", WATCHDOG_USEC: "1000000", PATH: "/nowhere" };
  const supervisor = systemdSupervisor(environment);
  supervisor.ready("It measures.");
  supervisor.alive();
  supervisor.stopping();
  expect(environment).toEqual({ PATH: "/nowhere" });
});
