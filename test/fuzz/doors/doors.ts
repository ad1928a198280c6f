// Every door for a stranger's bytes that has a search of its own.
import type { Door } from "./door.ts";

/** Loaded by name: V8 counts the code only of what is compiled after it was told to. */
const LOADERS: Readonly<Record<string, () => Promise<Door>>> = {
  slip: async () => (await import("./slip.ts")).slip,
  coap: async () => (await import("./coap.ts")).coap,
  "oscore-option": async () => (await import("./oscore-option.ts")).oscoreOption,
  edhoc: async () => (await import("./edhoc.ts")).edhoc,
  cbor: async () => (await import("./cbor.ts")).cbor,
  readings: async () => (await import("./readings.ts")).readings,
  profile: async () => (await import("./profile.ts")).profile,
};

export const DOOR_NAMES: readonly string[] = Object.keys(LOADERS);

/** The door of this name; undefined where there is none. */
export async function loadDoor(name: string): Promise<Door | undefined> {
  return Object.hasOwn(LOADERS, name) ? LOADERS[name]?.() : undefined;
}
