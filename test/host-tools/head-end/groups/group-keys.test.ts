import { afterEach, expect, test } from "vitest";
import { CODE, OPTION, resourceRequest, withOptions } from "../../../../firmware/protocol/coap/message.ts";
import { SeededRandom } from "../../../../hal/emulated/seeded-random.ts";
import { opensslEngine } from "../../../../hal/node/openssl.ts";
import { GroupKeys } from "../../../../host-tools/head-end/groups/group-keys.ts";
import { GroupRegistry } from "../../../../host-tools/head-end/groups/group-registry.ts";
import { emptyFolder } from "../../../support/command.ts";
import { identity } from "../../../support/secured-line.ts";

const folder = emptyFolder();

afterEach(() => folder.remove());

test("a challenge is answered above all numbers that any process has used: none of those can be replayed after it", () => {
  const [headEnd, meter] = [identity("head-end", "HE"), identity("meter", "M1")];
  const groups = new GroupRegistry(`${folder.path}/groups.json`, new SeededRandom("groups"), () => 0);
  groups.create({ name: "B7", rule: "configuration", headEnd: headEnd.credential.bytes });
  groups.add("B7", ["M1"]);
  const { group } = groups.admit("B7", "M1") ?? expect.fail();
  const process = () => {
    const keys = new GroupKeys(
      { crypto: opensslEngine, identity: headEnd, groups, credentialOf: () => meter.credential },
      group,
    );
    keys.admit(group);
    return keys;
  };
  const [one, other] = [process(), process()];
  const question = resourceRequest(CODE.get, "r");
  const proof = withOptions(question, { number: OPTION.echo, value: Uint8Array.of(1, 2, 3) });
  one.sealForAll(question);
  const { number } = other.sealForAll(question);
  expect(one.sealFor("M1", question).number).toBeLessThan(number);
  expect(one.sealFor("M1", proof).number).toBeGreaterThan(number);
});
