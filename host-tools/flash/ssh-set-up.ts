// How a board over ssh gets its first files: they are sent aside, and put into their places by the board's own shell.
import { placesBelow } from "../../firmware/startup/board-places.ts";
import type { BoardSetUp, SetUpFile } from "./set-up.ts";

/** The script's exit code where the board has another meter's key. */
export const OTHER_KEY = 45;

const DATA = placesBelow("").data;
const FOLDER_MODE = "755";
const PRIVATE_MODE = "700";

/** Makes the folders above these paths, where they are not there; those with keys and readings are one user's alone. */
export function folderScript(root: string, paths: readonly string[]): string {
  const folders = new Set(paths.flatMap(foldersAbove));
  return ["umask 077", ...[...folders].map((folder) => makeFolder(root, folder))].join(" && ");
}

/**
 * Puts the files that were sent as `aside/0`, `aside/1` ... into their places, each as a whole and in order, so that the
 * last one is there only if all are. All words are our own, and a root that was checked: there is nothing to quote.
 */
export function setUpScript(root: string, aside: string, { files, links }: BoardSetUp): string {
  const all = files.map((file, i) => ({ file, from: `${aside}/${i}`, to: `${root}/${file.path}` }));
  const keys = all.filter(({ file }) => file.isKey);
  const paths = [...links, ...files].map(({ path }) => path);
  const puts = all.map(({ file, from, to }) => put(file, from, to));
  return [
    folderScript(root, paths),
    ...keys.map(({ from, to }) => `{ test ! -e ${to} || cmp -s ${from} ${to} || exit ${OTHER_KEY}; }`),
    ...links.map(({ path, target }) => `ln -sfn ${target} ${root}/${path}`),
    ...puts.slice(0, -1),
    "sync",
    ...puts.slice(-1),
    `rm -rf ${aside}`,
    "sync",
  ].join(" && ");
}

function put({ mode }: SetUpFile, from: string, to: string): string {
  const fresh = `${to}.new`;
  return `rm -f ${fresh} && cp ${from} ${fresh} && chmod ${mode.toString(8)} ${fresh} && mv -f ${fresh} ${to}`;
}

function makeFolder(root: string, folder: string): string {
  const path = `${root}/${folder}`;
  if (!`${folder}/`.startsWith(`${DATA}/`))
    return `{ test -d ${path} || { mkdir ${path} && chmod ${FOLDER_MODE} ${path}; }; }`;
  // The meter's own user could have put a link there, which root is not to follow.
  return `{ { test -d ${path} && test ! -L ${path}; } || { mkdir ${path} && chmod ${PRIVATE_MODE} ${path}; }; }`;
}

function foldersAbove(path: string): string[] {
  const segments = path.split("/");
  return segments.slice(1).map((_, i) => segments.slice(0, i + 1).join("/"));
}
