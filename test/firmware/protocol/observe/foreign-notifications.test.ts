// A head-end's watch at a server that does all that RFC 8613 4.1.3.5 and 7.4.1 allow, and more.
import { describe, expect, test } from "vitest";
import { TrustList } from "../../../../firmware/identity/trust.ts";
import { EMPTY, fromText, fromUint } from "../../../../firmware/protocol/bytes.ts";
import { type Block, blockOption, readBlock } from "../../../../firmware/protocol/coap/block.ts";
import {
  decodeMessage,
  encodeMessage,
  encodeOptionsAndPayload,
} from "../../../../firmware/protocol/coap/codec.ts";
import {
  answerWith,
  CODE,
  type CoapContent,
  type CoapMessage,
  type CoapOption,
  FORMAT,
  findOption,
  type MessageType,
  OPTION,
  resourceRequest,
  withOptions,
} from "../../../../firmware/protocol/coap/message.ts";
import { deriveContext } from "../../../../firmware/protocol/oscore/context.ts";
import { encodeOscoreOption } from "../../../../firmware/protocol/oscore/option.ts";
import {
  protectNumberedResponse,
  protectResponse,
  type RequestBinding,
  unprotectRequest,
} from "../../../../firmware/protocol/oscore/protect.ts";
import { ReplayWindow } from "../../../../firmware/protocol/oscore/replay-window.ts";
import { MemorySequence } from "../../../../firmware/protocol/oscore/sender-sequence.ts";
import { SecureClient } from "../../../../firmware/protocol/secure-client.ts";
import { SeededRandom } from "../../../../hal/emulated/seeded-random.ts";
import { opensslEngine } from "../../../../hal/node/openssl.ts";
import { LINE } from "../../../../hal/ports/link.ts";
import { identity } from "../../../support/secured-line.ts";
import { hex } from "../oscore/support.ts";

const SECRET = { masterSecret: hex("0102030405060708090a0b0c0d0e0f10") };
const HEAD_END = { ...SECRET, senderId: hex(""), recipientId: hex("01") };
const SERVER = { ...SECRET, senderId: hex("01"), recipientId: hex("") };
const TRAITS = {
  mtuBytes: 1152,
  bitsPerSecond: undefined,
  bitsPerByte: 8,
  framingBytes: 0,
  roundTripMs: 100,
};
const MINUTE_MS = 60_000;
const UTF8 = new TextDecoder();

/** What a notification has beside its text. */
interface Manner {
  /** Its Partial IV; the request's nonce without one. */
  readonly number?: number;
  readonly outerObserve?: number;
  readonly maxAge?: number;
  readonly block2?: Block;
  /** By who has not the key. */
  readonly isForged?: boolean;
}

/** A head-end that watches, and a server that is the test's own. */
class WatchedServer {
  readonly told: string[] = [];
  readonly #client = new SecureClient({
    crypto: opensslEngine,
    random: new SeededRandom("head-end"),
    traits: { ...TRAITS, halfDuplex: false, addressing: "station" },
    identity: identity("head-end", "H"),
    trust: new TrustList([]),
    preset: { peer: { id: "server" }, parameters: HEAD_END, sequence: new MemorySequence() },
  });
  readonly #context = deriveContext(opensslEngine, SERVER);
  readonly #window = new ReplayWindow();
  readonly #ask: number;
  /** What the head-end asked beside its reply. */
  readonly #requests: CoapMessage[] = [];
  #nowMs = 0;
  #messageId = 1000;
  /** Of the newest request. */
  request!: {
    readonly message: CoapMessage;
    readonly content: CoapContent;
    readonly binding: RequestBinding;
  };

  constructor() {
    const ask = { to: LINE, content: resourceRequest(CODE.get, "r"), untilMs: MINUTE_MS };
    this.#ask = this.#client.watch(0, ask) ?? 0;
    this.takeRequest();
  }

  takeRequest([message] = [...this.#requests.splice(0), ...this.#sent()]): void {
    if (message === undefined) throw new Error("the head-end sent nothing");
    const bound = unprotectRequest(this.#context, this.#window, message);
    if ("refused" in bound) throw new Error(bound.refused);
    this.request = { message, ...bound };
  }

  /** Sends a notification to a request; gives what the head-end says to that. */
  notify(words: string, manner: Manner = {}, { message, binding } = this.request): MessageType | "nothing" {
    const { maxAge, block2, outerObserve = 0 } = manner;
    const more = [
      ...(maxAge === undefined ? [] : [{ number: OPTION.maxAge, value: fromUint(maxAge) }]),
      ...(block2 === undefined ? [] : [blockOption(OPTION.block2, block2)]),
    ];
    const answer = answerWith(CODE.content, FORMAT.cbor, fromText(words));
    const content = withOptions(answer, { number: OPTION.observe, value: fromUint(outerObserve) }, ...more);
    const sealed = this.#seal(binding, content, manner.number);
    const payload = manner.isForged ? sealed.payload.map((byte) => byte ^ 1) : sealed.payload;
    return this.#send({
      type: "CON",
      messageId: this.#messageId++,
      token: message.token,
      ...sealed,
      payload,
    });
  }

  /** The answer to the newest request, in its ACK. */
  answer(words: string, ...options: CoapOption[]): void {
    const { message, binding } = this.request;
    const answer = withOptions(answerWith(CODE.content, FORMAT.cbor, fromText(words)), ...options);
    const content = protectResponse(this.#context, binding, answer);
    this.#send({ type: "ACK", messageId: message.messageId, token: message.token, ...content });
  }

  /** RFC 8613 8.3.1: the first one may go under its request's nonce. */
  #seal(binding: RequestBinding, content: CoapContent, number: number | undefined): CoapContent {
    if (number !== undefined) {
      const sealed = protectNumberedResponse(
        this.#context,
        new MemorySequence({ first: number }),
        binding,
        content,
      );
      if (sealed === undefined) throw new Error("no such number");
      return sealed;
    }
    const { crypto, aead, sender } = this.#context;
    const inner = content.options.map((option) =>
      option.number === OPTION.observe ? { ...option, value: EMPTY } : option,
    );
    const plaintext = encodeOptionsAndPayload(inner, content.payload, Uint8Array.of(content.code));
    const payload = crypto.seal(aead, sender.key, binding.nonce, binding.aad, plaintext);
    const fields = { partialIv: undefined, kidContext: undefined, kid: undefined };
    const outer = content.options.filter((option) => option.number === OPTION.observe);
    return {
      code: CODE.content,
      options: [...outer, { number: OPTION.oscore, value: encodeOscoreOption(fields) }],
      payload,
    };
  }

  #send(message: CoapMessage): MessageType | "nothing" {
    this.#client.receive(this.#nowMs, LINE, encodeMessage(message));
    const [reply, ...requests] = this.#sent();
    this.#requests.push(...requests);
    for (let event = this.#client.nextEvent(); event !== undefined; event = this.#client.nextEvent())
      this.told.push(event.kind === "failed" ? event.reason : UTF8.decode(event.content.payload));
    return reply?.type ?? "nothing";
  }

  #sent(): CoapMessage[] {
    const out = this.#client.nextDatagram();
    if (out === undefined) return [];
    const message = decodeMessage(out.bytes);
    if ("error" in message) throw new Error(message.error);
    return [message, ...this.#sent()];
  }

  unwatch(): void {
    this.#client.unwatch(this.#nowMs, this.#ask);
  }

  /** Lets time pass; gives what the head-end sent. */
  pass(forMs: number): CoapMessage[] {
    this.#nowMs += forMs;
    this.#client.wake(this.#nowMs);
    return this.#sent();
  }
}

describe("notifications of any server", () => {
  test("may begin with one under its request's nonce, which is taken once and is the oldest (RFC 8613 7.4.1)", () => {
    const server = new WatchedServer();
    server.notify("first");
    server.notify("first");
    expect(server.told).toEqual(["first"]);
    server.notify("second", { number: 0 });
    server.notify("first");
    expect(server.told).toEqual(["first", "second"]);
  });

  test("are told by their Partial IVs alone: the Observe outside may stand still, go back or be gone", () => {
    const server = new WatchedServer();
    for (const [number, outerObserve] of [
      [5, 100],
      [6, 100],
      [300, 7],
      [301, 0],
      [7, 200],
      [301, 300],
    ] as const) {
      expect(server.notify(String(number), { number, outerObserve })).toBe("ACK");
    }
    expect(server.told).toEqual(["5", "6", "300", "301"]);
    expect(findOption(server.request.content, OPTION.observe)).toEqual(EMPTY);
  });

  test("that hold for no time are told all the same: no age drops one (eriptic/uoscore-uedhoc#41)", () => {
    const server = new WatchedServer();
    server.notify("zero", { number: 0, maxAge: 0 });
    server.pass(3000);
    server.notify("still", { number: 1, maxAge: 0 });
    expect(server.told).toEqual(["zero", "still"]);
  });
});

test("a notification in blocks is never told in part: the rest is fetched, and the watch ends with the whole", () => {
  const server = new WatchedServer();
  server.notify("first", { number: 0 });
  server.notify("sixteen letters:", { number: 1, block2: { number: 0, more: true, sizeExponent: 0 } });
  expect(server.told).toEqual(["first"]);
  server.takeRequest();
  const { content } = server.request;
  expect(findOption(content, OPTION.observe)).toBeUndefined();
  expect(readBlock(content, OPTION.block2)).toEqual({ number: 1, more: false, sizeExponent: 0 });
  server.answer("and more", blockOption(OPTION.block2, { number: 1, more: false, sizeExponent: 0 }));
  expect(server.told).toEqual(["first", "sixteen letters:and more"]);
});

describe("a notification on its way while its registration is ended (obgm/libcoap#1536)", () => {
  test("still opens: it is acknowledged, told to nobody, and the end goes on until it is answered", () => {
    const server = new WatchedServer();
    const registration = server.request;
    server.notify("first", { number: 0 });
    server.unwatch();
    server.takeRequest();
    expect(findOption(server.request.content, OPTION.observe)).toEqual(Uint8Array.of(1));
    expect(server.notify("on its way", { number: 1 }, registration)).toBe("ACK");
    // It was not taken for the answer either: the request is repeated.
    expect(server.pass(2000).map(({ messageId }) => messageId)).toEqual([server.request.message.messageId]);
    server.answer("ended");
    expect(server.pass(MINUTE_MS)).toEqual([]);
    expect(server.told).toEqual(["first"]);
  });

  test("is not acknowledged where nobody has proved it", () => {
    const server = new WatchedServer();
    const registration = server.request;
    server.notify("first", { number: 0 });
    server.unwatch();
    server.takeRequest();
    expect(server.notify("forged", { number: 1, isForged: true }, registration)).toBe("nothing");
  });

  test("or renewed, costs no other registration, and the new one goes on", () => {
    const server = new WatchedServer();
    const registration = server.request;
    server.notify("first", { number: 0, maxAge: 10 });
    server.takeRequest(server.pass(17_500));
    expect(server.notify("on its way", { number: 1 }, registration)).toBe("ACK");
    expect(server.pass(2000).map(({ messageId }) => messageId)).toEqual([server.request.message.messageId]);
    server.notify("second", { number: 2 });
    expect(server.told).toEqual(["first", "second"]);
  });
});
