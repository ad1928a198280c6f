// systemd as the supervisor of this process (sd_notify(3)).
import { spawn } from "node:child_process";
import type { Supervisor } from "../ports/supervisor.ts";

/** Node has no datagrams of Unix sockets: systemd's own program sends them. */
const HELPER = "systemd-notify";
/** It waits until systemd has taken the message, which otherwise may come of a process that is gone, and is dropped then. */
const HELPER_TIMEOUT_MS = 5000;
/** Pings in a period of the watchdog: two may be late. */
const PINGS_PER_PERIOD = 3;
/** What systemd's protocol would read as the next assignment. */
const CONTROL = /\p{Cc}+/gu;

type Environment = Record<string, string | undefined>;

/**
 * What NOTIFY_SOCKET and WATCHDOG_USEC name; a supervisor that nobody hears where systemd has not started this process.
 * Both are taken out of `environment`, so that no child of this process speaks in its name.
 */
export function systemdSupervisor(environment: Environment = process.env): Supervisor {
  const socket = environment["NOTIFY_SOCKET"];
  const watchdogMs = watchdogOf(environment);
  for (const name of ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"]) delete environment[name];
  if (socket === undefined || socket === "") return NOBODY;
  return new Systemd({ PATH: environment["PATH"], NOTIFY_SOCKET: socket }, watchdogMs);
}

const NOBODY: Supervisor = { ready() {}, status() {}, alive() {}, stopping() {} };

/** Undefined where no watchdog waits, or one that waits for another process. */
function watchdogOf({ WATCHDOG_USEC: period, WATCHDOG_PID: pid }: Environment): number | undefined {
  if (pid !== undefined && Number(pid) !== process.pid) return undefined;
  return Number(period) > 0 ? Number(period) / 1000 : undefined;
}

class Systemd implements Supervisor {
  readonly #environment: Environment;
  /** Undefined where nobody waits for a sign of life. */
  readonly #pingEveryMs: number | undefined;
  #pingedAtMs = Number.NEGATIVE_INFINITY;
  /** What is to be said next, by its name: a newer status takes the place of one that was not said. */
  readonly #waiting = new Map<string, string>();
  #state: "free" | "speaking" | "mute" = "free";

  constructor(environment: Environment, watchdogMs: number | undefined) {
    this.#environment = environment;
    this.#pingEveryMs = watchdogMs && watchdogMs / PINGS_PER_PERIOD;
  }

  ready(status: string): void {
    this.#waiting.set("READY", "1");
    this.status(status);
  }

  status(text: string): void {
    this.#say("STATUS", text.replace(CONTROL, " "));
  }

  alive(): void {
    const nowMs = performance.now();
    if (this.#pingEveryMs === undefined || nowMs - this.#pingedAtMs < this.#pingEveryMs) return;
    this.#pingedAtMs = nowMs;
    this.#say("WATCHDOG", "1");
  }

  stopping(): void {
    // The process may be gone before a helper is that speaks now.
    this.#waiting.set("STOPPING", "1");
    this.#speak();
  }

  #say(name: string, value: string): void {
    this.#waiting.set(name, value);
    // One helper at a time, so that all arrives in the order in which it was said.
    if (this.#state === "free") this.#speak();
  }

  #speak(): void {
    if (this.#state === "mute" || this.#waiting.size === 0) return;
    const words = [...this.#waiting].map(([name, value]) => `${name}=${value}`);
    this.#waiting.clear();
    this.#state = "speaking";
    const options = { env: this.#environment, stdio: "ignore", timeout: HELPER_TIMEOUT_MS } as const;
    const helper = spawn(HELPER, words, options);
    helper.once("error", (error) => this.#fail(error));
    helper.once("close", () => {
      if (this.#state === "speaking") this.#state = "free";
      if (this.#waiting.size > 0) this.#speak();
    });
    // A status is no reason for a process to stay.
    helper.unref();
  }

  #fail(error: Error): void {
    if (this.#state === "mute") return;
    this.#state = "mute";
    process.stderr.write(
      `systemd cannot be told how things are: ${HELPER} does not run (${error.message}).\n`,
    );
  }
}
