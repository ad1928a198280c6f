// A new board's settings are judged where it is flashed: one that could not start is none to carry to a customer.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  newIdentity,
  type Role,
  writeCredentialFile,
  writeKeyFile,
} from "../../../firmware/identity/identity.ts";
import { SeededRandom } from "../../../hal/emulated/seeded-random.ts";
import { opensslEngine } from "../../../hal/node/openssl.ts";
import { setUpOf } from "../../../host-tools/cli/board-set-up.ts";
import { CliFault } from "../../../host-tools/cli/fault.ts";
import { AUTHOR } from "../../firmware/update/images.ts";
import { temporaryFolder } from "../../support/pty-pair.ts";
import { ownImage } from "../flash/boards.ts";

let folder: ReturnType<typeof temporaryFolder>;
const at = (path: string): string => join(folder.path, path);

beforeEach(() => {
  folder = temporaryFolder();
  writeFileSync(at("M1.key.json"), writeKeyFile(party("meter", "M1")), { mode: 0o600 });
  writeFileSync(at("utility.json"), writeCredentialFile("head-end", party("head-end", "utility").credential));
  writeFileSync(at("acme.json"), writeCredentialFile("author", AUTHOR.credential));
});
afterEach(() => folder.remove());

function party(role: Role, id: string) {
  return newIdentity(opensslEngine, new SeededRandom(`set up ${id}`), { role, id, development: false });
}

function setUpWith(lines: readonly string[]) {
  writeFileSync(at("meter.conf"), lines.join("\n"));
  const files = { boardKeys: at("M1.key.json"), trust: [at("utility.json")], author: [at("acme.json")] };
  return setUpOf({ ...files, conf: at("meter.conf") }, ownImage(1));
}

const GOOD = ["at udp:0.0.0.0:5683", "chip bl0942@serial:/dev/meter-chip", "serial-number 4711"];

test("settings that a meter starts with make a board", async () => {
  const more = ["allow utility=update,clock", "zone CET-1CEST,M3.5.0,M10.5.0/3", "padding 2.1"];
  const recovery = "recovery serial:/dev/ttyAMA1?baud=115200";
  expect(await setUpWith([...GOOD, ...more, "utc free-running", recovery])).toHaveProperty("files");
});

test.each([
  ["profile producton", /--profile is production or development, and this is producton/],
  ["zone Mars", /--zone is written like .*, and this is Mars: at character /],
  ["utc sometimes", /--utc is disciplined or free-running/],
  ["padding 99", /--padding is one of/],
  ["allow utility=everything", /There is no right everything/],
  ["allow nobody=update", /--allow names nobody/],
  ["recovery ttyAMA1", /"ttyAMA1" has none of the known forms/],
  ["at 0.0.0.0:5683", /"0.0.0.0:5683" has none of the known forms/],
  ["chip bl9999@serial:/dev/meter-chip", /The metering part bl9999 is not known here/],
  ["chip bl0942@udp:127.0.0.1:5683", /hangs on serial bytes, not on UDP/],
  [`serial-number ${"4".repeat(65)}`, /a text of 1 to 64 bytes/],
])("settings that say %j are refused with the file's name and the reason", async (line, reason) => {
  const [name] = line.split(" ");
  const refused = setUpWith([...GOOD.filter((good) => !good.startsWith(`${name} `)), line]);
  await expect(refused).rejects.toBeInstanceOf(CliFault);
  await expect(refused).rejects.toThrow(/^No meter starts with the file of settings .*meter\.conf/);
  await expect(refused).rejects.toThrow(reason);
});
