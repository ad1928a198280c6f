// The meter as it is built for boards, in a slot, on a PTY with an emulated metering part: it confirms itself, and says how it is.
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { eventNameOf } from "../../../firmware/events/event-table.ts";
import { newIdentity, writeCredentialFile } from "../../../firmware/identity/identity.ts";
import { TrustList } from "../../../firmware/identity/trust.ts";
import { placesBelow } from "../../../firmware/startup/board-places.ts";
import { SeededRandom } from "../../../hal/emulated/seeded-random.ts";
import { EmulatedBl0942 } from "../../../hal/metering-ics/bl0942/emulated.ts";
import { BL0942_LINE, BL0942_REFERENCE_BOARD } from "../../../hal/metering-ics/bl0942/registers.ts";
import { opensslEngine } from "../../../hal/node/openssl.ts";
import { makePty } from "../../../hal/node/pty.ts";
import { systemClock } from "../../../hal/node/system-clock.ts";
import { systemRandom } from "../../../hal/node/system-random.ts";
import { UdpLink } from "../../../hal/node/udp-link.ts";
import type { Uart } from "../../../hal/ports/uart.ts";
import { HeadEnd } from "../../../host-tools/head-end/client.ts";
import { mainsOf, parseLoad } from "../../../host-tools/loads/index.ts";
import { HEAD_END, METER, meterFiles, type TestBoard, testBoard } from "../../support/board.ts";
import { run } from "../../support/command.ts";
import { freePort } from "../../support/free-port.ts";
import { type NotifySocket, notifySocket, notifyTrouble } from "../../support/notify-socket.ts";

const MAIN = join(import.meta.dirname, "../../../dist/firmware/main.js");
const IDLE = "setInterval(() => {}, 1000);";
const trouble = notifyTrouble();

let board: TestBoard;
let port: number;
let chip: Uart | undefined;
beforeEach(async () => {
  port = await freePort();
  board = testBoard();
  const lines = [
    `at udp:127.0.0.1:${port}`,
    `chip bl0942@serial:${join(board.root, "chip")}`,
    "serial-number 4711",
  ];
  writeFileSync(placesBelow(board.root).conf, `# a board of a test\n${lines.join("\n")}\n`);
});
afterEach(async () => {
  await board.remove();
  chip?.close();
  chip = undefined;
});

/** The line of the metering part, and the part at it, unless it is to be silent. */
async function wire(part: "answers" | "is silent"): Promise<void> {
  chip = await makePty(join(board.root, "chip"), BL0942_LINE);
  const load = parseLoad("watts:1000", { annualKilowattHours: 3500 });
  if ("error" in load) throw new Error(load.error);
  if (part === "answers") new EmulatedBl0942(chip, systemClock, mainsOf(load, 0), BL0942_REFERENCE_BOARD);
}

/** What the utility reads of the standard log. */
async function standardLog(): Promise<unknown[]> {
  const { link, peer = "" } = await UdpLink.reach("127.0.0.1", port);
  const headEnd = new HeadEnd({
    ...{ link, clock: systemClock, crypto: opensslEngine, random: systemRandom, identity: HEAD_END },
    trust: new TrustList([METER.credential]),
  });
  const target = { station: peer, name: "the board", timeoutMs: 10_000 };
  const { body } = await headEnd.readEvents(target, { log: "standard", from: 0, count: 16 });
  headEnd.close();
  link.close();
  return body.events.map(({ code, details }) => [eventNameOf(code), ...details]);
}

describe.skipIf(trouble !== undefined)(
  `a meter in a slot${trouble === undefined ? "" : `: ${trouble}`}`,
  () => {
    let socket: NotifySocket;
    beforeEach(async () => {
      socket = await notifySocket(board.root);
    });
    afterEach(() => socket.close());

    test("waits for a line that comes late, confirms its trial once it has read itself, and is silent where its loop stalls", async () => {
      board.install(1, IDLE);
      const { program, files } = meterFiles();
      board.install(2, program, files);
      const environment = { NOTIFY_SOCKET: socket.path, WATCHDOG_USEC: "3000000" };
      const { child, said, ended } = board.start({ environment });
      await socket.heard(/^STATUS=Cannot open the serial line .* there is no such file/);
      await wire("answers");
      await said('"ready":true');
      await socket.heard("READY=1");
      await socket.heard(/^STATUS=M1 measures and answers; its clock is /);
      expect(board.current()).toBe("slots/b");
      const report = board.slots().report();
      expect(report).toMatchObject({ floor: 2, outcome: { kind: "confirmed", sequence: 2 } });
      expect(report.trial).toBeUndefined();
      expect(await standardLog()).toContainEqual(["firmware-ready", 2]);
      await socket.heard("WATCHDOG=1");
      child.kill("SIGSTOP");
      await pause(1500);
      const alive = socket.count("WATCHDOG=1");
      await pause(2500);
      expect(socket.count("WATCHDOG=1")).toBe(alive);
      child.kill("SIGCONT");
      child.kill("SIGTERM");
      expect(await ended).toBe(0);
      await socket.heard("STOPPING=1");
    });

    test("that runs again after a trial that failed has that in its log, once", async () => {
      const { program, files } = meterFiles();
      board.install(1, program, files);
      board.install(2, "process.exit(1)");
      for (let start = 1; start <= 3; start++) expect(await board.start().ended).toBe(1);
      await wire("answers");
      for (let start = 1; start <= 2; start++) {
        const { child, said, ended } = board.start({ environment: { NOTIFY_SOCKET: socket.path } });
        await said('"ready":true');
        await socket.heard(/^STATUS=M1 measures and answers/);
        const told = (await standardLog()).filter((event) =>
          String(event).startsWith("firmware-rolled-back"),
        );
        expect(told).toEqual([["firmware-rolled-back", 2]]);
        child.kill("SIGTERM");
        expect(await ended).toBe(0);
      }
    });

    test("is not confirmed where its metering part is silent, says so, and is ended by its loader", async () => {
      board.install(1, IDLE);
      const { program, files } = meterFiles();
      board.install(2, program, files);
      await wire("is silent");
      const { ended } = board.start({ trialLimitMs: 4000, environment: { NOTIFY_SOCKET: socket.path } });
      await socket.heard("STATUS=M1: The metering part has not answered yet.");
      expect(await ended).toBe(75);
      expect(board.current()).toBe("slots/a");
    });
  },
);

describe("a board's meter refuses to start", () => {
  const start = () => run(process.execPath, [MAIN, "--board", board.root]);
  const places = () => placesBelow(board.root);

  test("with a head-end for development, unless its settings say that the board is one", async () => {
    const random = new SeededRandom("development");
    const { credential } = newIdentity(opensslEngine, random, {
      role: "head-end",
      id: "dev",
      development: true,
    });
    writeFileSync(join(places().headEnds, "dev.json"), writeCredentialFile("head-end", credential));
    const refused = await start();
    expect(refused).toMatchObject({ code: 4, stdout: "" });
    expect(refused.stderr).toContain("dev.json is marked development, which a production profile refuses");
    writeFileSync(
      places().conf,
      `at udp:127.0.0.1:${port}\nchip bl0942@serial:none\nserial-number 1\nprofile development`,
    );
    expect((await start()).stderr).toContain("Cannot open the serial line none");
  });

  test("with a key that others could read", async () => {
    chmodSync(places().key, 0o644);
    const { key } = places();
    const stderr = `The key file ${key} can be read or changed by others: run 'chmod 600 ${key}'.\n`;
    expect(await start()).toMatchObject({ code: 2, stderr });
  });

  test.each([
    ["chipp bl0942@serial:x", "says chipp in line 1, which is none of allow, at, chip"],
    ["at udp:127.0.0.1:1\nat udp:127.0.0.1:2", "says at once more in line 2"],
    ["profile test", "--profile is production or development, and this is test."],
  ])("with the settings %j", async (conf, sentence) => {
    const rest = conf.startsWith("profile") ? "\nat udp:127.0.0.1:1\nchip x\nserial-number 1" : "";
    writeFileSync(places().conf, `${conf}${rest}`);
    const { code, stderr } = await start();
    expect(code).toBe(2);
    expect(stderr).toContain(sentence);
  });

  test("without settings, and without a head-end", async () => {
    const empty = await run(process.execPath, [MAIN, "--board", join(board.root, "nowhere")]);
    expect(empty).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("meter.conf cannot be read (ENOENT)"),
    });
    writeFileSync(places().headEnds.concat("/utility.json"), "{}");
    expect(await start()).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("utility.json is not a meterbench"),
    });
  });
});
