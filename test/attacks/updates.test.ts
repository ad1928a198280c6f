// Somebody who wants another program on a meter's board, an older one, none, or its flash worn out.
import { describe, expect, test } from "vitest";
import { OWNER, READER } from "../../firmware/identity/trust.ts";
import { encodeMessage } from "../../firmware/protocol/coap/codec.ts";
import { CODE, codeText, resourceRequest } from "../../firmware/protocol/coap/message.ts";
import { unprotectGroupAnswer } from "../../firmware/protocol/group/protect.ts";
import { encodeImagePart, encodeInstallOrder } from "../../firmware/protocol/readings/update-part.ts";
import { updateResource } from "../../firmware/resources/update.ts";
import type { UpdateRefusal } from "../../firmware/update/refusals.ts";
import type { ImagePart, SlotsReport } from "../../firmware/update/slots-report.ts";
import { SeededRandom } from "../../hal/emulated/seeded-random.ts";
import { opensslEngine } from "../../hal/node/openssl.ts";
import type { MemoryFileTree } from "../../hal/storage/memory-file-tree.ts";
import { settle } from "../../host-tools/world/single-line.ts";
import { boardWith, copyOf, mustInstall, partsOf, slotsOn } from "../firmware/update/board.ts";
import { author, filesOf, type ImageOptions, imageOf as smallImageOf } from "../firmware/update/images.ts";
import { defined, type GroupMeter, groupOf } from "../support/group-line.ts";
import { attackedMeter, type Between } from "./attacked-meter.ts";
import { asNew, messageOf } from "./village.ts";

/** Of several parts. */
function imageOf(sequence: number, options: ImageOptions = {}): Uint8Array {
  const native = new SeededRandom(`native ${sequence}`).bytes(2000);
  const files = { ...filesOf(sequence), "prebuilds/linux-arm64/node.napi.glibc.node": native };
  return smallImageOf(sequence, { files, ...options });
}

const NEXT = imageOf(8);
/** The first of them has the whole manifest. */
const PARTS = cut(NEXT);
const DIGEST = opensslEngine.sha256(NEXT);

function cut(image: Uint8Array): readonly [ImagePart, ImagePart, ...ImagePart[]] {
  const [one, two, ...more] = partsOf(image, 600);
  return [defined(one), defined(two), ...more];
}

function firstPart(image: Uint8Array): ImagePart {
  const head = { digest: opensslEngine.sha256(image), imageBytes: image.length, offset: 0 };
  return { ...head, bytes: image.slice(0, 600) };
}

interface Options {
  readonly rights?: typeof OWNER;
  readonly between?: Between;
  readonly tree?: MemoryFileTree;
}

/** A meter on a board that runs image 7, and a head-end that may give it others. */
function updated({ rights = OWNER, between, tree = boardWith(7) }: Options = {}) {
  const slots = slotsOn(tree);
  const taken: ImagePart[] = [];
  const installs: Uint8Array[] = [];
  let restarts = 0;
  const meter = attackedMeter({
    ...(between && { between }),
    rights,
    updates: {
      slots: {
        report: () => slots.report(),
        judge: (first) => slots.judge(first),
        take(part) {
          taken.push(part);
          return slots.take(part);
        },
        install(digest) {
          installs.push(digest);
          return slots.install(digest);
        },
      },
      restart: () => void restarts++,
    },
  });
  const { clock, headEnd, target } = meter;
  const put = async (part: ImagePart) => (await settle(clock, headEnd.sendImagePart(target, part))).body;
  return {
    ...meter,
    tree,
    taken,
    installs,
    put,
    install: async (digest = DIGEST) => (await settle(clock, headEnd.installImage(target, digest))).body,
    async bring(parts: readonly ImagePart[] = PARTS) {
      for (const part of parts)
        expect(await put(part)).toEqual({ received: part.offset + part.bytes.length });
    },
    report: () => slots.report(),
    restarts: () => restarts,
  };
}

/** What the board has is image 7 alone, whatever came. */
function expectUntouched({ slots, trial, floor }: SlotsReport): void {
  expect({ slots: Object.keys(slots), trial, floor }).toEqual({ slots: ["a"], trial: undefined, floor: 7 });
}

describe("an image", () => {
  test("that its author has signed goes onto the board part by part, and the meter ends for it to be started", async () => {
    const { bring, install, report, restarts, clock, logged } = updated();
    await bring();
    expect(await install()).toEqual({ slot: "b", sequence: 8, armed: true });
    expect(restarts()).toBe(0);
    clock.advanceBy(2000);
    expect(restarts()).toBe(1);
    expect(report()).toMatchObject({ current: "a", trial: { slot: "b", left: 3 } });
    expect(logged()).toContain("firmware-ready");
  });

  test.each<[string, Uint8Array, UpdateRefusal]>([
    ["of another author", imageOf(8, { author: author("mallory") }), "signature"],
    ["of another class of boards", imageOf(8, { manifest: { board: "other-board" } }), "board"],
    ["of another processor", imageOf(8, { manifest: { arch: "x64" } }), "arch"],
    ["of another libc", imageOf(8, { manifest: { libc: "musl" } }), "libc"],
    ["older than what runs", imageOf(6), "rollback"],
    ["as old as what runs and another", imageOf(7, { files: filesOf(9) }), "rollback"],
    ["whose manifest is cut", NEXT.slice(0, 100), "malformed"],
    ["that is a program and no image", new SeededRandom("program").bytes(900), "malformed"],
  ])("%s is refused by its first part, of which nothing is written", async (_, image, refusal) => {
    const tree = boardWith(7);
    const { put, taken, report } = updated({ tree });
    const before = tree.operations;
    expect(await put(firstPart(image))).toMatchObject({ refusal });
    expect(taken).toEqual([]);
    expect(tree.operations).toBe(before);
    expectUntouched(report());
  });

  test("that is said to be longer or shorter than it is, is refused by its first part", async () => {
    const { put, taken } = updated();
    for (const imageBytes of [NEXT.length + 1, NEXT.length - 1, 4_194_304])
      expect(await put({ ...PARTS[0], imageBytes })).toMatchObject({ refusal: "malformed" });
    expect(taken).toEqual([]);
  });

  test("with one byte of it changed is found out when it is to be installed, and has to come again", async () => {
    const { bring, put, install, report, restarts, clock, logged } = updated();
    const changed = Uint8Array.from(NEXT, (byte, i) => (i === NEXT.length - 1 ? byte ^ 1 : byte));
    await bring(cut(changed));
    const digest = opensslEngine.sha256(changed);
    expect(await install(digest)).toMatchObject({ refusal: "payload" });
    await bring();
    expect(await put({ ...PARTS[1], bytes: new Uint8Array(600) })).toMatchObject({ refusal: "gap" });
    expectUntouched(report());
    clock.advanceBy(10_000);
    expect(restarts()).toBe(0);
    expect(logged()).toContain("firmware-verification-failed");
  });

  test("of which a part is missing, or that never came, is not installed by any word", async () => {
    const { bring, install, report } = updated();
    expect(await install()).toMatchObject({ refusal: "gap", received: 0 });
    await bring(PARTS.slice(0, -1));
    const received = PARTS.slice(0, -1).reduce((sum, { bytes }) => sum + bytes.length, 0);
    expect(await install()).toMatchObject({ refusal: "gap", received });
    expect(await install(new Uint8Array(32))).toMatchObject({ refusal: "gap", received: 0 });
    expectUntouched(report());
  });
});

describe("parts", () => {
  test("out of order, twice, or of another image in the middle change nothing, and the upload goes on where it was", async () => {
    const { put, bring, install } = updated();
    const [first, second, ...more] = PARTS;
    const other = cut(imageOf(9));
    expect(await put(second)).toMatchObject({ refusal: "gap", received: 0 });
    await bring([first]);
    for (const wrong of [first, ...more])
      expect(await put(wrong)).toMatchObject({ refusal: "gap", received: 600 });
    expect(await put(other[1])).toMatchObject({ refusal: "gap", received: 0 });
    await bring([second, ...more]);
    expect(await install()).toMatchObject({ sequence: 8 });
  });

  test("that were recorded and are played again reach nothing: at once, later, or in the next upload", async () => {
    const meter = updated();
    await meter.bring();
    const recorded = meter.requests.slice();
    const { length } = meter.taken;
    const replay = (): void => {
      for (const bytes of recorded) meter.inject(asNew(bytes));
    };
    replay();
    meter.clock.advanceBy(60_000);
    await meter.bring(cut(imageOf(9)).slice(0, 1));
    replay();
    expect(meter.taken.length).toBe(length + 1);
    expect(meter.report().incoming).toMatchObject({ received: 600 });
  });

  test("held back for more than ten seconds are never taken", async () => {
    let commands = 0;
    const { put, taken, clock } = updated({
      between: (bytes, towards) =>
        towards === "meter" && bytes.length > 500 && ++commands > 1 ? [{ bytes, lateMs: 11_000 }] : [bytes],
    });
    await expect(put(PARTS[0])).rejects.toMatchObject({ kind: "timeout" });
    clock.advanceBy(60_000);
    expect(taken).toEqual([]);
  });
});

describe("whoever has no right to it", () => {
  test("as a head-end that may only read gets 4.03 for parts and orders, and sees the slots", async () => {
    const { put, install, taken, installs, logged, headEnd, target, clock } = updated({ rights: READER });
    for (const work of [() => put(PARTS[0]), () => install()])
      await expect(work()).rejects.toMatchObject({
        ...{ kind: "identity", message: expect.stringContaining("4.03 (this takes the right update)") },
      });
    expect([taken, installs]).toEqual([[], []]);
    expect(logged()).toContain("access-refused");
    expect((await settle(clock, headEnd.readSlots(target))).body).toMatchObject({ current: "a", floor: 7 });
  });

  test("as a stranger gets a bare 4.01, whatever method and body he takes", async () => {
    const meter = updated();
    await meter.bring(PARTS.slice(0, 1));
    const bodies = [encodeImagePart(PARTS[1]), encodeInstallOrder(DIGEST)];
    for (const code of [CODE.get, CODE.put, CODE.post, CODE.delete, CODE.fetch])
      for (const body of bodies) {
        const request = resourceRequest(code, "u", body);
        const header = { type: "CON", messageId: 7 + code, token: Uint8Array.of(code) } as const;
        const [answer, ...more] = meter.inject(encodeMessage({ ...header, ...request })).map(messageOf);
        expect([codeText(answer?.code ?? 0), answer?.payload.length, more.length]).toEqual(["4.01", 0, 0]);
      }
    expect(meter.taken).toHaveLength(1);
    expect(meter.installs).toEqual([]);
  });

  test("as a group's head-end that asks all at once gets a 4.03 from each, and no board hears of it", () => {
    const { headEnd, meters, pairs } = groupOf(["M1", "M2"]);
    for (const content of [
      resourceRequest(CODE.put, "u", encodeImagePart(PARTS[0])),
      resourceRequest(CODE.post, "u", encodeInstallOrder(DIGEST)),
      resourceRequest(CODE.get, "u"),
    ]) {
      const asked = headEnd.forAll(content);
      for (const [i, meter] of meters.entries()) {
        const [answer] = meter.receive(asked.content);
        expect(answer && unprotectGroupAnswer(defined(pairs[i]), asked.binding, answer)?.code).toBe(
          CODE.forbidden,
        );
      }
    }
    expect(meters.flatMap(({ served }: GroupMeter) => served)).toEqual([]);
  });
});

describe("a flood", () => {
  test("of uploads that are begun and begun again writes eight of them, and then one each half hour", () => {
    const tree = boardWith(7);
    const world = { nowMs: 0 };
    const u = updateResource({
      ...{ slots: slotsOn(tree), monotonicMs: () => world.nowMs, onInstalled: () => {} },
    });
    const put = (part: ImagePart, peer: { id: string }): string => {
      const answer = u.get(CODE.put)?.answer(encodeImagePart(part), { peer, rights: OWNER });
      return codeText(answer?.code ?? 0);
    };
    const firsts = [8, 9].map((sequence) => cut(imageOf(sequence))[0]);
    const before = tree.operations;
    const mallory = { id: "mallory" };
    for (let second = 0; second < 6 * 3600; second += 60) {
      world.nowMs = second * 1000;
      for (const first of firsts) put(first, mallory);
    }
    // Six operations for each upload that was begun.
    expect(tree.operations - before).toBeLessThanOrEqual(6 * (8 + 12));
    expect(tree.operations - before).toBeGreaterThan(6 * 8);
  });

  test("of two head-ends that each want their image first ends with one of them through", () => {
    const world = { nowMs: 0 };
    const slots = slotsOn(copyOf(boardWith(7)));
    const u = updateResource({ slots, monotonicMs: () => world.nowMs, onInstalled: () => {} });
    const senders = [8, 9].map((sequence) => ({
      peer: { id: `H${sequence}` },
      parts: cut(imageOf(sequence)),
      at: 0,
    }));
    for (let turn = 0; turn < 40; turn++)
      for (const sender of senders) {
        const part = sender.parts[sender.at];
        if (part === undefined) continue;
        const answer = u.get(CODE.put)?.answer(encodeImagePart(part), { peer: sender.peer, rights: OWNER });
        sender.at = answer?.code === CODE.changed ? sender.at + 1 : 0;
        world.nowMs += 1000;
      }
    const [one] = senders;
    expect(one?.at).toBe(one?.parts.length);
    expect(mustInstall(slots.install(DIGEST)).sequence).toBe(8);
  });
});
