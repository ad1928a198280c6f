// Which options are outside and inside of protection, and how long they may be: no value of a meter is among them.
import {
  type CoapContent,
  type CoapOption,
  isRequestCode,
  OPTION,
} from "../../firmware/protocol/coap/message.ts";

/** Lengths from and to, by number. */
type Allowed = ReadonlyMap<number, readonly [least: number, most: number]>;
type Entry = readonly [number: number, lengths: readonly [least: number, most: number]];

/** A block of a long message, which anybody may cut. */
const BLOCKS: readonly Entry[] = [
  [OPTION.etag, [2, 2]],
  [OPTION.block1, [0, 3]],
  [OPTION.block2, [0, 3]],
  [OPTION.size1, [1, 2]],
  [OPTION.requestTag, [0, 8]],
];

/** An alias; who asks by which number; how far it may go; whether more answers may come; how long they may take. */
const OUTSIDE_REQUESTS: Allowed = new Map<number, readonly [number, number]>([
  ...BLOCKS,
  [OPTION.uriHost, [1, 64]],
  [OPTION.oscore, [2, 16]],
  [OPTION.observe, [0, 1]],
  [OPTION.hopLimit, [1, 1]],
  [OPTION.edhoc, [0, 0]],
  [OPTION.uriPath, [1, 1]],
  [OPTION.contentFormat, [1, 2]],
  [OPTION.delayTolerance, [0, 3]],
  [OPTION.bundle, [0, 2]],
  [OPTION.multicastTimeout, [0, 3]],
]);

/** A number of the meter's own where it has one, its kid in a group; how notifications follow one another. */
const OUTSIDE_ANSWERS: Allowed = new Map<number, readonly [number, number]>([
  ...BLOCKS,
  [OPTION.oscore, [0, 8]],
  [OPTION.observe, [0, 3]],
  [OPTION.contentFormat, [1, 2]],
]);

/** In an answer: its form, its start of the meter where it is the first one, a challenge, how long it holds. */
const INSIDE_ANSWERS: Allowed = new Map<number, readonly [number, number]>([
  ...BLOCKS,
  [OPTION.observe, [0, 0]],
  [OPTION.contentFormat, [1, 1]],
  [OPTION.maxAge, [0, 2]],
  [OPTION.echo, [8, 8]],
  [OPTION.epoch, [5, 8]],
]);

/** The first option that has no business there; what a request has inside is what was asked. */
export function strangeOption(outside: CoapContent, inside: CoapContent | undefined): CoapOption | undefined {
  const isRequest = isRequestCode(outside.code);
  const strange = outside.options.find(notIn(isRequest ? OUTSIDE_REQUESTS : OUTSIDE_ANSWERS));
  return strange ?? (isRequest ? undefined : inside?.options.find(notIn(INSIDE_ANSWERS)));
}

function notIn(allowed: Allowed): (option: CoapOption) => boolean {
  return ({ number, value }) => {
    const [least, most] = allowed.get(number) ?? [1, 0];
    return value.length < least || value.length > most;
  };
}
