// What a user signs and checks: a meter's credential by its issuer, and statements by the meter.
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { emptyFolder, meterbench, startMeterbench, stopAll } from "../../support/command.ts";
import { freePort } from "../../support/free-port.ts";

let folder: ReturnType<typeof emptyFolder>;
let cwd: string;
let at: string;

const run = (...args: string[]) => meterbench(args, { cwd });

/** A meter that its issuer vouches for serves with a storage, and a head-end trusts that issuer. */
beforeAll(async () => {
  folder = emptyFolder();
  cwd = folder.path;
  at = `udp:127.0.0.1:${await freePort()}`;
  const parties = [
    ["meter", "M1"],
    ["head-end", "H"],
    ["issuer", "CA"],
  ] as const;
  await Promise.all(
    parties.map(async ([role, id]) => {
      await run("keys", "new", role, "--id", id, "--out", `${id}.key.json`);
      writeFileSync(
        join(cwd, `${id}.credential.json`),
        (await run("keys", "credential", `${id}.key.json`)).stdout,
      );
    }),
  );
  const signed = await run(
    "keys",
    "sign",
    "M1.credential.json",
    "--issuer",
    "CA.key.json",
    "--out",
    "M1.cwt.json",
  );
  expect(signed).toMatchObject({ code: 0, stderr: "" });
  const keys = ["--keys", "M1.key.json", "--cwt", "M1.cwt.json", "--trust", "H.credential.json"];
  await startMeterbench(["serve", "--at", at, "--load", "watts:1000", "--state", "state", ...keys], { cwd });
  await run("enrol", "--issuer", "CA.credential.json");
}, 30_000);
afterAll(async () => {
  await stopAll();
  folder.remove();
});

describe("a meter that an issuer has signed for", () => {
  test("is read without an enrolment of its own, and listed with its issuer", async () => {
    const read = await run("read", at, "--meter", "M1", "--keys", "H.key.json", "--json");
    expect(read).toMatchObject({ code: 0, stderr: "" });
    expect(JSON.parse(read.stdout)).toMatchObject({ meter: "M1" });
    const { meters, issuers } = JSON.parse((await run("enrol", "list", "--json")).stdout);
    expect(meters).toMatchObject([{ id: "M1", state: "proved", issuer: "CA", address: at }]);
    expect(issuers).toMatchObject([{ id: "CA" }]);
  });

  test("takes no head-end for a meter or an issuer, and nothing in the place of a file that is there", async () => {
    const sign = (of: string, by: string) =>
      run("keys", "sign", `${of}.credential.json`, "--issuer", `${by}.key.json`, "--out", "M1.cwt.json");
    const ends = await Promise.all([
      ...[sign("M1", "CA"), sign("M1", "H"), sign("H", "CA")],
      ...[run("enrol", "--issuer", "H.credential.json"), run("enrol", "revoke-issuer", "X")],
    ]);
    for (const end of ends) {
      expect(end).toMatchObject({ code: 2, stdout: "" });
      expect(end.stderr).toMatch(/^[A-Z][^\n]*\.\n$/);
    }
  });
});

describe("a meter's statement", () => {
  const ask = (...args: string[]) => run("statement", at, ...args, "--keys", "H.key.json");

  test("is a file that is checked without the meter, and is never replaced", async () => {
    const asked = await ask("1.8.0", "32.7.0", "--out", "one.cose", "--json");
    expect(asked).toMatchObject({ code: 0, stderr: "" });
    expect(JSON.parse(asked.stdout)).toMatchObject({ meter: "M1", sequence: 1, file: "one.cose" });
    expect(await ask("--out", "one.cose")).toMatchObject({ code: 2, stdout: "" });
    expect((await ask("--out", "two.cose")).code).toBe(0);
    const verified = await run("verify", "one.cose", "two.cose", "--json");
    expect(verified).toMatchObject({ code: 0, stderr: "" });
    const { statements, chains } = JSON.parse(verified.stdout);
    expect(statements).toMatchObject([
      {
        file: "one.cose",
        holds: true,
        signer: "trusted",
        sequence: 1,
        registers: [{ unit: "Wh" }, { unit: "V" }],
      },
      { file: "two.cose", holds: true, sequence: 2 },
    ]);
    expect(chains).toEqual([{ meter: "M1", gaps: [] }]);
    expect(statSync(join(cwd, "one.cose")).size).toBeLessThan(300);
  });

  test("of a month that is not kept is refused, and leaves no file", async () => {
    const finished = await ask("--month", "2020-01", "--out", "none.cose");
    expect(finished).toMatchObject({ code: 2, stdout: "" });
    expect(finished.stderr).toContain("the end of that month is not kept here");
    expect(existsSync(join(cwd, "none.cose"))).toBe(false);
  });

  test("that was altered, is another's, or is none ends with exit 1 and one sentence", async () => {
    const bytes = readFileSync(join(cwd, "one.cose"));
    const altered = Uint8Array.from(bytes);
    altered[40] = (altered[40] as number) ^ 1;
    writeFileSync(join(cwd, "altered.cose"), altered);
    writeFileSync(join(cwd, "huge.cose"), new Uint8Array(20_000));
    await run("keys", "new", "meter", "--id", "M1", "--out", "other.key.json");
    writeFileSync(
      join(cwd, "other.credential.json"),
      (await run("keys", "credential", "other.key.json")).stdout,
    );
    const ends = await Promise.all([
      ...["altered", "huge"].map((name) => run("verify", "two.cose", `${name}.cose`)),
      run("verify", "one.cose", "--credential", "other.credential.json"),
    ]);
    for (const end of ends) {
      expect(end).toMatchObject({ code: 1, stdout: "" });
      expect(end.stderr).toMatch(/^\S+\.cose [^\n]*\.\n$/);
    }
  });

  test("still holds once its meter is revoked, and says so", async () => {
    await run("enrol", "revoke", "M1");
    const { code, stdout } = await run("verify", "two.cose");
    expect(code).toBe(0);
    expect(stdout).toContain("two.cose holds: signed by M1; the meter is revoked now");
  });
});
