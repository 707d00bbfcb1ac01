/** A blob: one value. */

import type { Writer } from '../../base/bytes.ts';
import type { ChunkReader } from '../../base/chunk-reader.ts';
import { store, writeStored } from '../stored.ts';
import type { Stored } from '../stored.ts';
import { Leaf, maxEncodedValueBytes } from './head.ts';
import type { Owner, StoredHead } from './head.ts';

export class BlobNode extends Leaf {
  declare version: number;
  declare modified: number;
  readonly owner: Owner;
  value: Stored;

  constructor(name: string, version: number, created: number, modified: number, value: Stored, owner: Owner = null) {
    super(name, version, created, modified);
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
  withValue(value: Stored, op: number, owner: Owner): BlobNode {
    if (owner === null || this.owner !== owner) {
      return new BlobNode(this.name, this.version + 1, this.created, op, value, owner);
    }
    this.value = value;
    this.version++;
    this.modified = op;
    return this;
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

  static restore(reader: ChunkReader, { name, version, created, modified }: StoredHead): BlobNode {
    return new BlobNode(name, version, created, modified, store(reader.bytes(maxEncodedValueBytes)));
  }
}
