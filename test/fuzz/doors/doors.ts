// Every door for a stranger's bytes that has a search of its own.
import type { Door } from "./door.ts";

/** Loaded by name: V8 counts the code only of what is compiled after it was told to. */
const LOADERS: Readonly<Record<string, () => Promise<Door>>> = {
  slip: async () => (await import("./slip.ts")).slip,
  xbee: async () => (await import("./xbee.ts")).xbee,
  coap: async () => (await import("./coap.ts")).coap,
  "outer-blocks": async () => (await import("./outer-blocks.ts")).outerBlocks,
  "oscore-option": async () => (await import("./oscore-option.ts")).oscoreOption,
  edhoc: async () => (await import("./edhoc.ts")).edhoc,
  cbor: async () => (await import("./cbor.ts")).cbor,
  recovery: async () => (await import("./recovery.ts")).recovery,
  readings: async () => (await import("./readings.ts")).readings,
  signed: async () => (await import("./signed.ts")).signed,
  profile: async () => (await import("./profile.ts")).profile,
  image: async () => (await import("./image.ts")).image,
  slots: async () => (await import("./slots.ts")).slots,
  elf: async () => (await import("./elf.ts")).elf,
};

export const DOOR_NAMES: readonly string[] = Object.keys(LOADERS);

/**
 * Of a number of inputs for all doors, what each gets against the others: one tenth where keys are computed, and
 * where an input is a dozen datagrams; less where it is a board that is written and started.
 */
const SHARES: Readonly<Record<string, number>> = {
  edhoc: 0.1,
  "outer-blocks": 0.1,
  signed: 0.1,
  xbee: 0.1,
  recovery: 0.1,
  image: 0.05,
  slots: 0.01,
};

/** How many of `inputs` for all doors this one gets at the least. */
export function shareOf(name: string, inputs: number): number {
  const share = (door: string): number => SHARES[door] ?? 1;
  const all = DOOR_NAMES.reduce((sum, door) => sum + share(door), 0);
  return Math.ceil((inputs * share(name)) / all);
}

/** The door of this name; undefined where there is none. */
export async function loadDoor(name: string): Promise<Door | undefined> {
  return Object.hasOwn(LOADERS, name) ? LOADERS[name]?.() : undefined;
}
