// Faults that other implementations had or have, each as the behaviour that keeps it out. Those that
// belong to one part (replay window, nonces, option, message_3, methods) are tested with that part.
import { describe, expect, test } from "vitest";
import { concat, fromText, toHex } from "../../../firmware/protocol/bytes.ts";
import { encodeCbor } from "../../../firmware/protocol/cbor.ts";
import { CODE, FORMAT, findOption, OPTION, withOptions } from "../../../firmware/protocol/coap/message.ts";
import { decodeMessage1 } from "../../../firmware/protocol/edhoc/messages.ts";
import { MemorySequence } from "../../../firmware/protocol/oscore/sender-sequence.ts";
import type { PresetContext } from "../../../firmware/protocol/sessions.ts";
import {
  asNew,
  BODY,
  HEAD_END,
  isMessage1,
  isMessage2,
  isMessage3,
  messageOf,
  rewritten,
  Village,
} from "../../attacks/village.ts";

const EMPTY = new Uint8Array(0);

/** A village whose ends have one context from beforehand. */
function presetVillage(headEndNumbers = new MemorySequence()): Village {
  const meterNumbers = new MemorySequence();
  const preset = (sender: number, recipient: number, sequence: PresetContext["sequence"]): PresetContext => ({
    peer: { id: "preset" },
    parameters: {
      masterSecret: new Uint8Array(16).fill(3),
      senderId: Uint8Array.of(sender),
      recipientId: Uint8Array.of(recipient),
    },
    sequence,
  });
  return new Village({
    headEndPreset: preset(1, 2, headEndNumbers),
    meterPreset: () => preset(2, 1, meterNumbers),
  });
}

describe("a head-end that was killed (eclipse-leshan/leshan#1257, obgm/libcoap#1863)", () => {
  test("reads again by a new handshake, and is not turned away over and over", () => {
    const village = new Village();
    village.ask();
    village.restartHeadEnd();
    const before = village.sent.length;
    expect(village.ask()).toMatchObject({ kind: "answer" });
    expect(village.sent.length - before).toBe(4);
    expect(village.refusals()).toEqual([]);
  });

  test("any number of times is served each time (lake-rs/lakers#82)", () => {
    const village = new Village();
    for (let start = 0; start < 60; start++) {
      expect(village.ask()).toMatchObject({ kind: "answer" });
      village.restartHeadEnd();
    }
    expect(village.sessions()).toBe(60);
  });
});

describe("Echo (eriptic/uoscore-uedhoc#42)", () => {
  test("is not asked for of a context that EDHOC has just made", () => {
    const village = new Village();
    village.ask();
    expect(village.sent.map(({ from }) => from)).toEqual([HEAD_END, "M1", HEAD_END, "M1"]);
  });

  test("is asked for of one that outlived a restart, once", () => {
    const village = presetVillage();
    village.ask();
    village.meter().restart();
    const before = village.sent.length;
    village.ask();
    village.ask();
    expect(village.sent.length - before).toBe(4 + 2);
  });

  test.each([0, 1, 4, 8])("works with a token of %i bytes (obgm/libcoap#1675)", (length) => {
    const village = presetVillage();
    const token = new Uint8Array(length).fill(9);
    const ours = new Map<number, Uint8Array>();
    // Somebody in between has longer tokens of his own, and gives the head-end its own back.
    village.between = (packet) => {
      const message = messageOf(packet.bytes);
      if (packet.from === HEAD_END) ours.set(message.messageId, message.token);
      const given = packet.from === HEAD_END ? token : (ours.get(message.messageId) ?? EMPTY);
      return [{ ...packet, bytes: rewritten(packet.bytes, { token: given }) }];
    };
    expect(village.ask()).toMatchObject({ kind: "answer", content: { payload: BODY } });
    expect(village.meter().served).toHaveLength(1);
  });
});

describe("what a proxy may leave out or change", () => {
  test("a protected FETCH without a Content-Format outside is served (obgm/libcoap#1936, openthread/openthread#13570)", () => {
    const village = new Village();
    village.ask();
    village.between = (packet) => {
      if (packet.from !== HEAD_END) return [packet];
      const { options } = messageOf(packet.bytes);
      expect(options.some(({ number }) => number === OPTION.contentFormat)).toBe(false);
      return [{ ...packet, bytes: rewritten(packet.bytes, { code: CODE.fetch }) }];
    };
    expect(village.ask()).toMatchObject({ kind: "answer" });
  });

  test.each(["[::1]", "::1", "[fe80::1%eth0]", "127.0.0.1"])(
    "a protected request to a host that is called %s is served (chrysn/aiocoap#216, obgm/libcoap#1426)",
    (host) => {
      const village = new Village();
      village.ask();
      village.between = (packet) => {
        if (packet.from !== HEAD_END) return [packet];
        const message = messageOf(packet.bytes);
        const { options } = withOptions(message, { number: OPTION.uriHost, value: fromText(host) });
        return [{ ...packet, bytes: rewritten(packet.bytes, { options }) }];
      };
      expect(village.ask()).toMatchObject({ kind: "answer" });
      expect(village.meter().served).toHaveLength(2);
    },
  );

  test("a session goes on where the head-end's address changes (chrysn/aiocoap#220)", () => {
    const village = new Village();
    village.ask();
    village.between = (packet) =>
      packet.from === HEAD_END ? [{ ...packet, from: "other port" }] : [{ ...packet, to: HEAD_END }];
    expect(village.ask()).toMatchObject({ kind: "answer" });
    expect(village.sessions()).toBe(1);
  });
});

describe("an OSCORE option out of its bounds (obgm/libcoap#1893, #2107)", () => {
  test.each([
    ["a kid of 250 bytes", [0x09, 0x00, ...new Array<number>(250).fill(1)]],
    ["a Partial IV of 6 bytes", [0x0e, 1, 2, 3, 4, 5, 6, 1]],
    ["a Partial IV of 7 bytes", [0x0f, 1, 2, 3, 4, 5, 6, 7, 1]],
    ["a Partial IV that is cut off", [0x0d, 1, 2]],
    ["a kid context of 200 bytes", [0x19, 0x00, 200, ...new Array<number>(200).fill(1), 1]],
    ["a kid context that is cut off", [0x19, 0x00, 255, 1]],
    ["a reserved flag", [0x89, 0x00, 1]],
    ["the flag of a group", [0x29, 0x00, 1]],
    ["no kid", [0x01, 0x00]],
    ["nothing", []],
  ])("%s gets the 4.01 that all get, and the session goes on", (_, value) => {
    const village = new Village();
    village.ask();
    village.ask();
    const request = messageOf(village.sent.filter(({ from }) => from === HEAD_END).at(-1)?.bytes);
    const options = [{ number: OPTION.oscore, value: Uint8Array.from(value) }];
    const [reply] = village.injectAndListen(rewritten(village.sent.at(-2)?.bytes, { options, messageId: 5 }));
    expect(request.options).toHaveLength(1);
    expect(messageOf(reply)).toMatchObject({ code: CODE.unauthorized, options: [], payload: EMPTY });
    expect(village.ask()).toMatchObject({ kind: "answer" });
    expect(village.sessions()).toBe(1);
  });
});

describe("EDHOC over CoAP (eriptic/uoscore-uedhoc#6, #72)", () => {
  test("names its content formats, and begins message_1 with true", () => {
    const village = new Village();
    village.ask();
    const [request, answer, combined] = village.sent.map(({ bytes }) => messageOf(bytes));
    if (request === undefined || answer === undefined || combined === undefined) throw new Error("no run");
    expect(findOption(request, OPTION.contentFormat)).toEqual(Uint8Array.of(FORMAT.connectionIdAndEdhoc));
    expect(findOption(answer, OPTION.contentFormat)).toEqual(Uint8Array.of(FORMAT.edhoc));
    expect(request.payload[0]).toBe(0xf5);
    expect(decodeMessage1(request.payload.slice(1))?.method).toBe(3);
    // RFC 9668 3.2.1: message_3 stands before the ciphertext, without C_R, which is the kid.
    expect(combined.payload[0]).toBe(0x52);
    expect(findOption(combined, OPTION.edhoc)).toEqual(EMPTY);
  });

  test("takes message_3 by itself after C_R too, as RFC 9528 A.2 has it", () => {
    const village = new Village();
    village.between = (packet) => (isMessage3(packet) ? [] : [packet]);
    village.ask("M1", BODY, { withinMs: 50 });
    const combined = messageOf(village.sent.find(isMessage3)?.bytes);
    const kid = findOption(combined, OPTION.oscore)?.slice(2) ?? EMPTY;
    const message3 = combined.payload.slice(0, 19);
    const request = messageOf(village.sent.find(isMessage1)?.bytes);
    const bytes = rewritten(village.sent.find(isMessage1)?.bytes, {
      payload: concat(kid, message3),
      messageId: 9,
    });
    expect(messageOf(village.injectAndListen(bytes)[0])).toMatchObject({
      code: CODE.changed,
      payload: EMPTY,
    });
    expect(village.sessions()).toBe(1);
    expect(request.code).toBe(CODE.post);
  });

  test("waits for the answer to message_3, which may be an error (eriptic/uoscore-uedhoc#48)", () => {
    const village = new Village();
    village.between = (packet) => {
      if (!isMessage3(packet)) return [packet];
      const { messageId, token } = messageOf(packet.bytes);
      const payload = concat(encodeCbor(1), encodeCbor("no"));
      const bytes = rewritten(packet.bytes, {
        type: "ACK",
        code: CODE.badRequest,
        options: [],
        messageId,
        token,
        payload,
      });
      return [{ from: "M1", to: HEAD_END, bytes }];
    };
    expect(village.ask()).toMatchObject({ kind: "failed", reason: "refused" });
    expect(village.events).toHaveLength(1);
  });

  test("gives both ends different identifiers, and none that a live session has (lake-rs/lakers#104, #13)", () => {
    const village = new Village();
    const live: string[] = [];
    for (let run = 0; run < 3; run++) {
      village.ask();
      const combined = messageOf(village.sent.filter(isMessage3).at(-1)?.bytes);
      const request = messageOf(village.sent.filter(isMessage1).at(-1)?.bytes);
      const c_i = decodeMessage1(request.payload.slice(1))?.connectionId ?? EMPTY;
      const c_r = findOption(combined, OPTION.oscore)?.slice(2) ?? EMPTY;
      expect(toHex(c_i)).not.toBe(toHex(c_r));
      live.push(toHex(c_r));
      village.restartHeadEnd();
    }
    expect(new Set(live).size).toBe(3);
  });
});

test("a repeated message_1 gets the same message_2, not a second run (RFC 7252 4.5)", () => {
  const village = new Village();
  village.between = (packet) => (isMessage1(packet) ? [packet, packet] : [packet]);
  expect(village.ask()).toMatchObject({ kind: "answer" });
  const message2s = village.sent.filter(isMessage2).map(({ bytes }) => toHex(bytes));
  expect(message2s).toHaveLength(2);
  expect(new Set(message2s).size).toBe(1);
});

test("a request that the network repeats after its answer is answered again, never refused as a replay (obgm/libcoap#1925)", () => {
  const village = new Village();
  village.ask();
  village.ask();
  const request = village.sent.at(-2)?.bytes ?? EMPTY;
  const answer = village.sent.at(-1)?.bytes ?? EMPTY;
  expect(village.injectAndListen(request)).toEqual([answer]);
  expect(village.refusals()).toEqual([]);
  const again = messageOf(village.injectAndListen(asNew(request))[0]);
  expect(again).toEqual({ ...messageOf(answer), messageId: again.messageId });
  expect(village.meter().served).toHaveLength(2);
});
