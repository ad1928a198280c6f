// What was asked and answered in recorded datagrams, as the resources at the other end of the blocks saw it.
import { concat, EMPTY, toHex } from "../../firmware/protocol/bytes.ts";
import { readBlock } from "../../firmware/protocol/coap/block.ts";
import { CODE, type CoapContent, findOption, OPTION } from "../../firmware/protocol/coap/message.ts";
import { bytesOf, messageOf, protectedContentOf, type RecordedDatagram } from "./recording.ts";

/** A request as it was served, its blocks put together, and all that was answered. */
export interface ServedRequest {
  readonly request: CoapContent;
  /** More than one where it was observed. A long one has the options of its first block. */
  readonly answers: CoapContent[];
}

/** What was served in these datagrams, in order: each once, and challenges not. */
export function servedIn(datagrams: readonly RecordedDatagram[]): readonly ServedRequest[] {
  const reader = new ServedReader();
  const once = new Map(datagrams.map((datagram) => [`${datagram.from} ${datagram.bytes}`, datagram]));
  for (const datagram of once.values()) {
    const content = protectedContentOf(datagram);
    const token = toHex(messageOf(bytesOf(datagram.bytes)).token);
    if (content !== undefined && datagram.from === "client") reader.takeRequest(token, content);
    if (content !== undefined && datagram.from === "server") reader.takeAnswer(token, content);
  }
  return reader.served;
}

class ServedReader {
  readonly served: ServedRequest[] = [];
  /** By token: requests without an answer yet, and served ones that may get more. */
  readonly #asked = new Map<string, CoapContent>();
  readonly #answered = new Map<string, ServedRequest>();
  #body: Uint8Array = EMPTY;

  takeRequest(token: string, content: CoapContent): void {
    const { payload } = content;
    this.#body = blockNumber(content, OPTION.block1) > 0 ? concat(this.#body, payload) : payload;
    this.#asked.set(token, { ...content, payload: this.#body });
  }

  takeAnswer(token: string, content: CoapContent): void {
    const isChallenge = findOption(content, OPTION.echo) !== undefined;
    if (isChallenge || content.code === CODE.continue) return;
    if (blockNumber(content, OPTION.block2) > 0) return this.#goOn(content.payload);
    const request = this.#asked.get(token);
    if (request === undefined) {
      this.#answered.get(token)?.answers.push(content);
      return;
    }
    this.#asked.delete(token);
    const served = { request, answers: [content] };
    this.#answered.set(token, served);
    this.served.push(served);
  }

  #goOn(payload: Uint8Array): void {
    const answers = this.served.at(-1)?.answers;
    const begun = answers?.pop();
    if (begun !== undefined) answers?.push({ ...begun, payload: concat(begun.payload, payload) });
  }
}

function blockNumber(content: CoapContent, option: number): number {
  const block = readBlock(content, option);
  return block !== undefined && "number" in block ? block.number : 0;
}
