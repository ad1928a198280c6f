// Where a board is to be flashed, as it is written on the command line.
import { resolve } from "node:path";

/** A board over ssh; its root there is a path of harmless characters, so that no shell can read it otherwise. */
export interface SshPlace {
  readonly kind: "ssh";
  readonly user: string | undefined;
  readonly host: string;
  readonly port: number | undefined;
  /** `/` is the board's own root. */
  readonly root: string;
  readonly identityFile: string | undefined;
  readonly knownHostsFile: string | undefined;
  /** The user is none who may write there, and becomes root by sudo, without a password. */
  readonly sudo: boolean;
}

export type FlashPlace =
  /** A board's root in a folder here: a mounted card, or any other. */
  | { readonly kind: "dir"; readonly path: string }
  | SshPlace
  /** The recovery console of a loader, at a line of bytes. */
  | { readonly kind: "console"; readonly address: string }
  /** A running meter, by whatever way other commands ask it. */
  | { readonly kind: "coap"; readonly target: string };

type Refusal = { readonly error: string };

const FORMS =
  "dir:PATH, ssh:[USER@]HOST[:PORT][/ROOT], serial:PATH?baud=115200 (the recovery console) or coap:TARGET (a running meter)";

/** The place that `text` writes, or one sentence on what is wrong with it and how to write it. */
export function parseFlashPlace(text: string): FlashPlace | Refusal {
  const [, kind, rest = ""] = /^([a-z]+):(.*)$/s.exec(text) ?? [];
  switch (kind) {
    case "dir":
      return rest === "" ? refuse(text, "names no folder") : { kind, path: rest };
    case "ssh":
      return parseSsh(rest, text);
    case "serial":
    case "tcp":
    case "pty":
      return { kind: "console", address: text };
    case "coap":
      return rest === "" ? refuse(text, "names no meter") : { kind, target: rest };
    default:
      return refuse(text, "has none of the known forms");
  }
}

/** Neither begins with a dash: a program would take it for an option. */
const USER = "[A-Za-z0-9_][A-Za-z0-9._-]{0,63}";
const HOST = "[A-Za-z0-9_][A-Za-z0-9._-]{0,252}";
const IPV6_HOST = "\\[[0-9a-fA-F:.]{2,45}\\]";
const SSH = new RegExp(
  `^(?:(?<user>${USER})@)?(?<host>${HOST}|${IPV6_HOST})(?::(?<port>\\d{1,5}))?(?<root>/[^?]*)?(?:\\?(?<query>.*))?$`,
  "s",
);

/** No blank, quote, dollar sign or wildcard: what a remote shell, or sftp's own, would read as something else. */
const ROOT_SEGMENT = /^[A-Za-z0-9_@+][A-Za-z0-9._@+-]{0,127}$/;
const ROOT_SEGMENTS_MAX = 16;

function parseSsh(rest: string, text: string): FlashPlace | Refusal {
  const { user, host, port, root = "/", query = "" } = SSH.exec(rest)?.groups ?? {};
  if (host === undefined)
    return refuse(text, "has no user and host of letters, digits, dots and dashes, the first no dash");
  if (port !== undefined && (Number(port) < 1 || Number(port) > 65_535))
    return refuse(text, `has the port ${port}, which is none`);
  const segments = root.split("/").filter((segment) => segment !== "");
  if (segments.length > ROOT_SEGMENTS_MAX || !segments.every((segment) => ROOT_SEGMENT.test(segment)))
    return refuse(text, "has a root with other characters than letters, digits and ._@+- in its names");
  const more = parseQuery(query);
  if ("error" in more) return refuse(text, more.error);
  return {
    kind: "ssh",
    user,
    host: host.replace(/^\[(.*)\]$/, "$1"),
    port: port === undefined ? undefined : Number(port),
    root: `/${segments.join("/")}`,
    ...more,
  };
}

/** What ssh itself reads in a path of its own options. */
const READ_BY_SSH = /["'%$\\\p{Cc}]/u;

const SETTINGS = ["identity", "known-hosts", "sudo"];

function parseQuery(query: string): Pick<SshPlace, "identityFile" | "knownHostsFile" | "sudo"> | Refusal {
  const given = query === "" ? [] : [...new URLSearchParams(query)];
  const unknown = given.find(([name]) => !SETTINGS.includes(name));
  if (unknown !== undefined)
    return { error: `says ${unknown[0]}=, and only ${SETTINGS.join("=, ")}= are known` };
  const known = new Map(given);
  if (known.size < given.length) return { error: "says one thing twice behind its ?" };
  const { identity, "known-hosts": hosts, sudo = "no" } = Object.fromEntries(known);
  const odd = [identity, hosts].find((path) => path === "" || (path !== undefined && READ_BY_SSH.test(path)));
  if (odd !== undefined) return { error: "has a path behind its ? that ssh would not read as it is written" };
  if (sudo !== "yes" && sudo !== "no") return { error: `says sudo=${sudo}, which is yes or no` };
  return {
    identityFile: identity === undefined ? undefined : resolve(identity),
    knownHostsFile: hosts === undefined ? undefined : resolve(hosts),
    sudo: sudo === "yes",
  };
}

function refuse(text: string, why: string): Refusal {
  return { error: `The target ${text} ${why}: write ${FORMS}.` };
}
