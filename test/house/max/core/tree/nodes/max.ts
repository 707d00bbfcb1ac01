/** A maximum: the largest number to which it was raised. */

import type { Writer } from '../../base/bytes.ts';
import type { ChunkReader } from '../../base/chunk-reader.ts';
import { Leaf, itemOverheadBytes } from './head.ts';
import type { NodeHead } from './head.ts';

export class MaxNode extends Leaf {
  readonly value: number;

  constructor(head: NodeHead, value: number) {
    super(head);
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

  copied(head: NodeHead): MaxNode {
    return new MaxNode(head, this.value);
  }

  get toldValue(): null {
    return null;
  }

  get toldNumber(): number {
    return this.value;
  }

  raised(value: number, op: number): MaxNode {
    return new MaxNode(this.changedBy(op), value);
  }

  contents(): null {
    return null;
  }

  write(writer: Writer): void {
    writer.int(this.value);
  }

  static restore(reader: ChunkReader, head: NodeHead): MaxNode {
    return new MaxNode(head, reader.int());
  }
}
