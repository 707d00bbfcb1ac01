/** A counter: one number. */

import type { Writer } from '../../base/bytes.ts';
import type { ChunkReader } from '../../base/chunk-reader.ts';
import { Leaf, itemOverheadBytes } from './head.ts';
import type { StoredHead } from './head.ts';

export class CounterNode extends Leaf {
  readonly value: number;

  constructor(name: string, version: number, created: number, modified: number, value: number) {
    super(name, version, created, modified);
    this.value = value;
  }

  get type(): 'counter' {
    return 'counter';
  }

  get bytes(): number {
    return itemOverheadBytes;
  }

  get count(): 0 {
    return 0;
  }

  withValue(value: number, op: number): CounterNode {
    return new CounterNode(this.name, this.version + 1, this.created, op, value);
  }

  get toldValue(): null {
    return null;
  }

  get toldNumber(): number {
    return this.value;
  }

  contents(): null {
    return null;
  }

  write(writer: Writer): void {
    writer.int(this.value);
  }

  static restore(reader: ChunkReader, { name, version, created, modified }: StoredHead): CounterNode {
    return new CounterNode(name, version, created, modified, reader.int());
  }
}
