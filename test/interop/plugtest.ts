// The resources of the OSCORE plugtest (github.com/EricssonResearch/OSCOAP), and one that keeps a body of any length.
import { EMPTY, equal, fromText, fromUint } from "../../firmware/protocol/bytes.ts";
import {
  answerWith,
  bareAnswer,
  CODE,
  type CoapContent,
  findOption,
  OPTION,
  pathOf,
  queriesOf,
  withOptions,
} from "../../firmware/protocol/coap/message.ts";
import type { Observed } from "../../firmware/protocol/observe/observers.ts";
import type { Resources } from "../../firmware/protocol/served-request.ts";

const IF_MATCH = 1;
const IF_NONE_MATCH = 5;
const PRECONDITION_FAILED = 0x8c;
const TEXT = 0;
const HELLO = "Hello World!";
/** Long enough for three blocks of 1024 bytes. */
const LARGE = `This is a large resource\n${"0123456789".repeat(300)}`;
const OBSERVE_PERIOD_MS = 2000;

/** Each answers its own method; what it must be asked with is the plugtest's. */
export function plugtestResources(): Resources {
  let body: Uint8Array = EMPTY;
  const answers: Readonly<Record<string, (request: CoapContent) => CoapContent>> = {
    "1 oscore/hello/1": () => text(HELLO),
    "1 oscore/hello/2": (request) =>
      queriesOf(request)?.[0] === "first=1" ? withEtag(text(HELLO)) : bareAnswer(CODE.badRequest),
    "1 oscore/hello/3": (request) =>
      findOption(request, OPTION.accept)?.length === 0
        ? withMaxAge(text(HELLO))
        : bareAnswer(CODE.badRequest),
    "2 oscore/hello/6": ({ payload }) => answerWith(CODE.changed, TEXT, payload),
    "3 oscore/hello/7": conditional,
    "4 oscore/test": () => bareAnswer(CODE.deleted),
    "1 oscore/block/inner": () => text(LARGE),
    "3 store": ({ payload }) => {
      body = payload.slice();
      return bareAnswer(CODE.changed);
    },
    "1 store": () => answerWith(CODE.content, TEXT, body),
  };
  return {
    links: [{ path: "store" }],
    serve: ({ content }) =>
      answers[`${content.code} ${pathOf(content)}`]?.(content) ?? bareAnswer(CODE.notFound),
    observe: ({ content }) => (/^oscore\/observe[12]$/.test(pathOf(content) ?? "") ? oneTwoEnd() : undefined),
  };
}

/** "one", "two", and then an error that ends it. */
function oneTwoEnd(): Observed {
  const told = [
    text("one"),
    text("two"),
    answerWith(CODE.internalServerError, TEXT, fromText("Terminate Observe")),
  ];
  return {
    answer: () => told.shift() ?? bareAnswer(CODE.internalServerError),
    hasNews: () => false,
    atLatestMs: OBSERVE_PERIOD_MS,
    atSoonestMs: OBSERVE_PERIOD_MS,
  };
}

function conditional(request: CoapContent): CoapContent {
  if (findOption(request, IF_NONE_MATCH) !== undefined) return bareAnswer(PRECONDITION_FAILED);
  const tag = findOption(request, IF_MATCH);
  return bareAnswer(tag !== undefined && equal(tag, Uint8Array.of(0x7b)) ? CODE.changed : CODE.badRequest);
}

function text(words: string): CoapContent {
  return answerWith(CODE.content, TEXT, fromText(words));
}

function withEtag(answer: CoapContent): CoapContent {
  return withOptions(answer, { number: OPTION.etag, value: Uint8Array.of(0x2b) });
}

function withMaxAge(answer: CoapContent): CoapContent {
  return withOptions(answer, { number: OPTION.maxAge, value: fromUint(5) });
}
