/** A blob: one value. */

import type { Writer } from '../../base/bytes.ts';
import type { ChunkReader } from '../../base/chunk-reader.ts';
import type { Op } from '../../base/ids.ts';
import { store, writeStored } from '../stored.ts';
import type { Stored } from '../stored.ts';
import { Leaf, maxEncodedValueBytes, owns } from './head.ts';
import type { NodeHead, Owner } from './head.ts';

export class BlobNode extends Leaf {
  declare version: number;
  declare modified: Op;
  readonly owner: Owner;
  value: Stored;

  constructor(head: NodeHead, value: Stored, owner: Owner = null) {
    super(head);
    this.value = value;
    this.owner = owner;
  }

  get type(): 'blob' {
    return 'blob';
  }

  get bytes(): number {
    return this.value.length;
  }

  get count(): 0 {
    return 0;
  }

  /** Changes the blob in place if `owner` owns it. Its directory then need not look it up again. */
  withValue(value: Stored, op: Op, owner: Owner): BlobNode {
    if (!owns(owner, this)) return new BlobNode(this.changedBy(op), value, owner);
    this.value = value;
    this.version++;
    this.modified = op;
    return this;
  }

  copied(head: NodeHead, owner: Owner): BlobNode {
    return new BlobNode(head, this.value, owner);
  }

  get toldValue(): Stored {
    return this.value;
  }

  get toldNumber(): null {
    return null;
  }

  contents(): null {
    return null;
  }

  write(writer: Writer): void {
    writeStored(writer, this.value);
  }

  static restore(reader: ChunkReader, head: NodeHead): BlobNode {
    return new BlobNode(head, store(reader.bytes(maxEncodedValueBytes)));
  }
}
