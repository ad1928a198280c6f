/**
 * Chance as a meter's board gives it: keys, nonces, tokens and jitter all come from here.
 *
 * On a board the bytes are cryptographically strong. In a seeded world they follow from the seed
 * alone, and each consumer forks its own stream by name, so that a new consumer moves no other.
 */
export interface Random {
  /** `length` (0 to 65536) fresh bytes. */
  bytes(length: number): Uint8Array;
  /** A stream of its own for the consumer `name`; the same name gives the same stream again. */
  fork(name: string): Random;
}
