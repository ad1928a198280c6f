// Explains what bytes on a line are, layer by layer, as somebody sees them who holds no key or one context.

import { EMPTY, toHex } from "../../firmware/protocol/bytes.ts";
import {
  type CborValue,
  decodeCborSequence,
  decodeCborWithFractions,
  firstItemLength,
} from "../../firmware/protocol/cbor.ts";
import { blockBytes, readBlock } from "../../firmware/protocol/coap/block.ts";
import { decodeMessage } from "../../firmware/protocol/coap/codec.ts";
import {
  CODE,
  type CoapContent,
  type CoapMessage,
  type CoapOption,
  codeText,
  FORMAT,
  findOption,
  isRequestCode,
  OPTION,
  pathOf,
} from "../../firmware/protocol/coap/message.ts";
import {
  decodeCiphertext,
  decodeError,
  decodeMessage1,
  decodeMessage2,
} from "../../firmware/protocol/edhoc/messages.ts";
import { readOscoreOption } from "../../firmware/protocol/oscore/option.ts";
import { SlipDecoder } from "../../hal/framing/slip.ts";
import { decodeFrame } from "../../hal/framing/slipmux.ts";
import { bundleLayers } from "./bundle-layers.ts";
import { cborText } from "./cbor-text.ts";
import type { ContextPair } from "./context-pair.ts";

/** One layer: its name, and what stands in it, in the order of the bytes. Values are not yet safe to print. */
export interface Layer {
  readonly layer:
    | "slipmux"
    | "coap"
    | "oscore"
    | "plaintext"
    | "edhoc"
    | "cbor"
    | "bytes"
    | "bundle"
    | "bundled"
    | "missing";
  readonly fields: Readonly<Record<string, string | number>>;
}

/** Longest frame that is looked at: a UDP datagram at most. */
const FRAME_BYTES_MAX = 65_535;
const SLIP_END = 0xc0;
/** ES256, encrypted (RFC 10021 4.2). */
const GROUP_SIGNATURE_BYTES = 64;

/** Explains frames one after the other; with a context, requests must come before their answers. */
export class Explainer {
  readonly #context: ContextPair | undefined;

  constructor(context?: ContextPair) {
    this.#context = context;
  }

  /** A slipmux frame with its END bytes (several in a row are explained one by one), or a CoAP message. */
  explain(bytes: Uint8Array): Layer[] {
    if (bytes[0] !== SLIP_END) return this.explainMessage(bytes);
    const layers: Layer[] = [];
    new SlipDecoder(FRAME_BYTES_MAX).push(bytes, (frame) => layers.push(...this.#explainFrame(frame)));
    return layers.length > 0 ? layers : [{ layer: "slipmux", fields: { error: "no whole frame" } }];
  }

  /** The layers of a CoAP message. */
  explainMessage(bytes: Uint8Array): Layer[] {
    const message = decodeMessage(bytes);
    if ("error" in message)
      return [
        { layer: "bytes", fields: { bytes: bytes.length, error: `no CoAP message (${message.error})` } },
      ];
    return [coapLayer(message, bytes.length), ...this.#explainPayload(message)];
  }

  #explainFrame(frame: Uint8Array): Layer[] {
    const decoded = decodeFrame(frame);
    switch (decoded.kind) {
      case "rejected":
        return [
          {
            layer: "slipmux",
            fields: {
              bytes: frame.length,
              error: decoded.reason === "checksum" ? "the FCS does not hold" : "a type that is not served",
            },
          },
        ];
      case "diagnostic":
        return [{ layer: "slipmux", fields: { type: "diagnostic", text: decoded.text } }];
      case "coap":
        return [
          { layer: "slipmux", fields: { type: "CoAP", bytes: frame.length, fcs: "holds" } },
          ...this.explainMessage(decoded.message),
        ];
    }
  }

  #explainPayload(message: CoapMessage): Layer[] {
    if (message.code === CODE.empty) return [];
    if (findOption(message, OPTION.oscore) !== undefined) return this.#explainProtected(message);
    const handshake = edhocLayer(message);
    if (handshake !== undefined) return [handshake];
    return plainPayload(message);
  }

  #explainProtected(message: CoapMessage): Layer[] {
    const option = readOscoreOption(message);
    if (option === undefined || "refused" in option)
      return [{ layer: "oscore", fields: { error: "the option is malformed" } }];
    const { partialIv, kid, kidContext, isGroupMode = false } = option;
    const signatureBytes = isGroupMode ? GROUP_SIGNATURE_BYTES : 0;
    const isCombined = findOption(message, OPTION.edhoc) !== undefined;
    const message3Bytes = isCombined ? (firstItemLength(message.payload) ?? 0) : 0;
    const ciphertext = message.payload.slice(message3Bytes);
    const layers: Layer[] = [];
    if (isCombined) layers.push({ layer: "edhoc", fields: { message: "message_3", bytes: message3Bytes } });
    layers.push({
      layer: "oscore",
      fields: {
        ...(partialIv && { "partial IV": Number.parseInt(toHex(partialIv), 16) }),
        ...(kid && { kid: toHex(kid) }),
        ...(kidContext && { [isGroupMode ? "Gid" : "kid context"]: toHex(kidContext) }),
        ...(isGroupMode && { mode: "for all of a group, signed" }),
        "ciphertext bytes": ciphertext.length - signatureBytes,
        ...(isGroupMode && { "signature bytes": signatureBytes }),
      },
    });
    return [...layers, ...this.#explainInside({ ...message, payload: ciphertext })];
  }

  #explainInside(message: CoapMessage): Layer[] {
    if (this.#context === undefined) return [];
    const content = this.#context.open(message);
    if (content === undefined)
      return [{ layer: "plaintext", fields: { error: "these keys do not open it" } }];
    return [{ layer: "plaintext", fields: contentFields(content) }, ...plainPayload(content)];
  }
}

function coapLayer(message: CoapMessage, bytes: number): Layer {
  const { type, messageId, token } = message;
  return {
    layer: "coap",
    fields: { bytes, type, "message id": messageId, token: toHex(token), ...contentFields(message) },
  };
}

function contentFields(content: CoapContent): Record<string, string | number> {
  const options = content.options.filter(({ number }) => number !== OPTION.uriPath).map(optionText);
  const path = pathOf(content);
  return {
    code: `${codeText(content.code)}${METHOD_NAMES[content.code] ?? ""}`,
    ...(path !== undefined && path !== "" && { path: `/${path}` }),
    ...(options.length > 0 && { options: options.join(", ") }),
    ...(content.payload.length > 0 && { "payload bytes": content.payload.length }),
  };
}

const METHOD_NAMES: Readonly<Record<number, string>> = {
  [CODE.get]: " GET",
  [CODE.post]: " POST",
  [CODE.put]: " PUT",
  [CODE.delete]: " DELETE",
  [CODE.fetch]: " FETCH",
};

const OPTION_NAMES = new Map<number, string>([
  [OPTION.uriHost, "Uri-Host"],
  [OPTION.epoch, "Epoch"],
  [OPTION.delayTolerance, "Delay-Tolerance"],
  [OPTION.etag, "ETag"],
  [OPTION.observe, "Observe"],
  [OPTION.uriPort, "Uri-Port"],
  [OPTION.oscore, "OSCORE"],
  [OPTION.contentFormat, "Content-Format"],
  [OPTION.maxAge, "Max-Age"],
  [OPTION.uriQuery, "Uri-Query"],
  [OPTION.hopLimit, "Hop-Limit"],
  [OPTION.accept, "Accept"],
  [OPTION.edhoc, "EDHOC"],
  [OPTION.block2, "Block2"],
  [OPTION.block1, "Block1"],
  [OPTION.proxyUri, "Proxy-Uri"],
  [OPTION.proxyScheme, "Proxy-Scheme"],
  [OPTION.size1, "Size1"],
  [OPTION.echo, "Echo"],
  [OPTION.noResponse, "No-Response"],
  [OPTION.requestTag, "Request-Tag"],
  [OPTION.delayTolerance, "Delay-Tolerance"],
  [OPTION.bundle, "Bundle"],
  [OPTION.multicastTimeout, "Multicast-Timeout"],
]);
const TEXT_OPTIONS: ReadonlySet<number> = new Set([
  OPTION.uriHost,
  OPTION.uriQuery,
  OPTION.proxyUri,
  OPTION.proxyScheme,
]);
const NUMBER_OPTIONS: ReadonlySet<number> = new Set([
  OPTION.contentFormat,
  OPTION.accept,
  OPTION.uriPort,
  OPTION.maxAge,
  OPTION.hopLimit,
  OPTION.size1,
  OPTION.noResponse,
  OPTION.delayTolerance,
  OPTION.multicastTimeout,
]);

function optionText({ number, value }: CoapOption): string {
  const name = OPTION_NAMES.get(number) ?? `option ${number}`;
  if (TEXT_OPTIONS.has(number)) return `${name} ${new TextDecoder().decode(value)}`;
  if (NUMBER_OPTIONS.has(number)) return `${name} ${Number.parseInt(toHex(value) || "0", 16)}`;
  const block = blockText({ number, value });
  if (block !== undefined) return `${name} ${block}`;
  return value.length === 0 ? name : `${name} ${toHex(value)}`;
}

/** Number, whether more follow, and size, as the figures of RFC 7959 write a block: `2/1/512`. */
function blockText(option: CoapOption): string | undefined {
  if (option.number !== OPTION.block1 && option.number !== OPTION.block2) return undefined;
  const block = readBlock({ code: CODE.empty, options: [option], payload: EMPTY }, option.number);
  if (block === undefined || "refusal" in block) return undefined;
  return `${block.number}/${block.more ? 1 : 0}/${blockBytes(block)}`;
}

/** EDHOC over CoAP (RFC 9528 appendix A.2): a POST with a prefix, or an answer in its format. */
function edhocLayer(message: CoapMessage): Layer | undefined {
  const { payload } = message;
  const format = formatOf(message);
  const path = pathOf(message);
  const isRequest =
    isRequestCode(message.code) &&
    (path === "k" || path === ".well-known/edhoc" || format === FORMAT.connectionIdAndEdhoc);
  if (!isRequest && format !== FORMAT.edhoc) return undefined;
  if (isRequest) return requestLayer(payload);
  const error = decodeError(payload);
  if (error !== undefined)
    return {
      layer: "edhoc",
      fields: {
        message: "error",
        code: error.code,
        text: error.text ?? "",
        suites: error.suites?.join(" ") ?? "",
      },
    };
  const message2 = decodeMessage2(payload);
  if (message2 === undefined) return { layer: "edhoc", fields: { error: "no EDHOC message" } };
  return {
    layer: "edhoc",
    fields: {
      message: "message_2",
      G_Y: toHex(message2.publicKey),
      "ciphertext bytes": message2.ciphertext.length,
    },
  };
}

const TRUE = 0xf5;

function requestLayer(payload: Uint8Array): Layer {
  const prefixBytes = firstItemLength(payload) ?? 0;
  const rest = payload.slice(prefixBytes);
  const message1 = payload[0] === TRUE ? decodeMessage1(rest) : undefined;
  if (message1 !== undefined) {
    const { method, suites, publicKey, connectionId } = message1;
    return {
      layer: "edhoc",
      fields: {
        message: "message_1",
        method,
        suites: suites.join(" "),
        G_X: toHex(publicKey),
        C_I: toHex(connectionId),
      },
    };
  }
  if (payload[0] !== TRUE && decodeCiphertext(rest) !== undefined) {
    return {
      layer: "edhoc",
      fields: { message: "message_3", C_R: toHex(payload.slice(0, prefixBytes)), bytes: rest.length },
    };
  }
  return { layer: "edhoc", fields: { error: "no EDHOC message" } };
}

function plainPayload(content: CoapContent): Layer[] {
  const { payload } = content;
  if (payload.length === 0) return [];
  const format = formatOf(content);
  const bundle = format === FORMAT.bundle ? bundleLayers(payload) : undefined;
  if (bundle !== undefined) return bundle;
  const items = itemsOf(format, payload);
  if (items !== undefined)
    return [{ layer: "cbor", fields: { text: items.map((item: CborValue) => cborText(item)).join(", ") } }];
  const isText = format === FORMAT.linkFormat || format === undefined;
  return [
    {
      layer: "bytes",
      fields: isText ? { text: new TextDecoder().decode(payload) } : { hex: toHex(payload) },
    },
  ];
}

function itemsOf(format: number | undefined, payload: Uint8Array): CborValue[] | undefined {
  if (format === FORMAT.cbor) return decodeCborSequence(payload);
  const pack = format === FORMAT.senmlCbor ? decodeCborWithFractions(payload) : undefined;
  return pack === undefined ? undefined : [pack];
}

function formatOf(content: CoapContent): number | undefined {
  const value = findOption(content, OPTION.contentFormat);
  return value === undefined ? undefined : Number.parseInt(toHex(value) || "0", 16);
}
