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

/**
 * The links that a query asks for, `rt=core.edhoc` or `href=/r` with `*` at its end for whatever follows
 * (RFC 6690 4.1). An attribute without a value matches the empty pattern.
 */
export function matchingLinks(links: readonly ResourceLink[], query: string): readonly ResourceLink[] {
  const [, name = "", pattern = ""] = /^([^=]*)=?(.*)$/s.exec(query) ?? [];
  const isMatch = pattern.endsWith("*")
    ? (value: string) => value.startsWith(pattern.slice(0, -1))
    : (value: string) => value === pattern;
  return links.filter((link) => valuesOf(link, name).some(isMatch));
}

/** What a link has under a name: several values for attributes that are lists of words (RFC 6690 3). */
function valuesOf(link: ResourceLink, name: string): string[] {
  if (name === "href") return [targetOf(link)];
  const value = Object.entries(link.attributes ?? {}).find(([attribute]) => attribute === name)?.[1];
  if (value === undefined) return [];
  return value === true ? [""] : String(value).split(" ");
}

function targetOf({ path }: ResourceLink): string {
  return `/${path.split("/").map(encodeURIComponent).join("/")}`;
}

function encodeLink(link: ResourceLink): string {
  const parameters = Object.entries(link.attributes ?? {}).map((entry) => `;${encodeAttribute(...entry)}`);
  return `<${targetOf(link)}>${parameters.join("")}`;
}

function encodeAttribute(name: string, value: string | number | true): string {
  if (value === true) return name;
  if (typeof value === "number") return `${name}=${value}`;
  return `${name}="${value.replace(/["\\]/g, "\\$&")}"`;
}
