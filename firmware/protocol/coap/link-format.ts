// What a server offers, as /.well-known/core tells it: RFC 6690.

/**
 * A resource and its attributes (`rt`, `if`, `ct`, `sz`, ...): text is written as a quoted string,
 * an integer as digits, and `true` as the bare name.
 */
export interface ResourceLink {
  /** Segments joined by `/`, without a leading one, as `pathOf` gives it. */
  readonly path: string;
  readonly attributes?: Readonly<Record<string, string | number | true>>;
}

/** The links in application/link-format, in the order given. */
export function encodeLinkFormat(links: readonly ResourceLink[]): string {
  return links.map(encodeLink).join(",");
}

function encodeLink({ path, attributes = {} }: ResourceLink): string {
  const target = path.split("/").map(encodeURIComponent).join("/");
  const parameters = Object.entries(attributes).map(([name, value]) => `;${encodeAttribute(name, value)}`);
  return `</${target}>${parameters.join("")}`;
}

function encodeAttribute(name: string, value: string | number | true): string {
  if (value === true) return name;
  if (typeof value === "number") return `${name}=${value}`;
  return `${name}="${value.replace(/["\\]/g, "\\$&")}"`;
}
