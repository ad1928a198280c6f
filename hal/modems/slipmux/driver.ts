import { encodeSlip, SLIP_END, SlipDecoder } from "../../framing/slip.ts";
import {
  COAP_FRAME_OVERHEAD_BYTES,
  COAP_FRAMING_BYTES,
  decodeFrame,
  encodeCoapFrame,
  encodeDiagnosticFrame,
  type SlipmuxReject,
} from "../../framing/slipmux.ts";
import {
  LINE,
  type Link,
  type LinkCounters,
  type LinkListener,
  type LinkSend,
  type LinkTraits,
  type Station,
} from "../../ports/link.ts";
import { bitsPerCharacter, type Uart } from "../../ports/uart.ts";

/** RFC 7252 4.6: a CoAP message of this size is one that any receiver should take. */
const MTU_BYTES = 1152;

/** A turnaround of a few characters at each end, and the time that a meter takes to answer. */
const ROUND_TRIP_MS = 20;

export interface SlipmuxOptions {
  /** Longest CoAP message, and longest console text in UTF-8, in bytes; 1152 if not given. */
  readonly mtuBytes?: number;
  /** Expected turnaround and service time there and back, in milliseconds; 20 if not given. */
  readonly roundTripMs?: number;
}

/**
 * CoAP datagrams, and a console beside them, on a point-to-point UART line whose only other station
 * is `LINE`. It owns the UART: installs its listener and closes it. Frames that are none are dropped
 * and counted as `checksum`, `type`, `escape`, `aborted` or `too-long`.
 */
export class SlipmuxLink implements Link {
  readonly traits: LinkTraits;
  readonly #uart: Uart;
  readonly #decoder: SlipDecoder;
  readonly #rejected: Record<SlipmuxReject, number> = { checksum: 0, type: 0 };
  #state: "open" | "closed" = "open";
  #sentDatagrams = 0;
  #receivedDatagrams = 0;
  #listener: LinkListener | undefined;
  #onDiagnostic: ((text: string) => void) | undefined;

  constructor(uart: Uart, options: SlipmuxOptions = {}) {
    const { mtuBytes = MTU_BYTES, roundTripMs = ROUND_TRIP_MS } = options;
    this.traits = {
      mtuBytes,
      bitsPerSecond: uart.settings.baud,
      bitsPerByte: bitsPerCharacter(uart.settings),
      framingBytes: COAP_FRAMING_BYTES,
      roundTripMs,
      halfDuplex: false,
      addressing: "station",
    };
    this.#uart = uart;
    this.#decoder = new SlipDecoder(mtuBytes + COAP_FRAME_OVERHEAD_BYTES);
    uart.listen({
      bytes: (bytes) => this.#decoder.push(bytes, (frame) => this.#receive(frame)),
      state: (state) => {
        if (state === "open") this.#restart();
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

  /** Sends one CoAP message. A station other than `LINE` is not there: "down". */
  send(to: Station, datagram: Uint8Array): LinkSend {
    if (to !== LINE) return "down";
    if (datagram.length > this.traits.mtuBytes) return "too-long";
    const sent = this.#uart.write(encodeSlip(encodeCoapFrame(datagram)));
    if (sent === "queued") this.#sentDatagrams++;
    return sent;
  }

  listen(listener: LinkListener): void {
    if (this.#listener !== undefined) throw new Error("a link has one listener");
    this.#listener = listener;
  }

  /** Sends a line to the other end's console; the text may be up to the MTU in UTF-8. */
  sendDiagnostic(text: string): LinkSend {
    const frame = encodeDiagnosticFrame(text);
    if (frame.length > this.traits.mtuBytes + 1) return "too-long";
    return this.#uart.write(encodeSlip(frame));
  }

  /** Installs the one listener for console texts, which come fit to be shown. A second call throws. */
  onDiagnostic(listener: (text: string) => void): void {
    if (this.#onDiagnostic !== undefined) throw new Error("a link has one listener for diagnostics");
    this.#onDiagnostic = listener;
  }

  close(): void {
    this.#state = "closed";
    this.#uart.close();
  }

  #receive(bytes: Uint8Array): void {
    if (this.#state === "closed") return;
    const frame = decodeFrame(bytes);
    if (frame.kind === "coap") {
      this.#receivedDatagrams++;
      this.#listener?.datagram(LINE, frame.message);
    } else if (frame.kind === "diagnostic") this.#onDiagnostic?.(frame.text);
    else this.#rejected[frame.reason]++;
  }

  /**
   * After an interruption both ends may hold half a frame. A write that is refused here does no
   * harm, since every frame starts with an END of its own.
   */
  #restart(): void {
    this.#decoder.reset();
    this.#uart.write(Uint8Array.of(SLIP_END));
  }
}
