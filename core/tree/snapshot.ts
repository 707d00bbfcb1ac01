/**
 * The canonical encoding of a tree, for checkpoints. Equal content gives equal bytes, however it came about. It is
 * written piece by piece while the tree goes on changing, and it shows its own end.
 */

import { Writer, compareText } from '../base/bytes.ts';
import type { ChunkReader } from '../base/chunk-reader.ts';
import { MalformedError } from '../base/errors.ts';
import { newNames } from './btree.ts';
import { nodeTypes } from './names.ts';
import type { NodeType } from './names.ts';
import { DirectoryNode, isLeafType, leafClasses } from './node.ts';
import type { TreeNode } from './node.ts';
import { treeBytes } from './nodes/head.ts';
import type { NodeHead } from './nodes/head.ts';
import { readLife, writeLife } from './nodes/life.ts';
import { writeStored } from './stored.ts';
import type { Stored } from './stored.ts';
import { isPartName, maxPartBytes, maxPathParts } from './path.ts';

const formatVersion = 3;
/** Added to the number of the type of a node that has a life. */
const withLife = 128;
/** The number of each type in the encoding, which is its position among the words of the tree. */
const typeNumbers = Object.fromEntries(nodeTypes.map((type, index) => [type, index])) as Record<NodeType, number>;

/** What must still be written of one node: the nodes beneath it, or its values. */
type Remaining =
  | { readonly kind: 'nodes'; readonly rest: Iterator<TreeNode> }
  | { readonly kind: 'values'; readonly rest: Iterator<Stored> }
  | { readonly kind: 'pieces'; readonly rest: Iterator<undefined, void> };

/** Holds one version of a tree in O(1), and knows how far it has been written. */
export class TreeSnapshot {
  readonly #writer = new Writer(64 * 1024);
  /** Open nodes, the deepest last. There are never more than a path has parts. */
  readonly #open: Remaining[] = [];

  constructor(root: DirectoryNode) {
    this.#writer.u8(formatVersion);
    this.#begin(root);
  }

  /** The next piece, of about `bytes` and never empty. Null at the end. */
  next(bytes: number): Uint8Array | null {
    while (this.#writer.length < bytes && this.#open.length > 0) this.#step();
    if (this.#writer.length === 0) return null;
    const piece = this.#writer.finish();
    this.#writer.reset();
    return piece;
  }

  #step(): void {
    const remaining = this.#open[this.#open.length - 1]!;
    const next = remaining.rest.next();
    if (next.done === true) this.#open.pop();
    else if (remaining.kind === 'nodes') this.#begin(next.value as TreeNode);
    else if (remaining.kind === 'values') writeStored(this.#writer, next.value as Stored);
  }

  #begin(node: TreeNode): void {
    const writer = this.#writer;
    writer.u8(typeNumbers[node.type] + (node.life === null ? 0 : withLife));
    writer.text(node.name);
    writer.uint(node.version);
    writer.uint(node.created);
    writer.uint(node.modified);
    if (node.life !== null) writeLife(writer, node.life);
    if (node instanceof DirectoryNode) {
      writer.u8(node.auto ? 1 : 0);
      writer.uint(node.count);
      this.#open.push({ kind: 'nodes', rest: node.children.values() });
      return;
    }
    node.write(writer);
    const pieces = node.pieces(writer);
    if (pieces !== null) {
      this.#open.push({ kind: 'pieces', rest: pieces });
      return;
    }
    const inside = node.contents();
    if (inside !== null) this.#open.push({ kind: 'values', rest: inside.values });
  }
}

function readDirectory(reader: ChunkReader, head: NodeHead, depth: number): DirectoryNode {
  const flags = reader.u8();
  if (flags > 1) throw new MalformedError('a directory has unknown flags', head.name);
  const count = reader.uint();
  if (count > 0 && depth === maxPathParts) throw new MalformedError('tree is deeper than paths can be', head.name);
  const children = newNames<TreeNode>();
  let bytes = 0;
  let nodes = 0;
  let held = 0;
  let owned = 0;
  let lives = 0;
  let before: string | null = null;
  for (let i = 0; i < count; i++) {
    const child = readNode(reader, depth + 1);
    if (!isPartName(child.name)) throw new MalformedError('name of a node is malformed', child.name);
    if (before !== null && compareText(before, child.name) >= 0)
      throw new MalformedError('children are not in order', child.name);
    if (child.created < head.created || child.modified > head.modified)
      throw new MalformedError('node lived when its directory did not', child.name);
    before = child.name;
    children.set(child.name, child);
    bytes += treeBytes(child);
    nodes += 1 + child.nodes;
    held += child.held;
    owned += child.owned;
    lives += child.lives;
  }
  return new DirectoryNode(head, children, { bytes, nodes, held, owned, lives }, { auto: flags === 1, owner: null });
}

/** The depth of paths is bounded, so the recursion is bounded. */
function readNode(reader: ChunkReader, depth: number): TreeNode {
  const byte = reader.u8();
  const number = byte % withLife;
  const name = reader.text(maxPartBytes);
  const version = reader.uint();
  const created = reader.uint();
  const modified = reader.uint();
  if (modified < created) throw new MalformedError('node was changed before it was created', name);
  const life = byte === number ? null : readLife(reader, name);
  const head = { name, version, created, modified, life };
  const type = nodeTypes[number];
  if (type === 'directory' && life !== null && life.owner !== 0)
    throw new MalformedError('a directory belongs to a session', name);
  if (type === 'directory') return readDirectory(reader, head, depth);
  if (type === undefined || !isLeafType(type)) throw new MalformedError(`unknown type of node ${number}`, name);
  return leafClasses[type].restore(reader, head);
}

/** Reads the root of a tree. `reader` is left after the tree's last byte. @throws MalformedError */
export function restoreRoot(reader: ChunkReader): DirectoryNode {
  const format = reader.u8();
  if (format !== formatVersion)
    throw new MalformedError(`tree has format ${format}, this release reads ${formatVersion}`);
  const root = readNode(reader, 0);
  if (!(root instanceof DirectoryNode) || root.name !== '') throw new MalformedError('root is not a root directory');
  return root;
}
