/** A set: members, sorted by their bytes, each only once. */

import { invariant } from '../../base/assert.ts';
import { compareBytes } from '../../base/bytes.ts';
import type { ChunkReader } from '../../base/chunk-reader.ts';
import { MalformedError } from '../../base/errors.ts';
import type { Op } from '../../base/ids.ts';
import { newMembers } from '../btree.ts';
import type { SortedMap } from '../btree.ts';
import { itemOverheadBytes, maxEncodedValueBytes, newHead } from './head.ts';
import type { Contents, NodeHead, Owner } from './head.ts';
import { Many } from './many.ts';

export class SetNode extends Many<Uint8Array, undefined> {
  get type(): 'set' {
    return 'set';
  }

  get members(): SortedMap<Uint8Array, undefined> {
    return this.entries;
  }

  static empty(name: string, op: Op): SetNode {
    return new SetNode(newHead(name, op), newMembers(), 0);
  }

  /** Adds a member that is not in the set yet. */
  inserted(member: Uint8Array, op: Op, owner: Owner): this {
    const set = this.writable(op, owner);
    invariant(set.members.set(member, undefined), 'only a new member is inserted');
    set.bytes += member.length + itemOverheadBytes;
    return set;
  }

  /** Removes a member that is in the set. */
  removed(member: Uint8Array, op: Op, owner: Owner): this {
    const set = this.writable(op, owner);
    invariant(set.members.delete(member), 'only a member is removed');
    set.bytes -= member.length + itemOverheadBytes;
    return set;
  }

  copied(head: NodeHead, owner: Owner): SetNode {
    return new SetNode(head, this.entries.clone(), this.bytes, owner);
  }

  contents(): Contents {
    return { kind: 'inserted', values: this.members.keys() };
  }

  static restore(reader: ChunkReader, head: NodeHead): SetNode {
    const count = reader.uint();
    const members = newMembers();
    let bytes = 0;
    let before: Uint8Array | null = null;
    for (let i = 0; i < count; i++) {
      const member = ownMember(reader.bytes(maxEncodedValueBytes));
      if (before !== null && compareBytes(before, member) >= 0)
        throw new MalformedError('members are not in order', head.name);
      before = member;
      members.set(member, undefined);
      bytes += member.length + itemOverheadBytes;
    }
    return new SetNode(head, members, bytes);
  }
}

/** A copy of a member. It came as a view of a frame that may be megabytes, which the member would keep alive. */
export function ownMember(member: Uint8Array): Uint8Array {
  return new Uint8Array(member);
}
