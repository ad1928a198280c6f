// The faceplate on a real terminal, which is as it was whatever ends it.
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, test } from "vitest";
import { emptyFolder, meterbench } from "../../support/command.ts";
import { freePort } from "../../support/free-port.ts";
import { testProgram } from "../../support/programs.ts";
import { INSTALLED_HELPERS } from "../../support/pty-pair.ts";
import { sleep, until } from "../../support/real-time.ts";

const PROGRAM = testProgram("host-tools/cli/faceplate-program");
const COMMAND = `${process.execPath} ${fileURLToPath(new URL("../../../dist/host-tools/cli/main.js", import.meta.url))}`;
/** A terminal for a command, with its keys and its picture on this program's pipes. */
const TERMINAL = "import pty, sys; pty.spawn(sys.argv[1:])";
const SHOW_CURSOR = "\u001b[?25h";
const HIDE_CURSOR = "\u001b[?25l";

const terminals: Terminal[] = [];
afterEach(() => {
  for (const terminal of terminals.splice(0)) terminal.end();
});

class Terminal {
  shown = "";
  readonly #child: ChildProcess;

  /** Runs a line of a shell's; `$FACEPLATE` is the program. */
  constructor(line: string) {
    const faceplate = `${process.execPath} ${PROGRAM}`;
    const env = { ...process.env, TERM: "xterm", FACEPLATE: faceplate };
    this.#child = spawn("python3", ["-c", TERMINAL, "sh", "-c", line], { env });
    this.#child.stdout?.on("data", (data) => {
      this.shown += String(data);
    });
    terminals.push(this);
  }

  press(keys: string): void {
    this.#child.stdin?.write(keys);
  }

  /** Waits until this has been shown since what was waited for before. */
  async see(text: string): Promise<void> {
    const found = () => this.shown.indexOf(text, this.#seen);
    if (!(await until(() => found() >= 0, 20_000))) throw new Error(`never showed ${text}: ${this.shown}`);
    this.#seen = found() + text.length;
  }
  #seen = 0;

  get pid(): number {
    return Number(/pid (\d+)\./.exec(this.shown)?.[1]);
  }

  /** With the program, which a hang-up does not reach in the background. */
  end(): void {
    this.#child.kill("SIGKILL");
    try {
      if (this.pid > 0) process.kill(this.pid, "SIGKILL");
    } catch {}
  }
}

/** The terminal's settings before and after the program. */
const MODES_AROUND = "stty -g; $FACEPLATE; stty -g; echo over";

function expectPutBack({ shown }: Terminal): void {
  const modes = shown.match(/^[\da-f]+(:[\da-f]+)+\r?$/gm) ?? [];
  expect(modes).toHaveLength(2);
  expect(modes[1]).toBe(modes[0]);
  expect(shown.lastIndexOf(SHOW_CURSOR)).toBeGreaterThan(shown.lastIndexOf(HIDE_CURSOR));
}

describe.runIf(INSTALLED_HELPERS.includes("python3"))("a faceplate on a real terminal", () => {
  test("is stepped through by its button, opened by its keys, and quit", async () => {
    const terminal = new Terminal(MODES_AROUND);
    await terminal.see("  8.8.8 ");
    terminal.press("\r");
    await terminal.see("  1.8.0 ");
    terminal.press(" ");
    await terminal.see("  2.8.0 ");
    terminal.press("\r");
    await terminal.see("  32.7.0 ");
    terminal.press("m");
    await terminal.see("magnet near");
    terminal.press("p");
    await terminal.see("power failed\r\n");
    await terminal.see("  32.7.0 ");
    terminal.press("q");
    await terminal.see("quit\r\n");
    await terminal.see("over");
    expectPutBack(terminal);
  });

  test("is what serve shows of its meter: registers by the button, and a cover in its log", async () => {
    const folder = emptyFolder();
    const home = `--home ${folder.path}/home`;
    const at = `udp:127.0.0.1:${await freePort()}`;
    const terminal = new Terminal(
      `stty -g; ${COMMAND} serve --at ${at} ${home} --state ${folder.path}/state; echo; stty -g; echo ended`,
    );
    await terminal.see("  8.8.8 ");
    terminal.press("\r");
    await terminal.see("  1.8.0 ");
    terminal.press("c");
    await terminal.see("cover off");
    await terminal.see("ALARM");
    const { code, stdout } = await meterbench(["events", at, "--home", `${folder.path}/home`, "--alarms"]);
    expect([code, stdout]).toEqual([0, expect.stringContaining("cover-removed  ALARM")]);
    terminal.press("q");
    await terminal.see("ended\r\n");
    expectPutBack(terminal);
    folder.remove();
  });

  test.each([
    ["Ctrl-C", "", (terminal: Terminal) => terminal.press("\u0003")],
    ["SIGTERM", "", (terminal: Terminal) => process.kill(terminal.pid, "SIGTERM")],
    ["an error that nobody caught", " throws", (terminal: Terminal) => terminal.press("p")],
  ])("puts the terminal back after %s", async (_, how, end) => {
    const terminal = new Terminal(MODES_AROUND.replace("$FACEPLATE", `$FACEPLATE${how}`));
    await terminal.see("pid ");
    await terminal.see(".\r\n");
    end(terminal);
    await terminal.see("over");
    expectPutBack(terminal);
  });

  test("draws nothing and reads nothing as a job in the background, and goes on", async () => {
    const terminal = new Terminal("set -m; $FACEPLATE & read line; echo read $line; kill $!; echo over");
    await terminal.see("pid ");
    await terminal.see(".\r\n");
    await sleep(1200);
    // A job that had touched the terminal would be stopped: T.
    expect(readFileSync(`/proc/${terminal.pid}/stat`, "utf8")).toMatch(/\) [SR] /);
    terminal.press("cq\n");
    await terminal.see("read cq");
    await terminal.see("over");
    expect(terminal.shown).not.toContain("1.8.0");
    expect(terminal.shown).not.toContain("\u001b");
  });

  test("with its output in a pipe it draws nothing and leaves the keyboard alone", async () => {
    const terminal = new Terminal("$FACEPLATE | cat & read line; echo read $line; kill %1; echo over");
    await terminal.see("pid ");
    terminal.press("cq\n");
    await terminal.see("read cq");
    expect(terminal.shown).not.toContain("\u001b");
  });
});
