// The file of a head-end's groups. It holds their secrets.
import { readFileSync } from "node:fs";
import * as v from "valibot";
import { isValidId } from "../../../firmware/identity/identity.ts";
import { fromHex, toHex } from "../../../firmware/protocol/bytes.ts";
import { writeDurably } from "../../../hal/node/durable-file.ts";
import { RegistryError } from "../errors.ts";
import { GROUP_RULES, type Group, type GroupEpoch, MEMBER_STATES, MEMBERS_MAX } from "./group.ts";

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

/** A missing file is empty. Throws {@link RegistryError}. */
export function readGroups(path: string): readonly Group[] {
  const text = readText(path);
  if (text === undefined) return [];
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), FileSchema), text);
  // What it holds is not said: it is secret.
  if (!parsed.success)
    throw new RegistryError(
      `The file of groups ${path} is damaged: remove it, and make its groups anew (meterbench group create).`,
    );
  return parsed.output.groups;
}

export function writeGroups(path: string, groups: readonly Group[]): void {
  const file = { meterbench: "groups", groups: groups.map(toRecord) };
  writeDurably(path, `${JSON.stringify(file, null, 2)}\n`, FILE_MODE);
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

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return undefined;
    throw new RegistryError(
      `The file of groups ${path} cannot be read (${code}): check its owner and rights.`,
    );
  }
}
