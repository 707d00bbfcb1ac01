/** A maximum: the largest number to which it was raised. */

import type { Writer } from '../../base/bytes.ts';
import type { ChunkReader } from '../../base/chunk-reader.ts';
import { Leaf, itemOverheadBytes } from './head.ts';
import type { StoredHead } from './head.ts';

export class MaxNode extends Leaf {
  readonly value: number;

  constructor(name: string, version: number, created: number, modified: number, value: number) {
    super(name, version, created, modified);
    this.value = value;
  }

  get type(): 'max' {
    return 'max';
  }

  get bytes(): number {
    return itemOverheadBytes;
  }

  get count(): 0 {
    return 0;
  }

  get toldValue(): null {
    return null;
  }

  get toldNumber(): number {
    return this.value;
  }

  raised(value: number, op: number): MaxNode {
    return new MaxNode(this.name, this.version + 1, this.created, op, value);
  }

  contents(): null {
    return null;
  }

  write(writer: Writer): void {
    writer.int(this.value);
  }

  static restore(reader: ChunkReader, { name, version, created, modified }: StoredHead): MaxNode {
    return new MaxNode(name, version, created, modified, reader.int());
  }
}
