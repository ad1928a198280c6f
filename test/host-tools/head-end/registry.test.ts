import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { signCwt } from "../../../firmware/protocol/cose/cwt.ts";
import { opensslEngine } from "../../../hal/node/openssl.ts";
import { RegistryError } from "../../../host-tools/head-end/errors.ts";
import { Registry } from "../../../host-tools/head-end/registry.ts";
import { emptyFolder } from "../../support/command.ts";
import { testProgram } from "../../support/programs.ts";
import { identity } from "../../support/secured-line.ts";

const CHANGER = testProgram("host-tools/head-end/changer");
const ROUNDS = 12;
const AT = "udp:127.0.0.1:5683";

let folder: ReturnType<typeof emptyFolder>;
let path: string;
let registry: Registry;
const children: ChildProcess[] = [];

beforeEach(() => {
  folder = emptyFolder();
  path = join(folder.path, "utility", "registry.json");
  registry = new Registry(path);
});
afterEach(() => {
  vi.restoreAllMocks();
  for (const child of children.splice(0)) child.kill("SIGKILL");
  folder.remove();
});

const meter = identity("meter", "M1").credential;
const sameIdOtherKey = identity("meter", "M1", "another").credential;

async function changer(): Promise<ChildProcess> {
  const child = fork(CHANGER, [path], { execArgv: [] });
  children.push(child);
  await once(child, "message");
  return child;
}

describe("a registry that several processes change", () => {
  test("loses no revocation, whatever else is noted at the same time", async () => {
    const ids = Array.from({ length: 12 }, (_, i) => `M${i}`);
    const credentials = ids.map((id) => identity("meter", id).credential);
    registry.addAll(credentials.map((credential) => ({ credential })));
    const changers = await Promise.all([changer(), changer(), changer()]);
    for (let round = 0; round < ROUNDS; round++) {
      for (const credential of credentials) registry.enrol(credential);
      const done = changers.map((child) => once(child, "message"));
      changers.forEach((child, i) => {
        const revoke = ids.filter((_, n) => n < 6 && n % 3 === i);
        const prove = ids.filter((_, n) => n >= 6 && n % 3 === i);
        child.send({ revoke, prove });
      });
      await Promise.all(done);
      const states = registry.list().map(({ id, state }) => [id, state]);
      expect(new Map(states as [string, string][])).toEqual(
        new Map(ids.map((id, n) => [id, n < 6 ? "revoked" : "proved"])),
      );
    }
    expect(readdirSync(join(folder.path, "utility"))).toEqual(["registry.json"]);
  });

  test("is changed again soon after a process was killed in the middle of a change", () => {
    registry.add(meter);
    mkdirSync(`${path}.lock`);
    const longAgoSeconds = Date.now() / 1000 - 60;
    utimesSync(`${path}.lock`, longAgoSeconds, longAgoSeconds);
    expect(registry.revoke("M1")).toBe(true);
    expect(existsSync(`${path}.lock`)).toBe(false);
  });

  test("is read while it is being changed", () => {
    registry.add(meter);
    mkdirSync(`${path}.lock`);
    expect(registry.find("M1")?.state).toBe("pending");
  });

  test("is left alone, with a sentence, where another process keeps it for long", () => {
    registry.add(meter);
    mkdirSync(`${path}.lock`);
    const inAnHourSeconds = Date.now() / 1000 + 3600;
    utimesSync(`${path}.lock`, inAnHourSeconds, inAnHourSeconds);
    vi.spyOn(performance, "now").mockReturnValueOnce(0).mockReturnValueOnce(14_000).mockReturnValue(16_000);
    expect(() => registry.revoke("M1")).toThrow(
      /^The registry .* is being changed by another process: try again, or remove .* if there is none\.$/,
    );
    expect(registry.find("M1")?.state).toBe("pending");
  });

  test("is its owner's alone to read", () => {
    registry.add(meter);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(join(folder.path, "utility")).mode & 0o777).toBe(0o700);
  });
});

describe("a meter in a registry", () => {
  test("stays revoked whoever adds it, with whichever key, until an operator enrols it", () => {
    expect(registry.add(meter, AT)).toBe("added");
    expect(registry.revoke("M1")).toBe(true);
    expect(registry.add(meter, AT)).toBe("revoked");
    expect(registry.addAll([{ credential: sameIdOtherKey, address: AT }])).toEqual(["revoked"]);
    registry.proved(meter, { address: AT });
    expect(registry.find("M1")?.state).toBe("revoked");
    expect(registry.credentials()).toEqual([]);
    expect(registry.enrol(sameIdOtherKey)).toBe("added");
    expect(registry.find("M1")).toEqual({ id: "M1", credential: sameIdOtherKey, state: "pending" });
  });

  test("is not proved by another key of the same name", () => {
    registry.add(meter);
    registry.proved(sameIdOtherKey, { address: AT });
    expect(registry.find("M1")).toEqual({ id: "M1", credential: meter, state: "pending" });
    registry.proved(meter, { address: AT });
    expect(registry.find("M1")).toMatchObject({ state: "proved", address: AT });
  });

  test("is found the next time by the way that it was reached by last; its own address stays known", () => {
    registry.add(meter);
    registry.reached("M1", { address: AT });
    expect(registry.find("M1")).toEqual({ id: "M1", credential: meter, state: "pending" });
    registry.proved(meter, { address: AT });
    registry.reached("M1", { via: "udp:192.0.2.9:5683" });
    expect(registry.find("M1")).toMatchObject({ address: AT, via: "udp:192.0.2.9:5683" });
    const version = registry.version();
    registry.reached("M1", { via: "udp:192.0.2.9:5683" });
    registry.reached("M2", { via: "udp:192.0.2.9:5683" });
    expect(registry.version()).toBe(version);
    registry.reached("M1", { address: AT });
    expect(registry.find("M1")).toEqual({ id: "M1", credential: meter, state: "proved", address: AT });
  });

  test("keeps its key and its state when it is enrolled or added again", () => {
    registry.enrol(meter);
    registry.proved(meter, { address: AT });
    expect([registry.enrol(meter), registry.add(meter)]).toEqual(["known", "known"]);
    expect([registry.enrol(sameIdOtherKey), registry.add(sameIdOtherKey)]).toEqual([
      "other-key",
      "other-key",
    ]);
    expect(registry.find("M1")).toMatchObject({ state: "proved", address: AT, credential: meter });
  });

  test("that nobody enrolled cannot be revoked", () => {
    expect(registry.revoke("M1")).toBe(false);
  });
});

describe("an issuer in a registry", () => {
  const issuer = identity("issuer", "CA").credential;
  const times = { issuedAtSeconds: 1_795_478_400, expiresAtSeconds: 1_827_014_400 };
  const { signingSecretKey } = identity("issuer", "CA");
  const issued = signCwt(opensslEngine, signingSecretKey, meter, { issuer: "CA", role: "meter", ...times });

  test("has its meters held to the start that they told of as they were first met", () => {
    registry.addIssuer(issuer);
    const epoch = (count: number) => ({ count, mark: Uint8Array.of(1, 2, 3, 4) });
    expect(registry.takes(issued, epoch(5))).toBe(true);
    registry.proved(issued, { address: AT });
    expect(registry.find("M1")).toMatchObject({ state: "proved", epoch: epoch(5) });
    expect(new Registry(path).takes(issued, epoch(4))).toBe(false);
  });

  test("is kept beside the meters, is not overwritten by another key, and goes when it is taken off", () => {
    registry.enrol(sameIdOtherKey);
    expect([registry.addIssuer(issuer), registry.addIssuer(issuer)]).toEqual(["added", "known"]);
    expect(registry.addIssuer(identity("issuer", "CA", "another").credential)).toBe("other-key");
    registry.revoke("M1");
    expect(registry.content()).toMatchObject({
      issuers: [issuer],
      enrolments: [{ id: "M1", state: "revoked" }],
    });
    expect([registry.removeIssuer("CA"), registry.removeIssuer("CA")]).toEqual([true, false]);
    expect(registry.content().issuers).toEqual([]);
  });

  test("lets in who proves what it has signed, as long as it is trusted", () => {
    registry.proved(issued, { address: AT });
    expect(registry.list()).toEqual([]);
    registry.addIssuer(issuer);
    registry.proved(issued, { address: AT });
    expect(registry.find("M1")).toEqual({ id: "M1", credential: issued, state: "proved", address: AT });
    registry.proved(sameIdOtherKey, { address: AT });
    expect(registry.find("M1")?.credential).toEqual(issued);
  });

  test("takes the meters that came by it along when it goes, by whichever key they go by then", () => {
    registry.addIssuer(issuer);
    registry.proved(issued, { address: AT });
    const next = identity("meter", "M1", "next").credential;
    registry.enrolNext(next);
    registry.takeNext("M1");
    expect(registry.credentials()).toHaveLength(1);
    registry.removeIssuer("CA");
    expect(new Registry(path).find("M1")).toMatchObject({ credential: { bytes: next.bytes }, issuer: "CA" });
    expect(registry.credentials()).toEqual([]);
    expect(registry.enrol(next)).toBe("added");
    expect(registry.credentials().map(({ bytes }) => bytes)).toEqual([next.bytes]);
  });

  test("is not needed any more for a meter that an operator enrols himself", () => {
    registry.addIssuer(issuer);
    registry.proved(issued, { address: AT });
    registry.removeIssuer("CA");
    expect(registry.credentials()).toEqual([]);
    expect([registry.enrol(meter), registry.enrol(meter)]).toEqual(["added", "known"]);
    expect(registry.find("M1")).toEqual({ id: "M1", credential: meter, state: "pending", address: AT });
    expect(registry.credentials()).toEqual([meter]);
    expect(registry.enrol(sameIdOtherKey)).toBe("other-key");
  });

  test("changes nothing of a meter that was enrolled by hand", () => {
    registry.addIssuer(issuer);
    registry.enrol(meter);
    registry.proved(issued, { address: AT });
    expect(registry.find("M1")).toEqual({ id: "M1", credential: meter, state: "proved", address: AT });
  });
});

test("a file that is no registry is said to be none, and nothing that it holds is shown", () => {
  mkdirSync(join(folder.path, "utility"));
  for (const text of ['{ "secretKey": "c0ffee', '{ "secretKey": "c0ffee" }', '"c0ffee"']) {
    writeFileSync(path, text);
    expect(() => registry.list()).toThrow(RegistryError);
    expect(() => registry.list()).not.toThrow(/c0ffee/);
  }
});

describe("what a meter tells of its starts", () => {
  const epoch = (count: number, mark = 1) => ({ count, mark: new Uint8Array(4).fill(mark) });

  test("may stay or rise, and whatever else comes is not believed and marks the meter until somebody accepts it", () => {
    registry.enrol(meter);
    expect(registry.takes(meter, epoch(3))).toBe(true);
    expect(registry.takes(meter, epoch(3))).toBe(true);
    expect(registry.takes(meter, epoch(7, 2))).toBe(true);
    expect(registry.find("M1")).toMatchObject({ epoch: epoch(7, 2) });
    for (const never of [epoch(6, 2), epoch(7, 3), undefined]) {
      expect(new Registry(path).takes(meter, never)).toBe(false);
      expect(registry.find("M1")).toMatchObject({ epoch: epoch(7, 2), isForgetful: true });
    }
    expect(registry.accept("M1")).toBe(true);
    expect(registry.find("M1")).not.toHaveProperty("isForgetful");
    expect(registry.takes(meter, epoch(1))).toBe(true);
    expect(registry.accept("M2")).toBe(false);
  });

  test("counts anew once it is enrolled anew", () => {
    registry.enrol(meter);
    registry.takes(meter, epoch(3));
    registry.revoke("M1");
    registry.enrol(meter);
    expect(registry.takes(meter, epoch(1))).toBe(true);
  });

  test("is nothing of who tells of none, is in no registry, or has another key under the same id", () => {
    registry.enrol(meter);
    const before = registry.version();
    expect(registry.takes(meter, undefined)).toBe(true);
    expect(registry.takes(identity("meter", "M9").credential, epoch(1))).toBe(true);
    expect(registry.takes({ id: "M1" }, epoch(1))).toBe(true);
    expect(registry.takes(sameIdOtherKey, epoch(1))).toBe(true);
    expect(registry.version()).toBe(before);
  });
});

describe("a meter whose key rotates", () => {
  const next = identity("meter", "M1", "next").credential;

  test("is trusted by both keys until it has taken the next one, and by that alone then, with all else kept", () => {
    registry.add(meter, AT);
    registry.proved(meter, { address: AT });
    expect(registry.enrolNext(next)).toBe(true);
    expect(new Registry(path).find("M1")).toMatchObject({
      credential: { bytes: meter.bytes },
      next: { bytes: next.bytes },
    });
    expect(registry.credentials().map(({ bytes }) => bytes)).toEqual([meter.bytes, next.bytes]);
    expect(registry.takeNext("M1")).toBe(true);
    expect(registry.find("M1")).toEqual({ id: "M1", credential: next, state: "proved", address: AT });
    expect(registry.credentials().map(({ bytes }) => bytes)).toEqual([next.bytes]);
  });

  test("is known by whoever serves it with the next key, and the rotation is complete by that", () => {
    registry.add(meter);
    registry.enrolNext(next);
    expect(registry.add(next, AT)).toBe("known");
    expect(registry.find("M1")).toMatchObject({ credential: { bytes: next.bytes }, address: AT });
    expect(registry.find("M1")?.next).toBeUndefined();
    expect(registry.add(meter)).toBe("other-key");
  });

  test("that is revoked, or was never enrolled, has no next key", () => {
    expect([registry.enrolNext(next), registry.takeNext("M1")]).toEqual([false, false]);
    registry.add(meter);
    registry.enrolNext(next);
    registry.revoke("M1");
    expect([registry.enrolNext(next), registry.takeNext("M1")]).toEqual([false, false]);
    expect(registry.credentials()).toEqual([]);
  });
});
