// Somebody at the serial line of a board that waits at its recovery console, where nothing is protected but the image.
import { describe, expect, test } from "vitest";
import { fromText } from "../../firmware/protocol/bytes.ts";
import { encodeMessage } from "../../firmware/protocol/coap/codec.ts";
import {
  CODE,
  type CoapContent,
  codeText,
  OPTION,
  resourceRequest,
  withOptions,
} from "../../firmware/protocol/coap/message.ts";
import { encodeImagePart, encodeInstallOrder } from "../../firmware/protocol/readings/update-part.ts";
import type { UpdateRefusal } from "../../firmware/update/refusals.ts";
import { integerBelow, SeededRandom } from "../../hal/emulated/seeded-random.ts";
import { encodeSlip } from "../../hal/framing/slip.ts";
import { encodeCoapFrame } from "../../hal/framing/slipmux.ts";
import { settle } from "../../host-tools/world/single-line.ts";
import { boardWith, partsOf } from "../firmware/update/board.ts";
import { author, filesOf, imageOf } from "../firmware/update/images.ts";
import { flashImage, recoveryLine } from "../support/recovery-line.ts";

/** What a request is answered; undefined for silence. */
async function ask(content: CoapContent): Promise<string> {
  const { clock, flasher } = recoveryLine();
  const answer = await settle(clock, flasher().asker.ask(content, 5000));
  return typeof answer === "string" ? answer : codeText(answer.code);
}

describe("a recovery console", () => {
  test("has no other door: every path of a meter is 4.04, and so is EDHOC", async () => {
    for (const path of ["r", "p", "e", "c", "t", "s", "g", "l", "i", "x", "k", "d"])
      for (const code of [CODE.get, CODE.fetch, CODE.put, CODE.post, CODE.delete])
        expect(await ask(resourceRequest(code, path, Uint8Array.of(0)))).toBe("4.04");
    expect(await ask(resourceRequest(CODE.delete, "u"))).toBe("4.05");
  });

  test("tells its one link, refuses to be a proxy, and does not know OSCORE", async () => {
    const links = resourceRequest(CODE.get, ".well-known");
    const core = withOptions(links, { number: OPTION.uriPath, value: fromText("core") });
    const { clock, flasher } = recoveryLine();
    const answer = await settle(clock, flasher().asker.ask(core, 5000));
    expect(typeof answer === "string" ? answer : new TextDecoder().decode(answer.payload)).toBe("</u>");
    const get = resourceRequest(CODE.get, "u");
    expect(await ask(withOptions(get, { number: OPTION.proxyUri, value: Uint8Array.of(65) }))).toBe("5.05");
    expect(await ask(withOptions(get, { number: OPTION.oscore, value: Uint8Array.of(9, 0, 1) }))).toBe(
      "4.02",
    );
  });

  test("takes no body beyond one part, and keeps nothing of it", async () => {
    expect(await ask(resourceRequest(CODE.put, "u", new Uint8Array(20_000)))).toBe("4.13");
  });

  test("answers what is no part and no order with 4.00", async () => {
    expect(await ask(resourceRequest(CODE.put, "u", encodeInstallOrder(new Uint8Array(32))))).toBe("4.00");
    expect(await ask(resourceRequest(CODE.post, "u", new Uint8Array(40)))).toBe("4.00");
  });

  test.each<[string, Uint8Array, UpdateRefusal]>([
    ["of another author", imageOf(8, { author: author("mallory") }), "signature"],
    ["of another class of boards", imageOf(8, { manifest: { board: "other-board" } }), "board"],
    ["older than what was confirmed", imageOf(6), "rollback"],
    ["as old as what was confirmed and another", imageOf(7, { files: filesOf(9) }), "rollback"],
  ])("takes no image %s, and writes none of it", async (_, bytes, refusal) => {
    const line = recoveryLine({ tree: boardWith(7) });
    const { operations } = line.board.tree;
    const { target } = line.flasher();
    await expect(
      settle(
        line.clock,
        target.upload(flashImage(bytes), () => {}),
      ),
    ).rejects.toMatchObject({
      refusal,
    });
    expect(line.board.tree.operations).toBe(operations);
    expect(line.report()).toMatchObject({ current: "a", floor: 7 });
  });

  test("is not made to start anything by parts and orders in any order (seed 5)", () => {
    const line = recoveryLine({ tree: boardWith(7) });
    const random = new SeededRandom(5);
    const image = imageOf(8);
    const contents = [
      ...partsOf(image, 500).map((part) => resourceRequest(CODE.put, "u", encodeImagePart(part))),
      ...[image, imageOf(6)].map((one) => {
        const { digest } = flashImage(one);
        return resourceRequest(CODE.post, "u", encodeInstallOrder(digest));
      }),
      resourceRequest(CODE.get, "u"),
    ].filter(({ code }, i) => code !== CODE.put || i > 0);
    for (let messageId = 0; messageId < 300; messageId++) {
      const content = contents[integerBelow(random, contents.length)] as CoapContent;
      const message = encodeMessage({ type: "CON", messageId, token: Uint8Array.of(1), ...content });
      line.uart.write(encodeSlip(encodeCoapFrame(message)));
      // And what a bad line makes of it.
      line.uart.write(random.bytes(integerBelow(random, 40)));
      line.clock.advanceBy(200);
    }
    line.clock.advanceBy(10_000);
    expect(line.board.restarts).toBe(0);
    expect(line.report()).toMatchObject({ current: "a", floor: 7 });
    expect(line.report().trial).toBeUndefined();
  });
});
