// Which parts of a CoAP message are inside and which outside of an OSCORE message: RFC 8613 4.1 and 4.2.
import { EMPTY } from "../bytes.ts";
import { decodeOptionsAndPayload, encodeOptionsAndPayload } from "../coap/codec.ts";
import {
  CODE,
  type CoapContent,
  type CoapOption,
  isRequestCode,
  OPTION,
  sortOptions,
} from "../coap/message.ts";

/**
 * Class U: for proxies to read, so neither hidden nor protected (RFC 8613 figure 5, RFC 8768,
 * RFC 9668 3.1). Every other option is class E, unknown ones too; those that may be both (Observe
 * apart) are only ever sent inside.
 */
const OUTER_OPTIONS: ReadonlySet<number> = new Set([
  OPTION.uriHost,
  OPTION.uriPort,
  OPTION.oscore,
  OPTION.hopLimit,
  OPTION.edhoc,
  OPTION.proxyUri,
  OPTION.proxyScheme,
]);

/**
 * The plaintext of a message: its code, its class E options, its payload (RFC 8613 5.3). An OSCORE or
 * a Proxy-Uri option is the caller's bug and throws.
 */
export function encodePlaintext(content: CoapContent): Uint8Array {
  requireProtectable(content);
  const inner = content.options.filter(({ number }) => !OUTER_OPTIONS.has(number)).map(innerOption(content));
  return encodeOptionsAndPayload(inner, content.payload, Uint8Array.of(content.code));
}

function requireProtectable({ options }: CoapContent): void {
  for (const { number } of options) {
    if (number === OPTION.oscore) throw new Error("OSCORE inside OSCORE (RFC 8613 4.1.3.7)");
    if (number === OPTION.proxyUri) throw new Error("Proxy-Uri shows the path (RFC 8613 4.1.3.3): use Uri-*");
  }
}

/** RFC 8613 4.1.3.5.2: inside of a notification the Observe option is empty; the number orders it. */
function innerOption(content: CoapContent): (option: CoapOption) => CoapOption {
  if (isRequestCode(content.code)) return (option) => option;
  return (option) => (option.number === OPTION.observe ? { number: option.number, value: EMPTY } : option);
}

/** The message around a ciphertext: a code that tells nothing, the options for proxies, the OSCORE option. */
export function wrap(content: CoapContent, oscoreValue: Uint8Array, ciphertext: Uint8Array): CoapContent {
  // Observe is for proxies too, to let more than one answer through.
  const outer = content.options.filter(
    ({ number }) => number === OPTION.observe || OUTER_OPTIONS.has(number),
  );
  const options = sortOptions([...outer, { number: OPTION.oscore, value: oscoreValue }]);
  return { code: outerCode(content), options, payload: ciphertext };
}

/** RFC 8613 4.1.3.5 and 4.2. */
function outerCode(content: CoapContent): number {
  const observes = content.options.some(({ number }) => number === OPTION.observe);
  if (isRequestCode(content.code)) return observes ? CODE.fetch : CODE.post;
  return observes ? CODE.content : CODE.changed;
}

/**
 * The message that a plaintext and the message around it make: all from inside but the class U
 * options, and of those too each that is inside (RFC 8613 8.2 steps 1 and 7). Undefined where the
 * plaintext is no message, or one that carries OSCORE itself.
 */
export function unwrap(outer: CoapContent, plaintext: Uint8Array): CoapContent | undefined {
  const [code] = plaintext;
  const inner = decodeOptionsAndPayload(plaintext, 1);
  if (code === undefined || "error" in inner) return undefined;
  const isInside = (wanted: number): boolean => inner.options.some(({ number }) => number === wanted);
  if (isInside(OPTION.oscore)) return undefined;
  const kept = outer.options.filter(
    ({ number }) => number !== OPTION.oscore && OUTER_OPTIONS.has(number) && !isInside(number),
  );
  const options = kept.length === 0 ? inner.options : sortOptions([...inner.options, ...kept]);
  return { code, options, payload: inner.payload };
}
