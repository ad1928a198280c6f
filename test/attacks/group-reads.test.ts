// Whoever stands between a head-end and a group, and members that are not what they should be.
import { afterEach, describe, expect, test } from "vitest";
import { bareAnswer, CODE, type CoapMessage } from "../../firmware/protocol/coap/message.ts";
import { deriveGroup, type GroupPair, pairWith } from "../../firmware/protocol/group/context.ts";
import { groupCredential } from "../../firmware/protocol/group/credential.ts";
import { protectGroupAnswer, unprotectGroupRequest } from "../../firmware/protocol/group/protect.ts";
import { ReplayWindow } from "../../firmware/protocol/oscore/replay-window.ts";
import { opensslEngine } from "../../hal/node/openssl.ts";
import { HEAD_END_SENDER_ID } from "../../host-tools/head-end/groups/group.ts";
import { type BlockOptions, block } from "../host-tools/head-end/groups/block.ts";
import { identity } from "../support/secured-line.ts";

const worlds: ReturnType<typeof block>[] = [];
const ALL = { M1: "answered", M2: "answered", M3: "answered" };

afterEach(() => {
  for (const world of worlds.splice(0)) world.close();
});

/** A group of three that have all joined. */
async function joined(options: Partial<BlockOptions> = {}) {
  const world = block({ meters: 3, ...options });
  worlds.push(world);
  await world.create("M1", "M2", "M3");
  return world;
}

function unproved(answer: CoapMessage, code: number): CoapMessage {
  return { ...answer, ...bareAnswer(code) };
}

describe("an answer of one member", () => {
  test("under another's kid is nobody's, and that one is asked by itself", async () => {
    const { read, dap } = await joined();
    const answers = new Map<string, CoapMessage>();
    dap.options.between = (answer, meter) => {
      const first = answers.get("M1");
      if (!answers.has(meter)) answers.set(meter, answer);
      // M2's OSCORE option, which has its kid, over what M1 has sealed.
      return meter === "M2" && first !== undefined && dap.requests.at(-1)?.host === "B7"
        ? [{ ...first, options: answer.options }]
        : [answer];
    };
    const { outcomes } = await read();
    expect(outcomes).toEqual({ ...ALL, M2: "late" });
  });

  test("to an earlier request is not taken for one to this, nor is one that a group of the same meters gave", async () => {
    const { read, dap, program, manage } = await joined();
    const recorded: CoapMessage[] = [];
    dap.options.between = (answer) => {
      recorded.push(answer);
      return [answer];
    };
    await read();
    dap.options.groups = { B7: ["M1", "M2", "M3"], B8: ["M1", "M2", "M3"] };
    await manage((manager) => manager.create({ name: "B8", rule: "configuration" }, ["M1", "M2", "M3"]));
    await read({ name: "B8" });
    expect(recorded.length).toBeGreaterThan(6);
    dap.options.between = (answer) => [...recorded, answer].map((one) => ({ ...one, token: answer.token }));
    const before = program.asks.traffic.responseBytes;
    const { outcomes, reports } = await read();
    expect(outcomes).toEqual(ALL);
    expect(reports).toHaveLength(3);
    // Three answers of some 34 bytes, of all that came.
    expect(program.asks.traffic.responseBytes - before).toBeLessThan(110);
  });

  test("counts once, however often it comes", async () => {
    const { read, dap } = await joined();
    dap.options.between = (answer) => Array.from({ length: 20 }, () => answer);
    const { reports } = await read();
    expect(reports.map(({ meter }) => meter).sort()).toEqual(["M1", "M2", "M3"]);
  });

  test("is forged by no other member, though it knows all that members have in common", async () => {
    const { read, dap, groups, program } = await joined();
    const { epoch, members = [] } = groups.find("B7") ?? expect.fail();
    const forged: CoapMessage[] = [];
    const headEnd = groupCredential(opensslEngine, identity("head-end", "H").credential) ?? expect.fail();
    const senderId = (id: string) => members.find((member) => member.id === id)?.senderId ?? expect.fail();
    /** What M3 computes of a group where it goes by this name. */
    const asMember = (id: string): GroupPair => {
      const credential = groupCredential(opensslEngine, identity("meter", id).credential) ?? expect.fail();
      const context = deriveGroup(opensslEngine, {
        ...{ ...epoch, manager: headEnd, own: { id: senderId(id), credential } },
        signingSecretKey: identity("meter", "M3").signingSecretKey,
      });
      return pairWith(context, { id: HEAD_END_SENDER_ID, credential: headEnd }) ?? expect.fail();
    };
    dap.options.between = (answer, meter) => {
      if (meter !== "M3") return [];
      const request = dap.given.findLast((given) => given.meter === "M3")?.message ?? expect.fail();
      const opened = unprotectGroupRequest(asMember("M3"), new ReplayWindow(), request);
      if ("refused" in opened) return expect.fail(opened.refused);
      const lie = protectGroupAnswer(asMember("M1"), opened.binding, bareAnswer(CODE.content, "0"));
      forged.push({ ...answer, ...lie });
      return [...forged, answer];
    };
    const { outcomes } = await read();
    expect(forged).toHaveLength(1);
    expect(outcomes).toEqual({ M1: "missing", M2: "missing", M3: "answered" });
    expect(program.asks.traffic.responseBytes).toBeGreaterThan(0);
  });
});

describe("whoever fans out", () => {
  test.each([CODE.unauthorized, CODE.notFound, CODE.gatewayTimeout, CODE.content])(
    "says %i in the members' names, and is not believed where genuine answers come",
    async (code) => {
      const { read, dap } = await joined();
      dap.options.between = (answer) => [unproved(answer, code), answer, unproved(answer, code)];
      expect((await read()).outcomes).toEqual(ALL);
    },
  );

  test("that leaves a member out makes it missing, and nothing that is shown of it is a value", async () => {
    const { read, dap } = await joined();
    dap.options.between = (answer, meter) => (meter === "M2" ? [] : [answer]);
    const { reports } = await read();
    const absent = reports.find(({ meter }) => meter === "M2");
    expect(absent).toEqual({ meter: "M2", outcome: "missing", why: expect.any(String) });
  });
});
