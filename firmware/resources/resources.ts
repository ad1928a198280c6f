// The resources that a meter serves to a head-end which has proved itself.
import { toUint } from "../protocol/bytes.ts";
import { encodeLinkFormat } from "../protocol/coap/link-format.ts";
import {
  bareAnswer,
  CODE,
  type CoapContent,
  FORMAT,
  findOption,
  isCritical,
  OPTION,
  pathOf,
} from "../protocol/coap/message.ts";
import type { Resources } from "../protocol/secure-server.ts";
import type { Resource } from "./resource.ts";

/** Options that a request may carry; any other critical one is refused (RFC 7252 5.4.1). */
const SERVED_OPTIONS: ReadonlySet<number> = new Set([
  OPTION.uriHost,
  OPTION.uriPort,
  OPTION.uriPath,
  OPTION.accept,
]);

/** Resources by path. Requests and answers with a body are CBOR. */
export class MeterResources implements Resources {
  /** Short, as anybody may ask for it in the name of somebody else: less than three times the question. */
  readonly links: string;
  readonly #byPath: ReadonlyMap<string, Resource>;

  constructor(byPath: Readonly<Record<string, Resource>>) {
    this.#byPath = new Map(Object.entries(byPath));
    const paths = [...this.#byPath.keys()].map((path) => ({ path }));
    this.links = encodeLinkFormat([...paths, { path: "k", attributes: { rt: "core.edhoc" } }]);
  }

  serve({ content }: { readonly content: CoapContent }): CoapContent {
    const unknown = content.options.find(({ number }) => isCritical(number) && !SERVED_OPTIONS.has(number));
    if (unknown !== undefined)
      return bareAnswer(CODE.badOption, `option ${unknown.number} is not known here`);
    const resource = this.#byPath.get(pathOf(content) ?? "");
    if (resource === undefined) return bareAnswer(CODE.notFound, "no such resource");
    const method = resource.get(content.code);
    if (method === undefined) return bareAnswer(CODE.methodNotAllowed, "no such method here");
    if (!isAcceptable(content)) return bareAnswer(CODE.notAcceptable, "answers are CBOR");
    if (content.payload.length > 0 && !hasFormat(content, OPTION.contentFormat, FORMAT.cbor)) {
      return bareAnswer(CODE.unsupportedContentFormat, "bodies are CBOR");
    }
    return method(content.payload);
  }
}

function isAcceptable(content: CoapContent): boolean {
  return findOption(content, OPTION.accept) === undefined || hasFormat(content, OPTION.accept, FORMAT.cbor);
}

function hasFormat(content: CoapContent, option: number, format: number): boolean {
  const value = findOption(content, option);
  return value !== undefined && toUint(value) === format;
}
