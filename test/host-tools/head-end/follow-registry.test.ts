import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { TrustList } from "../../../firmware/identity/trust.ts";
import { answerWith, CODE, FORMAT } from "../../../firmware/protocol/coap/message.ts";
import { Drive } from "../../../firmware/protocol/drive.ts";
import { encodeRegisterReading } from "../../../firmware/protocol/readings/register-reading.ts";
import { SecureServer } from "../../../firmware/protocol/secure-server.ts";
import { linkPair } from "../../../hal/emulated/link-pair.ts";
import { SeededRandom } from "../../../hal/emulated/seeded-random.ts";
import { VirtualClock } from "../../../hal/emulated/virtual-clock.ts";
import { opensslEngine } from "../../../hal/node/openssl.ts";
import { LINE } from "../../../hal/ports/link.ts";
import { HeadEnd } from "../../../host-tools/head-end/client.ts";
import { followRegistry } from "../../../host-tools/head-end/follow-registry.ts";
import { Registry } from "../../../host-tools/head-end/registry.ts";
import { settle } from "../../../host-tools/world/single-line.ts";
import { emptyFolder } from "../../support/command.ts";
import { RotatingMeter } from "../../support/rotating-meter.ts";
import { identity } from "../../support/secured-line.ts";

const METER = identity("meter", "M1");
const HEAD = identity("head-end", "H");
const IMPORT = "1-0:1.8.0*255";

let folder: ReturnType<typeof emptyFolder>;
let path: string;

beforeEach(() => {
  folder = emptyFolder();
  path = join(folder.path, "registry.json");
});
afterEach(() => folder.remove());

/** A meter, and a head-end that serves whom the registry has; how a read ends, as the meter's id or a sentence. */
function following(isWanted?: Parameters<typeof followRegistry>[1]) {
  const clock = new VirtualClock({ utcMs: Date.UTC(2026, 10, 24) });
  const [near, far] = linkPair(clock, {});
  const crypto = opensslEngine;
  const entries = [{ register: IMPORT, quality: "measured", value: 1 }] as const;
  const body = encodeRegisterReading({ timeSeconds: 1_795_478_400, status: 0, entries });
  const server = new SecureServer({
    ...{ crypto, random: new SeededRandom("meter"), traits: far.traits, identity: METER },
    trust: new TrustList([HEAD.credential]),
    resources: { links: [], serve: () => answerWith(CODE.content, FORMAT.cbor, body) },
  });
  new Drive(server, far, clock, () => {});
  const headEnd = new HeadEnd({
    ...{ link: near, clock, crypto, random: new SeededRandom("head-end"), identity: HEAD },
    ...followRegistry(new Registry(path), isWanted),
  });
  const target = { station: LINE, name: "mem:", expect: "M1", timeoutMs: 5000 };
  return (): Promise<string> =>
    settle(
      clock,
      headEnd.readRegisters(target, [IMPORT]).then(
        ({ meter }) => meter,
        (error: Error) => error.message,
      ),
    );
}

describe("a head-end that runs on", () => {
  test("serves a meter that is enrolled meanwhile, and one no more that is revoked, at its next ask", async () => {
    const [ours, operators] = [following(), new Registry(path)];
    const unknown = await ours();
    expect(unknown).not.toBe("M1");
    operators.enrol(METER.credential);
    expect(await ours()).toBe("M1");
    operators.revoke("M1");
    expect(await ours()).toBe(unknown);
    operators.enrol(METER.credential);
    expect(await ours()).toBe("M1");
  });

  test("serves only the wanted ones of those that are enrolled", async () => {
    new Registry(path).enrol(METER.credential);
    expect(await following(({ id }) => id !== "M1")()).not.toBe("M1");
  });

  test("watches a meter no longer than it is enrolled, and says so at what it is told next", () => {
    const enrolled = new RotatingMeter();
    const { headEnd, target, clock } = enrolled.world;
    const heard: string[] = [];
    const onEnd = ({ message }: Error) => heard.push(message);
    headEnd.watchRegisters(target, [], { onReading: ({ meter }) => heard.push(meter), onEnd });
    clock.advanceBy(90_000);
    expect(heard).toEqual(["M1", "M1"]);
    enrolled.registry.revoke(enrolled.made.credential.id);
    clock.advanceBy(300_000);
    expect(heard.slice(2)).toEqual([expect.stringMatching(/^Who answers .* did not prove to be/)]);
    enrolled.close();
  });

  test("asks nobody once its registry is damaged", async () => {
    new Registry(path).enrol(METER.credential);
    const ours = following();
    writeFileSync(path, "{");
    expect(await ours()).toMatch(/^The registry .* is damaged/);
  });
});
