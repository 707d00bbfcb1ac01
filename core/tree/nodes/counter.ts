/** A counter: one number. */

import type { Writer } from '../../base/bytes.ts';
import type { ChunkReader } from '../../base/chunk-reader.ts';
import type { Op } from '../../base/ids.ts';
import { Leaf, itemOverheadBytes } from './head.ts';
import type { NodeHead } from './head.ts';

export class CounterNode extends Leaf {
  readonly value: number;

  constructor(head: NodeHead, value: number) {
    super(head);
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

  withValue(value: number, op: Op): CounterNode {
    return new CounterNode(this.changedBy(op), value);
  }

  copied(head: NodeHead): CounterNode {
    return new CounterNode(head, this.value);
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

  static restore(reader: ChunkReader, head: NodeHead): CounterNode {
    return new CounterNode(head, reader.int());
  }
}
