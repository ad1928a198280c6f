/** How the characters of a line are formed. A driver states the settings that its part needs. */
export interface UartSettings {
  /** Bits a second, 50 to 4,000,000. */
  readonly baud: number;
  readonly dataBits: 7 | 8;
  readonly parity: "none" | "even" | "odd";
  readonly stopBits: 1 | 1.5 | 2;
}

/** What became of bytes given to a line: on their way, no room now, or no line at present. */
export type UartWrite = "queued" | "busy" | "down";

/** `down`: unplugged, closed by its owner, or the program at the other end is gone. */
export type UartState = "open" | "down";

export interface UartListener {
  /** Received bytes, split or joined in any way, possibly wrong. The array is the listener's to keep. */
  bytes(bytes: Uint8Array): void;
  /** The line went down or came back; a half-received frame of before means nothing afterwards. */
  state?(state: UartState): void;
}

/**
 * A byte pipe with a character format. Bytes may arrive split or joined in any way, may be wrong,
 * lost or invented; the pipe itself reports no parity or framing errors (Linux drops such bytes).
 *
 * A caller may assume: bytes queued leave in order; `write` copies nothing and keeps the array
 * until sent, so it must not be changed afterwards; a `busy` write sent nothing at all; the port
 * reopens by itself after an unplug, and says so. `write` never throws.
 */
export interface Uart {
  readonly settings: UartSettings;
  readonly state: UartState;
  write(bytes: Uint8Array): UartWrite;
  /** Installs the one listener. A second call is a bug in the caller and throws. */
  listen(listener: UartListener): void;
  /** Gives the line up for good. No event follows. */
  close(): void;
}

/** Bits that one character takes on the line: start, data, parity and stop bits. */
export function bitsPerCharacter(settings: UartSettings): number {
  return 1 + settings.dataBits + (settings.parity === "none" ? 0 : 1) + settings.stopBits;
}
