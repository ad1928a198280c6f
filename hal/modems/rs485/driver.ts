import { encodeSlip, SlipDecoder } from "../../framing/slip.ts";
import {
  COAP_FRAME_OVERHEAD_BYTES,
  COAP_FRAMING_BYTES,
  decodeFrame,
  encodeCoapFrame,
  type SlipmuxReject,
} from "../../framing/slipmux.ts";
import type { Cancel, Clock } from "../../ports/clock.ts";
import {
  LINE,
  type Link,
  type LinkCounters,
  type LinkListener,
  type LinkSend,
  type LinkTraits,
  type Station,
} from "../../ports/link.ts";
import { bitsPerCharacter, type Uart, type UartSettings } from "../../ports/uart.ts";

/** Half a second of a line at 9600 baud: nobody waits longer for the line because of one message. */
const MTU_BYTES = 512;

/** The time that a meter takes to answer, and its driver to turn round. */
const SERVICE_MS = 20;

/** As Modbus over serial line V1.02 (2.5.1.1) has it: fixed where characters are shorter than timers are exact. */
const SILENCE_CHARACTERS = 3.5;
const SILENCE_FIXED_ABOVE_BAUD = 19_200;
const SILENCE_FIXED_MS = 1.75;

/** One exchange is on the line at a time, so more than a frame or two that wait are a fault. */
const WAITING_MAX = 4;

/** A line that is not silent for longer than its longest frames is somebody's who should not: too late is too late. */
const PATIENCE_FRAMES = 1.25;

export interface Rs485Options {
  /** Longest CoAP message in bytes; 512 if not given. */
  readonly mtuBytes?: number;
  /** Expected turnaround and service time there and back, in milliseconds; 20 and two silences if not given. */
  readonly roundTripMs?: number;
}

/** Why a frame, received or waiting, was dropped: `echo` is one's own, `no-silence` one that found no room on the line. */
type Rs485Reject = SlipmuxReject | "echo" | "no-silence";

interface Waiting {
  readonly bytes: Uint8Array;
  readonly datagram: Uint8Array;
  readonly untilMs: number;
}

/** Milliseconds that a line must be silent before anybody begins to send. */
export function silenceMs(settings: UartSettings): number {
  if (settings.baud > SILENCE_FIXED_ABOVE_BAUD) return SILENCE_FIXED_MS;
  return (SILENCE_CHARACTERS * bitsPerCharacter(settings) * 1000) / settings.baud;
}

/**
 * CoAP datagrams on an RS-485 line that many stations share. All stations hear all that is sent, and nobody is told apart
 * here: every other station is `LINE`, and requests say by Uri-Host whom they mean. A frame waits until the line has been
 * silent for 3.5 characters; what an adapter gives back of one's own is dropped. It owns the UART.
 */
export class Rs485Link implements Link {
  readonly traits: LinkTraits;
  readonly #uart: Uart;
  readonly #clock: Clock;
  readonly #decoder: SlipDecoder;
  readonly #silenceMs: number;
  readonly #msPerCharacter: number;
  readonly #patienceMs: number;
  readonly #rejected: Record<Rs485Reject, number> = { checksum: 0, type: 0, echo: 0, "no-silence": 0 };
  readonly #waiting: Waiting[] = [];
  /** What an adapter may still give back: until then nobody else can have said the same. */
  #echo: { readonly datagram: Uint8Array; readonly untilMs: number } | undefined;
  #busyUntilMs = Number.NEGATIVE_INFINITY;
  #state: "open" | "closed" = "open";
  #cancelWake: Cancel | undefined;
  #sentDatagrams = 0;
  #receivedDatagrams = 0;
  #listener: LinkListener | undefined;

  constructor(uart: Uart, clock: Clock, options: Rs485Options = {}) {
    this.#silenceMs = silenceMs(uart.settings);
    const { mtuBytes = MTU_BYTES, roundTripMs = SERVICE_MS + 2 * this.#silenceMs } = options;
    const bitsPerByte = bitsPerCharacter(uart.settings);
    this.traits = {
      mtuBytes,
      bitsPerSecond: uart.settings.baud,
      bitsPerByte,
      framingBytes: COAP_FRAMING_BYTES,
      roundTripMs,
      halfDuplex: true,
      addressing: "uri-host",
    };
    this.#msPerCharacter = (bitsPerByte * 1000) / uart.settings.baud;
    this.#patienceMs = PATIENCE_FRAMES * (mtuBytes + COAP_FRAMING_BYTES) * this.#msPerCharacter;
    this.#uart = uart;
    this.#clock = clock;
    this.#decoder = new SlipDecoder(mtuBytes + COAP_FRAME_OVERHEAD_BYTES);
    uart.listen({
      bytes: (bytes) => this.#hear(bytes),
      state: (state) => {
        if (state === "open") this.#decoder.reset();
      },
    });
  }

  get counters(): LinkCounters {
    return {
      sentDatagrams: this.#sentDatagrams,
      receivedDatagrams: this.#receivedDatagrams,
      rejected: { ...this.#rejected, ...this.#decoder.rejected },
    };
  }

  /** Sends one CoAP message as soon as the line is silent. A station other than `LINE` is not there: "down". */
  send(to: Station, datagram: Uint8Array): LinkSend {
    if (to !== LINE || this.#state === "closed" || this.#uart.state === "down") return "down";
    if (datagram.length > this.traits.mtuBytes) return "too-long";
    if (this.#waiting.length === WAITING_MAX) return "busy";
    const untilMs = this.#patienceEndsMs();
    this.#waiting.push({
      bytes: encodeSlip(encodeCoapFrame(datagram)),
      datagram: datagram.slice(),
      untilMs,
    });
    this.#arm();
    return "queued";
  }

  listen(listener: LinkListener): void {
    if (this.#listener !== undefined) throw new Error("a link has one listener");
    this.#listener = listener;
  }

  close(): void {
    this.#state = "closed";
    this.#cancelWake?.();
    this.#waiting.length = 0;
    this.#uart.close();
  }

  /** Those that wait before it take their own time first. */
  #patienceEndsMs(): number {
    const before = this.#waiting.at(-1);
    const startsMs = before === undefined ? this.#clock.monotonicMs() : before.untilMs;
    const ownMs = before === undefined ? 0 : before.bytes.length * this.#msPerCharacter;
    return Math.max(startsMs + ownMs, this.#busyUntilMs) + this.#patienceMs;
  }

  /** In one wake-up at a time; what is heard meanwhile moves it on. */
  #arm(): void {
    if (this.#cancelWake !== undefined || this.#waiting.length === 0) return;
    const inMs = Math.max(0, this.#busyUntilMs + this.#silenceMs - this.#clock.monotonicMs());
    this.#cancelWake = this.#clock.after(inMs, () => {
      this.#cancelWake = undefined;
      this.#sendIfSilent();
      this.#arm();
    });
  }

  #sendIfSilent(): void {
    const nowMs = this.#clock.monotonicMs();
    while (this.#waiting[0] !== undefined && nowMs > this.#waiting[0].untilMs) {
      this.#waiting.shift();
      this.#rejected["no-silence"]++;
    }
    if (nowMs < this.#busyUntilMs + this.#silenceMs) return;
    const next = this.#waiting.shift();
    if (next === undefined || this.#uart.write(next.bytes) !== "queued") return;
    this.#sentDatagrams++;
    const frameMs = next.bytes.length * this.#msPerCharacter;
    this.#busyUntilMs = nowMs + frameMs;
    this.#echo = { datagram: next.datagram, untilMs: this.#busyUntilMs + frameMs };
  }

  #hear(bytes: Uint8Array): void {
    this.#busyUntilMs = Math.max(this.#busyUntilMs, this.#clock.monotonicMs());
    this.#decoder.push(bytes, (frame) => this.#receive(frame));
  }

  #receive(bytes: Uint8Array): void {
    if (this.#state === "closed") return;
    const frame = decodeFrame(bytes);
    if (frame.kind === "rejected") this.#rejected[frame.reason]++;
    // Nobody has a console on a line where all would talk at once.
    else if (frame.kind === "diagnostic") this.#rejected.type++;
    else if (this.#isEcho(frame.message)) this.#rejected.echo++;
    else {
      this.#receivedDatagrams++;
      this.#listener?.datagram(LINE, frame.message);
    }
  }

  /** Once for each that was sent. Damage of an echo is a collision, and shows as a `checksum`. */
  #isEcho(message: Uint8Array): boolean {
    const { datagram, untilMs } = this.#echo ?? { datagram: message, untilMs: Number.NEGATIVE_INFINITY };
    if (this.#clock.monotonicMs() > untilMs || datagram.length !== message.length) return false;
    if (!datagram.every((byte, i) => byte === message[i])) return false;
    this.#echo = undefined;
    return true;
  }
}
