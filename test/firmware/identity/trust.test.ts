import { describe, expect, test } from "vitest";
import { grantedTrust, OWNER, READER, TrustList } from "../../../firmware/identity/trust.ts";
import { identity } from "../../support/secured-line.ts";

const { credential: utility } = identity("head-end", "utility");
const { credential: lab } = identity("head-end", "lab");

describe("a trust list", () => {
  test("that is replaced gives those who stay the rights of the new list, as the ones that they were", () => {
    const list = new TrustList([utility, lab], { utility: OWNER });
    list.replace([{ ...utility }], { utility: READER });
    expect(list.credentials).toEqual([utility]);
    expect(list.has(utility)).toBe(true);
    expect(list.rightsOf(utility)).toBe(READER);
  });

  test("knows nobody any more who was taken out, by id or by a new list", () => {
    const list = new TrustList([utility, lab], { utility: OWNER });
    expect(list.revoke("utility")).toBe(true);
    expect([list.has(utility), list.candidates(utility.idCred)]).toEqual([false, []]);
    list.replace([]);
    expect(list.has(lab)).toBe(false);
  });

  test("lets a guest prove himself and read until he has to go, and has him on no list that is shown or kept", () => {
    const list = new TrustList([utility], { lab: OWNER });
    const end = list.admit(lab);
    expect([list.has(lab), list.isGuest(lab), list.candidates(lab.idCred)]).toEqual([true, true, [lab]]);
    expect(list.rightsOf(lab)).toBe(READER);
    list.replace([utility]);
    expect([list.has(lab), list.credentials]).toEqual([true, [utility]]);
    end();
    expect([list.has(lab), list.isGuest(lab), list.candidates(lab.idCred)]).toEqual([false, false, []]);
  });

  test("has nobody to take out under an id that it does not know", () => {
    expect(new TrustList([lab]).revoke("utility")).toBe(false);
  });
});

describe("grants", () => {
  test("of one head-end add up, in whichever order they stand, and no other head-end has any of them", () => {
    for (const grants of [
      ["utility=update", "utility=relay"],
      ["utility=relay", "utility=update"],
      ["utility=relay,update"],
    ]) {
      const list = grantedTrust([utility, lab], grants);
      if ("error" in list) throw new Error(list.error);
      expect(new Set(list.rightsOf(utility))).toEqual(new Set(["read", "update", "relay"]));
      expect(list.rightsOf(lab)).toBe(READER);
    }
  });

  test.each([
    [["X=clock"], "no --trust file is of that head-end"],
    [["utility=all"], "There is no right all"],
    [["utility="], "Rights are given as"],
  ])("%j are none", (grants, error) => {
    expect(grantedTrust([utility], grants)).toMatchObject({ error: expect.stringContaining(error) });
  });
});
