import { describe, expect, test } from "vitest";
import { newIdentity } from "../../../../firmware/identity/identity.ts";
import { decodeCcs, encodeCcs } from "../../../../firmware/protocol/cose/credential.ts";
import { groupCredential } from "../../../../firmware/protocol/group/credential.ts";
import { SeededRandom } from "../../../../hal/emulated/seeded-random.ts";
import { opensslEngine } from "../../../../hal/node/openssl.ts";

const { credential } = newIdentity(opensslEngine, new SeededRandom(1), {
  role: "head-end",
  id: "H",
  development: false,
});

describe("a group credential", () => {
  test("is the same bytes to whoever has enrolled the same credential", () => {
    const enrolled = decodeCcs(credential.bytes);
    if (enrolled === undefined) throw new Error("a credential of ours is none");
    const own = groupCredential(opensslEngine, credential);
    expect(groupCredential(opensslEngine, enrolled)?.bytes).toEqual(own?.bytes);
    expect(own).toMatchObject({ id: "H", key: { kind: "P-256", publicKey: credential.signingKey } });
  });

  test("has no key of EDHOC's", () => {
    const own = groupCredential(opensslEngine, credential);
    expect(own?.key.publicKey).not.toEqual(credential.key.publicKey);
    expect(own?.signingKey).toBeUndefined();
  });

  test("is nobody's who has no key that signs", () => {
    const { id, kid, key, development } = credential;
    expect(groupCredential(opensslEngine, encodeCcs({ id, kid, key, development }))).toBeUndefined();
  });
});
