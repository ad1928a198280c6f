// The resources that a meter serves to a head-end which has proved itself.

import type { Right } from "../identity/trust.ts";
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
import type { Resources, ServedRequest } from "../protocol/secure-server.ts";
import type { Peer } from "../protocol/sessions.ts";
import type { Resource } from "./resource.ts";

/** Options that a request may carry; any other critical one is refused (RFC 7252 5.4.1). */
const SERVED_OPTIONS: ReadonlySet<number> = new Set([
  OPTION.uriHost,
  OPTION.uriPort,
  OPTION.uriPath,
  OPTION.accept,
]);

export interface MeterResourcesOptions {
  /** What a peer may do. */
  readonly rightsOf: (peer: Peer) => ReadonlySet<Right>;
  /** Told when somebody asked for what is not his. */
  readonly onForbidden: () => void;
}

/** Resources by path. Requests and answers with a body are CBOR. */
export class MeterResources implements Resources {
  /** Short, as anybody may ask for it in the name of somebody else: less than three times the question. */
  readonly links: string;
  readonly #byPath: ReadonlyMap<string, Resource>;
  readonly #options: MeterResourcesOptions;

  constructor(byPath: Readonly<Record<string, Resource>>, options: MeterResourcesOptions) {
    this.#options = options;
    this.#byPath = new Map(Object.entries(byPath));
    const paths = [...this.#byPath.keys()].map((path) => ({ path }));
    this.links = encodeLinkFormat([...paths, { path: "k", attributes: { rt: "core.edhoc" } }]);
  }

  serve({ peer, content }: ServedRequest): CoapContent {
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
    const rights = this.#options.rightsOf(peer);
    if (rights.has(method.right)) return method.answer(content.payload, rights);
    this.#options.onForbidden();
    return bareAnswer(CODE.forbidden, `this takes the right ${method.right}`);
  }
}

function isAcceptable(content: CoapContent): boolean {
  return findOption(content, OPTION.accept) === undefined || hasFormat(content, OPTION.accept, FORMAT.cbor);
}

function hasFormat(content: CoapContent, option: number, format: number): boolean {
  const value = findOption(content, option);
  return value !== undefined && toUint(value) === format;
}
