import { type FileKind, type FileTree, isTreePath } from "../ports/file-tree.ts";
import type { StorageResult } from "../ports/storage.ts";
import {
  DiskOperations,
  Inode,
  type StorageFaultPlan,
  type Survival,
  survivingChanges,
} from "./disk-model.ts";

type Node =
  | { readonly kind: "file"; readonly inode: Inode }
  | { readonly kind: "folder"; readonly folder: Folder }
  | { readonly kind: "link"; readonly target: string };

class Folder {
  readonly nodes: Map<string, Node>;
  /** What stands in it for certain. */
  durable: ReadonlyMap<string, Node>;

  constructor(nodes: ReadonlyMap<string, Node> = new Map()) {
    this.nodes = new Map(nodes);
    this.durable = new Map(nodes);
  }
}

/** What a name in a folder stands for from now on. */
interface Edit {
  readonly folder: Folder;
  readonly name: string;
  readonly node: Node | undefined;
}

/** One step of the file system: a rename has two edits, which come together. */
type Change = readonly Edit[];

/**
 * A tree in memory that treats un-synced operations as badly as the port allows: an emulated board's disk, and the model
 * that power-loss tests enumerate.
 */
export class MemoryFileTree implements FileTree {
  readonly #root: Folder;
  #changes: Change[] = [];
  readonly #operations = new DiskOperations();

  /** Empty, or with what another one has left. */
  constructor(root = new Folder()) {
    this.#root = root;
  }

  /** How many operations were begun that change something or sync it. */
  get operations(): number {
    return this.#operations.count;
  }

  /** What a cut could take or damage now. */
  get unsynced(): { readonly bytes: boolean; readonly folderChanges: number } {
    const edited = this.#changes.flat().map(({ node }) => node);
    const bytes = hasUnsynced(edited) || hasUnsyncedBelow(this.#root);
    return { bytes, folderChanges: this.#changes.length };
  }

  /** The power goes in the middle of the operation with that number, counted from 1. */
  cutAt(operation: number): void {
    this.#operations.cutAt(operation);
  }

  /** Called in the middle of each operation, where a cut would come: `afterCut` says what it would leave. */
  watch(watcher: () => void): void {
    this.#operations.watch(watcher);
  }

  failAt(plan: StorageFaultPlan): void {
    this.#operations.failAt(plan);
  }

  /** The disk as it is found when the power is back. */
  afterCut({ bytes, folder }: Survival): MemoryFileTree {
    const edits = survivingChanges(this.#changes, folder).flat();
    const left = (from: Folder): Folder => {
      const nodes = new Map(from.durable);
      for (const { name, node } of edits.filter((edit) => edit.folder === from)) put(nodes, name, node);
      return new Folder(new Map([...nodes].map(([name, node]) => [name, leftOf(node)])));
    };
    const leftOf = (node: Node): Node => {
      if (node.kind === "folder") return { kind: "folder", folder: left(node.folder) };
      return node.kind === "file" ? { kind: "file", inode: new Inode(node.inode.surviving(bytes)) } : node;
    };
    return new MemoryFileTree(left(this.#root));
  }

  /** All files and links by their paths, in one order, with their bytes or where they point; a folder ends in a slash. */
  *contents(): Generator<readonly [path: string, content: Uint8Array | string]> {
    yield* contentsOf(this.#root, "");
  }

  kindOf(path: string): FileKind | undefined {
    return this.#find(path)?.kind;
  }

  list(folder: string): readonly string[] {
    return [...(this.#folder(folder)?.nodes.keys() ?? [])];
  }

  read(path: string): Uint8Array | undefined {
    return this.#file(path)?.content.slice();
  }

  sizeOf(path: string): number | undefined {
    return this.#file(path)?.content.length;
  }

  readLink(path: string): string | undefined {
    const node = this.#find(path);
    return node?.kind === "link" ? node.target : undefined;
  }

  write(path: string, bytes: Uint8Array): StorageResult {
    return this.#toFile(path, bytes, (inode, taken) => inode.write(taken));
  }

  append(path: string, bytes: Uint8Array): StorageResult {
    return this.#toFile(path, bytes, (inode, taken) => inode.append(taken));
  }

  makeFolder(path: string): StorageResult {
    const { folder, name, node } = this.#place(path);
    if (node?.kind === "folder") return "done";
    if (folder === undefined || node !== undefined) return "broken";
    return this.#change({ folder, name, node: { kind: "folder", folder: new Folder() } });
  }

  remove(path: string): StorageResult {
    const { folder, name, node } = this.#place(path);
    if (folder === undefined || node === undefined) return "done";
    if (node.kind === "folder" && node.folder.nodes.size > 0) return "broken";
    return this.#change({ folder, name, node: undefined });
  }

  removeAll(path: string): StorageResult {
    for (const name of this.list(path)) {
      const removed = this.removeAll(`${path}/${name}`);
      if (removed !== "done") return removed;
    }
    return this.remove(path);
  }

  rename(from: string, to: string): StorageResult {
    const [source, goal] = [this.#place(from), this.#place(to)];
    if (source.folder === undefined || goal.folder === undefined) return "broken";
    if (source.node === undefined || source.node.kind === "folder") return "broken";
    if (goal.node?.kind === "folder") return "broken";
    return this.#change(
      { folder: source.folder, name: source.name, node: undefined },
      { folder: goal.folder, name: goal.name, node: source.node },
    );
  }

  link(path: string, target: string): StorageResult {
    const { folder, name, node } = this.#place(path);
    if (folder === undefined || node !== undefined) return "broken";
    return this.#change({ folder, name, node: { kind: "link", target } });
  }

  sync(path: string): StorageResult {
    const inode = this.#file(path);
    if (inode === undefined) return "broken";
    const result = this.#operations.sync(() => inode.sync());
    if (result !== "done") inode.failSync();
    return result;
  }

  syncFolder(path: string): StorageResult {
    const folder = this.#folder(path);
    if (folder === undefined) return "broken";
    return this.#operations.sync(() => {
      folder.durable = new Map(folder.nodes);
      const there = new Set([...foldersBelow(this.#root, "nodes"), ...foldersBelow(this.#root, "durable")]);
      const pending = (edit: Edit): boolean => edit.folder !== folder && there.has(edit.folder);
      this.#changes = this.#changes
        .map((change) => change.filter(pending))
        .filter(({ length }) => length > 0);
    });
  }

  #change(...edits: Change): StorageResult {
    return this.#operations.change(() => this.#make(edits));
  }

  #make(edits: Change): void {
    for (const { folder, name, node } of edits) put(folder.nodes, name, node);
    this.#changes.push(edits);
  }

  #toFile(path: string, bytes: Uint8Array, take: (inode: Inode, taken: Uint8Array) => void): StorageResult {
    const { folder, name, node } = this.#place(path);
    if (folder === undefined || (node !== undefined && node.kind !== "file")) return "broken";
    return this.#operations.write(bytes, (taken) => {
      const inode = node?.inode ?? new Inode(new Uint8Array(0));
      if (node === undefined) this.#make([{ folder, name, node: { kind: "file", inode } }]);
      take(inode, taken);
    });
  }

  #file(path: string): Inode | undefined {
    const node = this.#find(path);
    return node?.kind === "file" ? node.inode : undefined;
  }

  #folder(path: string): Folder | undefined {
    if (path === "") return this.#root;
    const node = this.#find(path);
    return node?.kind === "folder" ? node.folder : undefined;
  }

  #find(path: string): Node | undefined {
    return this.#place(path).node;
  }

  /** The folder that a path leads to, no link followed, and what stands there. */
  #place(path: string): { folder: Folder | undefined; name: string; node: Node | undefined } {
    if (!isTreePath(path)) throw new Error(`"${path}" is no path in a tree`);
    let folder: Folder | undefined = this.#root;
    let start = 0;
    for (let end = path.indexOf("/"); end >= 0; end = path.indexOf("/", start)) {
      const node: Node | undefined = folder?.nodes.get(path.slice(start, end));
      folder = node?.kind === "folder" ? node.folder : undefined;
      start = end + 1;
    }
    const name = path.slice(start);
    return { folder, name, node: folder?.nodes.get(name) };
  }
}

function* contentsOf(folder: Folder, path: string): Generator<readonly [string, Uint8Array | string]> {
  for (const name of [...folder.nodes.keys()].sort()) {
    const node = folder.nodes.get(name) as Node;
    if (node.kind === "file") yield [path + name, node.inode.content];
    else if (node.kind === "link") yield [path + name, node.target];
    else {
      yield [`${path}${name}/`, ""];
      yield* contentsOf(node.folder, `${path}${name}/`);
    }
  }
}

/** A folder and those below it, as they stand now or for certain: what is in others is gone with them. */
function* foldersBelow(folder: Folder, when: "nodes" | "durable"): Generator<Folder> {
  yield folder;
  for (const node of folder[when].values())
    if (node.kind === "folder") yield* foldersBelow(node.folder, when);
}

function put(nodes: Map<string, Node>, name: string, node: Node | undefined): void {
  if (node === undefined) nodes.delete(name);
  else nodes.set(name, node);
}

function hasUnsyncedBelow({ nodes, durable }: Folder): boolean {
  return hasUnsynced([...nodes.values(), ...durable.values()]);
}

function hasUnsynced(nodes: readonly (Node | undefined)[]): boolean {
  return nodes.some(
    (node) =>
      (node?.kind === "file" && !node.inode.isSynced) ||
      (node?.kind === "folder" && hasUnsyncedBelow(node.folder)),
  );
}
