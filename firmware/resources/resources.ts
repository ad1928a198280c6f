// The resources that a meter serves to a head-end which has proved itself.

import type { Right } from "../identity/trust.ts";
import { toUint } from "../protocol/bytes.ts";
import type { ResourceLink } from "../protocol/coap/link-format.ts";
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
import type { Observed } from "../protocol/observe/observers.ts";
import type { Resources, ServedRequest } from "../protocol/served-request.ts";
import type { Peer } from "../protocol/sessions.ts";
import type { Method, Resource } from "./resource.ts";

/** Options that a request may carry; any other critical one is refused (RFC 7252 5.4.1). */
const SERVED_OPTIONS: ReadonlySet<number> = new Set([
  OPTION.uriHost,
  OPTION.uriPort,
  OPTION.uriPath,
  OPTION.accept,
]);

const NONE: ReadonlyMap<string, Resource> = new Map();

export interface MeterResourcesOptions {
  /** Those of the resources that answer in SenML too (RFC 8428). */
  readonly inSenml: Readonly<Record<string, Resource>>;
  /** What a peer may do. */
  readonly rightsOf: (peer: Peer) => ReadonlySet<Right>;
  /** Told when somebody asked for what is not his. */
  readonly onForbidden: () => void;
  /** Links to what is served beside these. */
  readonly otherLinks: readonly ResourceLink[];
}

/** Resources by path. Bodies of requests are CBOR, and so are those of answers where nothing else is wanted. */
export class MeterResources implements Resources {
  readonly links: readonly ResourceLink[];
  readonly #byPath: ReadonlyMap<string, Resource>;
  readonly #inSenml: ReadonlyMap<string, Resource>;
  readonly #options: MeterResourcesOptions;

  constructor(byPath: Readonly<Record<string, Resource>>, options: MeterResourcesOptions) {
    this.#options = options;
    this.#byPath = new Map(Object.entries(byPath));
    this.#inSenml = new Map(Object.entries(options.inSenml));
    const paths = [...this.#byPath.keys()].map((path) => ({ path }));
    this.links = [...paths, ...options.otherLinks];
  }

  serve({ peer, own, content }: ServedRequest): CoapContent {
    const method = this.#methodOf(content);
    if ("code" in method) return method;
    const rights = this.#options.rightsOf(peer);
    const by = { peer, own, rights };
    return rights.has(method.right) ? method.answer(content.payload, by) : this.#forbid(method);
  }

  /** A right that is taken away is the end of what it gave. */
  observe({ peer, content }: ServedRequest): Observed | undefined {
    const method = this.#methodOf(content);
    if ("code" in method) return undefined;
    const observed = method.observe?.(content.payload);
    const isAllowed = (): boolean => this.#options.rightsOf(peer).has(method.right);
    return (
      observed && { ...observed, answer: () => (isAllowed() ? observed.answer() : this.#forbid(method)) }
    );
  }

  /** What serves a request, or why nothing does. */
  #methodOf(content: CoapContent): Method | CoapContent {
    const unknown = content.options.find(({ number }) => isCritical(number) && !SERVED_OPTIONS.has(number));
    if (unknown !== undefined)
      return bareAnswer(CODE.badOption, `option ${unknown.number} is not known here`);
    const path = pathOf(content) ?? "";
    const resource = this.#byPath.get(path);
    if (resource === undefined) return bareAnswer(CODE.notFound, "no such resource");
    if (!resource.has(content.code)) return bareAnswer(CODE.methodNotAllowed, "no such method here");
    const accept = formatIn(content, OPTION.accept) ?? FORMAT.cbor;
    const wanted = this.#in(accept).get(path)?.get(content.code);
    if (wanted === undefined) return bareAnswer(CODE.notAcceptable, "not in this format");
    if (content.payload.length > 0 && formatIn(content, OPTION.contentFormat) !== FORMAT.cbor) {
      return bareAnswer(CODE.unsupportedContentFormat, "bodies are CBOR");
    }
    return wanted;
  }

  #forbid({ right }: Method): CoapContent {
    this.#options.onForbidden();
    return bareAnswer(CODE.forbidden, `this takes the right ${right}`);
  }

  #in(format: number): ReadonlyMap<string, Resource> {
    if (format === FORMAT.cbor) return this.#byPath;
    return format === FORMAT.senmlCbor ? this.#inSenml : NONE;
  }
}

function formatIn(content: CoapContent, option: number): number | undefined {
  const value = findOption(content, option);
  return value === undefined ? undefined : toUint(value);
}
