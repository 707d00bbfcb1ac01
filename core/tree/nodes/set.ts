/** A set: members, sorted by their bytes, each only once. */

import { invariant } from '../../base/assert.ts';
import { compareBytes } from '../../base/bytes.ts';
import type { Writer } from '../../base/bytes.ts';
import type { ChunkReader } from '../../base/chunk-reader.ts';
import { MalformedError } from '../../base/errors.ts';
import { newMembers } from '../btree.ts';
import type { SortedMap } from '../btree.ts';
import { Leaf, itemOverheadBytes, maxEncodedValueBytes } from './head.ts';
import type { Contents, Owner, StoredHead } from './head.ts';

export class SetNode extends Leaf {
  declare version: number;
  declare modified: number;
  readonly owner: Owner;
  readonly members: SortedMap<Uint8Array, undefined>;
  bytes: number;

  constructor(
    name: string,
    version: number,
    created: number,
    modified: number,
    members: SortedMap<Uint8Array, undefined>,
    bytes: number,
    owner: Owner = null,
  ) {
    super(name, version, created, modified);
    this.members = members;
    this.bytes = bytes;
    this.owner = owner;
  }

  static empty(name: string, op: number): SetNode {
    return new SetNode(name, 0, op, op, newMembers(), 0);
  }

  get type(): 'set' {
    return 'set';
  }

  get count(): number {
    return this.members.size;
  }

  /** Adds a member that is not in the set yet. */
  inserted(member: Uint8Array, op: number, owner: Owner): SetNode {
    const set = this.#writable(op, owner);
    invariant(set.members.set(member, undefined), 'only a new member is inserted');
    set.bytes += member.length + itemOverheadBytes;
    return set;
  }

  /** Removes a member that is in the set. */
  removed(member: Uint8Array, op: number, owner: Owner): SetNode {
    const set = this.#writable(op, owner);
    invariant(set.members.delete(member), 'only a member is removed');
    set.bytes -= member.length + itemOverheadBytes;
    return set;
  }

  /** As `#writable` of a queue. */
  #writable(op: number, owner: Owner): SetNode {
    if (owner === null || this.owner !== owner) {
      return new SetNode(this.name, this.version + 1, this.created, op, this.members.clone(), this.bytes, owner);
    }
    this.version++;
    this.modified = op;
    return this;
  }

  get toldValue(): null {
    return null;
  }

  get toldNumber(): null {
    return null;
  }

  contents(): Contents {
    return { kind: 'inserted', values: this.members.keys() };
  }

  write(writer: Writer): void {
    writer.uint(this.count);
  }

  static restore(reader: ChunkReader, { name, version, created, modified }: StoredHead): SetNode {
    const count = reader.uint();
    const members = newMembers();
    let bytes = 0;
    let before: Uint8Array | null = null;
    for (let i = 0; i < count; i++) {
      const member = ownMember(reader.bytes(maxEncodedValueBytes));
      if (before !== null && compareBytes(before, member) >= 0)
        throw new MalformedError('members are not in order', name);
      before = member;
      members.set(member, undefined);
      bytes += member.length + itemOverheadBytes;
    }
    return new SetNode(name, version, created, modified, members, bytes);
  }
}

/** A copy of a member. It came as a view of a frame that may be megabytes, which the member would keep alive. */
export function ownMember(member: Uint8Array): Uint8Array {
  return new Uint8Array(member);
}
