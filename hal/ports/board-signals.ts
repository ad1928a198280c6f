/**
 * What a sensor of the housing says. `holds` is the condition that it is there to find: the cover is off, a magnet is
 * near. `unknown` where the board has no such sensor or cannot read it just now; it is not `clear`.
 */
export type Sensed = "holds" | "clear" | "unknown";

/** Whether the mains are there, as the board knows it by itself, without the metering part. */
export type LineSensed = "up" | "down" | "unknown";

export interface BoardSignalsListener {
  /**
   * The supply is failing, and stays for some tens of milliseconds: the last gasp. What is to survive must be
   * durable when this returns; nothing that is put off can be relied on.
   */
  powerFail(): void;
}

/**
 * What a board senses beside the metering part. Sensors are asked, as covers and magnets are slow; the supply tells,
 * as there is no time to ask.
 *
 * A caller may assume: what is sensed is as it is now, and asking changes nothing; `powerFail` is never told from
 * inside `listen`. A caller may not assume that switches do not bounce, that `powerFail` comes before every outage,
 * or that an outage follows it: a supply that recovers leaves the board running, and may fail and tell again.
 */
export interface BoardSignals {
  cover(): Sensed;
  terminalCover(): Sensed;
  magnet(): Sensed;
  line(): LineSensed;
  /** Installs the one listener. A second call is a bug in the caller and throws. */
  listen(listener: BoardSignalsListener): void;
  /** Gives the signals up for good. No event follows. */
  close(): void;
}
