// Protected messages with something changed in them, and what must be as it was sent all the same.
import { toHex } from "../../firmware/protocol/bytes.ts";
import { decodeMessage, encodeMessage } from "../../firmware/protocol/coap/codec.ts";
import { type CoapContent, OPTION, sortOptions } from "../../firmware/protocol/coap/message.ts";
import { integerBelow, type SeededRandom } from "../../hal/emulated/seeded-random.ts";

function flip(random: SeededRandom, bytes: Uint8Array): Uint8Array {
  const flipped = bytes.slice();
  for (let flips = 1 + integerBelow(random, 4); flips > 0 && flipped.length > 0; flips--) {
    const bit = integerBelow(random, 8 * flipped.length);
    flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7));
  }
  return flipped;
}

/** The same changes to whatever bytes: bits, the end, all. */
function spoil(random: SeededRandom, bytes: Uint8Array): Uint8Array {
  const way = integerBelow(random, 8);
  if (way < 5) return flip(random, bytes);
  if (way === 5) return bytes.slice(0, integerBelow(random, bytes.length + 1));
  if (way === 6) return Uint8Array.from([...bytes, ...random.bytes(1 + integerBelow(random, 10))]);
  return random.bytes(integerBelow(random, 40));
}

/** A genuine message of which the datagram, the OSCORE option, the ciphertext or the options were changed. */
export function spoiled(random: SeededRandom, content: CoapContent): CoapContent | undefined {
  const way = integerBelow(random, 4);
  if (way === 0) {
    const token = Uint8Array.of(1);
    const decoded = decodeMessage(
      spoil(random, encodeMessage({ type: "CON", messageId: 1, token, ...content })),
    );
    return "error" in decoded ? undefined : decoded;
  }
  if (way === 1) return { ...content, payload: spoil(random, content.payload) };
  if (way === 2) {
    const options = content.options.map((option) =>
      option.number === OPTION.oscore ? { ...option, value: spoil(random, option.value) } : option,
    );
    return { ...content, options };
  }
  const added = { number: integerBelow(random, 300), value: random.bytes(integerBelow(random, 5)) };
  const code = integerBelow(random, 256);
  return { ...content, code, options: sortOptions([...content.options, added]) };
}

/** What must be as it was sent whoever forwarded the message. */
export function insideOf({ code, options, payload }: CoapContent): string {
  const inner = options.filter(({ number }) => number === OPTION.uriPath || number === OPTION.contentFormat);
  return [code, ...inner.map(({ value }) => toHex(value)), toHex(payload)].join(" ");
}

export const asText = (content: CoapContent): string =>
  [content.code, ...content.options.map((o) => `${o.number}:${toHex(o.value)}`), toHex(content.payload)].join(
    " ",
  );
