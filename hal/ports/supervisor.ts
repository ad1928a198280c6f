/**
 * Who starts the program again when it ends or hangs: systemd, procd, a test.
 *
 * A caller may assume: nothing here throws or waits, and where nobody is told, nothing happens. Texts are one sentence
 * for people each.
 */
export interface Supervisor {
  /** The program does from now on what it is for. */
  ready(status: string): void;
  status(text: string): void;
  /**
   * The main loop has gone round once more, and all that it needs is well. To be called by that loop and by nothing else: a
   * timer of its own would say so of a program that hangs. As often as one likes.
   */
  alive(): void;
  /** The program ends in good order from here on. */
  stopping(): void;
}
