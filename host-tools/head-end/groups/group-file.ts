// The file of a head-end's groups. It holds their secrets.
import { type BigIntStats, closeSync, fstatSync, openSync, readFileSync } from "node:fs";
import * as v from "valibot";
import { isValidId } from "../../../firmware/identity/identity.ts";
import { fromHex, toHex } from "../../../firmware/protocol/bytes.ts";
import { writeDurably } from "../../../hal/node/durable-file.ts";
import { RegistryError } from "../errors.ts";
import { originalOf } from "../original-file.ts";
import {
  EPOCH_NUMBERS_MAX,
  GROUP_RULES,
  type Group,
  type GroupEpoch,
  MEMBER_STATES,
  MEMBERS_MAX,
} from "./group.ts";

const FILE_MODE = 0o600;

const Hex = v.pipe(
  v.string(),
  v.transform((text) => fromHex(text)),
  v.instance(Uint8Array),
);
const Count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const Id = v.pipe(v.string(), v.check(isValidId));
const EpochSchema = v.strictObject({
  gid: Hex,
  masterSecret: Hex,
  masterSalt: Hex,
  keyGeneration: Count,
  bornUtcMs: Count,
  nextSenderId: Count,
  nextNumber: Count,
});
const MemberSchema = v.strictObject({
  id: Id,
  state: v.picklist(MEMBER_STATES),
  senderId: v.optional(Hex),
});
const FileSchema = v.strictObject({
  meterbench: v.literal("groups"),
  original: v.optional(v.string()),
  groups: v.array(
    v.strictObject({
      name: Id,
      rule: v.picklist(GROUP_RULES),
      block: v.optional(v.string()),
      value: v.optional(v.string()),
      headEnd: Hex,
      members: v.pipe(v.array(MemberSchema), v.maxLength(MEMBERS_MAX)),
      epoch: EpochSchema,
    }),
  ),
});

/** A missing file is empty; the groups of a copy, as a backup is, have to get other keys. Throws {@link RegistryError}. */
export function readGroups(path: string): readonly Group[] {
  const found = readFound(path);
  if (found === undefined) return [];
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), FileSchema), found.text);
  // What it holds is not said: it is secret.
  if (!parsed.success)
    throw new RegistryError(
      `The file of groups ${path} is damaged: remove it, and make its groups anew (meterbench group create).`,
    );
  const { original, groups } = parsed.output;
  return original === found.original ? groups : groups.map(wornOut);
}

/** Numbers from there on may have been used since the copy was made, and one that seals twice gives the keys away. */
function wornOut(group: Group): Group {
  return { ...group, epoch: { ...group.epoch, nextNumber: EPOCH_NUMBERS_MAX } };
}

export function writeGroups(path: string, groups: readonly Group[]): void {
  const text = (stats: BigIntStats): string => {
    const file = { meterbench: "groups", original: originalOf(stats), groups: groups.map(toRecord) };
    return `${JSON.stringify(file, null, 2)}\n`;
  };
  writeDurably(path, text, FILE_MODE);
}

function toRecord({ headEnd, members, epoch, ...group }: Group): object {
  return {
    ...group,
    headEnd: toHex(headEnd),
    members: members.map(({ id, state, senderId }) => ({
      ...{ id, state },
      ...(senderId && { senderId: toHex(senderId) }),
    })),
    epoch: epochRecord(epoch),
  };
}

function epochRecord({ gid, masterSecret, masterSalt, ...counts }: GroupEpoch): object {
  const bytes = { gid: toHex(gid), masterSecret: toHex(masterSecret), masterSalt: toHex(masterSalt) };
  return { ...bytes, ...counts };
}

interface FoundFile {
  readonly text: string;
  readonly original: string | undefined;
}

/** Both of one file, though another process may put the next one in its place meanwhile. */
function readFound(path: string): FoundFile | undefined {
  let file: number | undefined;
  try {
    file = openSync(path, "r");
    return { text: readFileSync(file, "utf8"), original: originalOf(fstatSync(file, { bigint: true })) };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return undefined;
    throw new RegistryError(
      `The file of groups ${path} cannot be read (${code}): check its owner and rights.`,
    );
  } finally {
    if (file !== undefined) closeSync(file);
  }
}
