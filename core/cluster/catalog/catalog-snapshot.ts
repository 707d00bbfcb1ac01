/**
 * The encoded state of the catalog: a header, then nodes and namespaces in the order of their ops. Equal states have
 * equal bytes (protocol §6).
 */

import { Reader, Writer, concatBytes, equalBytes, utf8 } from '../../base/bytes.ts';
import { MalformedError } from '../../base/errors.ts';
import { clusterIdSchema, nameSchema } from '../../base/ids.ts';
import type { NamespaceId, Op } from '../../base/ids.ts';
import type { TypeOf } from '../../base/schema.ts';
import { nullable, struct, uint } from '../../base/schema.ts';
import type { Snapshot } from '../../vr/ports.ts';
import type { NamespaceRecord, CatalogNode } from './catalog-messages.ts';
import { maxNamespaces, maxNodes, namespaceRecordSchema, catalogNodeSchema } from './catalog-messages.ts';

const snapshotFormat = 2;
const magic = utf8('haret catalog');

const foundingSchema = struct({ cluster: clusterIdSchema, node: nameSchema });
/** Which cluster this is, and the node that founded it. */
export type Founding = TypeOf<typeof foundingSchema>;

const headerSchema = struct({ op: uint<Op>(), version: uint(), founding: nullable(foundingSchema) });
export type CatalogHeader = TypeOf<typeof headerSchema>;

export interface CatalogState {
  readonly header: CatalogHeader;
  /** By name, in the order in which they were added. */
  readonly nodes: ReadonlyMap<string, CatalogNode>;
  /** By id, in the order of ids. */
  readonly namespaces: ReadonlyMap<NamespaceId, NamespaceRecord>;
}

export class CatalogSnapshot implements Snapshot {
  readonly #writer = new Writer();
  readonly #records: Generator<undefined, void>;
  #done = false;

  /** `state` must not change while this is read. */
  constructor(state: CatalogState) {
    this.#records = writeRecords(this.#writer, state);
  }

  next(bytes: number): Uint8Array | null {
    this.#writer.reset();
    while (!this.#done && this.#writer.length < bytes) this.#done = this.#records.next().done === true;
    return this.#writer.length === 0 ? null : this.#writer.finish();
  }
}

function* writeRecords(writer: Writer, state: CatalogState): Generator<undefined, void> {
  writer.raw(magic);
  writer.uint(snapshotFormat);
  headerSchema.encode(writer, state.header);
  writer.uint(state.nodes.size);
  for (const node of state.nodes.values()) {
    catalogNodeSchema.encode(writer, node);
    yield;
  }
  writer.uint(state.namespaces.size);
  for (const namespace of state.namespaces.values()) {
    namespaceRecordSchema.encode(writer, namespace);
    yield;
  }
}

/** @throws MalformedError when the bytes are not a snapshot of a catalog in this format. */
export function readCatalog(chunks: Iterable<Uint8Array>): {
  readonly header: CatalogHeader;
  readonly nodes: Map<string, CatalogNode>;
  readonly namespaces: Map<NamespaceId, NamespaceRecord>;
} {
  // A catalog is small, so it is read in one piece.
  const reader = new Reader(concatBytes([...chunks]));
  if (!equalBytes(reader.raw(magic.length), magic)) throw new MalformedError('is not a snapshot of a catalog');
  const format = reader.uint();
  if (format !== snapshotFormat) {
    throw new MalformedError(`snapshot has format ${format}, this release reads ${snapshotFormat}`);
  }
  const header = headerSchema.decode(reader);
  const nodes = new Map<string, CatalogNode>();
  let last = 0;
  const inOrder = (op: Op | NamespaceId, same: boolean): void => {
    if (op <= last || op > header.op || same)
      throw new MalformedError(`snapshot has the record of op ${op} in a wrong place`);
    last = op;
  };
  for (let left = countOf(reader, maxNodes); left > 0; left--) {
    const node = catalogNodeSchema.decode(reader);
    inOrder(node.added, nodes.has(node.name));
    nodes.set(node.name, node);
  }
  const namespaces = new Map<NamespaceId, NamespaceRecord>();
  last = 0;
  for (let left = countOf(reader, maxNamespaces); left > 0; left--) {
    const namespace = namespaceRecordSchema.decode(reader);
    inOrder(namespace.id, false);
    namespaces.set(namespace.id, namespace);
  }
  reader.end();
  return { header, nodes, namespaces };
}

function countOf(reader: Reader, limit: number): number {
  const count = reader.uint();
  if (count > limit) throw new MalformedError(`snapshot has ${count} records, the limit is ${limit}`);
  return count;
}
