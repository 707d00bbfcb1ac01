/**
 * A line of claims: what a lock, a semaphore, a barrier and an election are (coordination §4). A claim waits in the line
 * until it is granted, and then holds permits. A hold that was taken from a living holder is a shadow until that holder
 * can no longer count on it.
 */

import { invariant } from '../../base/assert.ts';
import type { Writer } from '../../base/bytes.ts';
import type { ChunkReader } from '../../base/chunk-reader.ts';
import { MalformedError } from '../../base/errors.ts';
import type { Op, RequestNumber, SessionId } from '../../base/ids.ts';
import { newNumbered } from '../btree.ts';
import type { SortedMap } from '../btree.ts';
import type { ClaimType } from '../names.ts';
import type { Stored } from '../stored.ts';
import { store, writeStored } from '../stored.ts';
import { Leaf, maxEncodedValueBytes, newHead, owns } from './head.ts';
import type { NodeHead, Owner } from './head.ts';

/** What a claim counts besides its value. */
export const claimOverheadBytes = 64;

/** One wish to hold permits of a node. */
export interface Claim {
  /** The op of the entry that put it in line. It names the claim together with the path. */
  readonly claim: Op;
  readonly session: SessionId;
  /** The number of the session's request that made it. */
  readonly request: RequestNumber;
  readonly permits: number;
  readonly exclusive: boolean;
  readonly value: Stored | null;
  /** Replicated time. */
  readonly enqueued: number;
  /** The replicated time at which its wait is over. Null: it waits without end. */
  readonly waitUntil: number | null;
  /** The op that put it before all others, or 0. */
  readonly front: Op;
}

/** A claim that was granted. */
export interface Hold extends Claim {
  /** The op of the entry that granted it, which is its fencing token. */
  readonly token: Op;
  readonly granted: number;
  /** Null for a hold that counts. Else it is a shadow, which goes at this replicated time at the latest. */
  readonly until: number | null;
}

/** What a line of claims is made with. */
export interface ClaimSettings {
  /** How many permits there are. Null: no limit. */
  readonly capacity: number | null;
  /** A barrier that lets everyone pass. */
  readonly open: boolean;
  /** Made by a claim, and so removed with the last one. */
  readonly auto: boolean;
}

/** The place in the line: those that were put in front first, the latest of them foremost, then by age. */
function placeOf({ claim, front }: Claim): number {
  return front > 0 ? 0 - front : claim;
}

interface Sums {
  /** Permits of holds and shadows. */
  readonly used: number;
  /** Exclusive holds and shadows. */
  readonly exclusive: number;
  /** Shadows. */
  readonly shadows: number;
  readonly bytes: number;
}

export class ClaimsNode extends Leaf {
  declare version: number;
  declare modified: Op;
  readonly #type: ClaimType;
  #settings: ClaimSettings;
  readonly #owner: Owner;
  readonly #line: SortedMap<number, Claim>;
  readonly #holds: SortedMap<number, Hold>;
  #sums: Sums;

  private constructor(
    head: NodeHead,
    type: ClaimType,
    settings: ClaimSettings,
    parts: { readonly line: SortedMap<number, Claim>; readonly holds: SortedMap<number, Hold>; readonly sums: Sums },
    owner: Owner,
  ) {
    super(head);
    this.#type = type;
    this.#settings = settings;
    this.#line = parts.line;
    this.#holds = parts.holds;
    this.#sums = parts.sums;
    this.#owner = owner;
  }

  static empty(name: string, op: Op, type: ClaimType, settings: ClaimSettings): ClaimsNode {
    return ClaimsNode.#of(newHead(name, op), type, settings);
  }

  static #of(head: NodeHead, type: ClaimType, settings: ClaimSettings): ClaimsNode {
    const sums = { used: 0, exclusive: 0, shadows: 0, bytes: 0 };
    return new ClaimsNode(head, type, settings, { line: newNumbered(), holds: newNumbered(), sums }, null);
  }

  get type(): ClaimType {
    return this.#type;
  }

  get settings(): ClaimSettings {
    return this.#settings;
  }

  get bytes(): number {
    return this.#sums.bytes;
  }

  /** Holds, without shadows. */
  get count(): number {
    return this.#holds.size - this.#sums.shadows;
  }

  get waiting(): number {
    return this.#line.size;
  }

  /** Holds and shadows: a node that has any is not removed. */
  override get held(): number {
    return this.#holds.size;
  }

  override get owned(): number {
    return this.#line.size + this.#holds.size;
  }

  /** Permits of holds and shadows. */
  get used(): number {
    return this.#sums.used;
  }

  /** Claims that wait, the foremost first. */
  line(): IterableIterator<Claim> {
    return this.#line.values();
  }

  /** The claim behind this one, or the foremost. */
  lineAfter(before: Claim | null): Claim | null {
    for (const claim of this.#line.values(before === null ? undefined : placeOf(before) + 1)) return claim;
    return null;
  }

  /** Holds and shadows, by the op of the claim. */
  holds(): IterableIterator<Hold> {
    return this.#holds.values();
  }

  waiter(claim: Op): Claim | undefined {
    const found = this.#line.get(claim);
    if (found !== undefined) return found;
    // Those that were put in front are few, and come first.
    for (const place of this.#line.keys()) {
      if (place >= 0) return undefined;
      const one = this.#line.get(place)!;
      if (one.claim === claim) return one;
    }
    return undefined;
  }

  hold(claim: Op): Hold | undefined {
    return this.#holds.get(claim);
  }

  /** True when the claim could be granted now, whoever waits before it (coordination §4). */
  fits({ exclusive, permits }: Pick<Claim, 'exclusive' | 'permits'>): boolean {
    if (exclusive) return this.#holds.size === 0;
    const { capacity } = this.settings;
    return this.#sums.exclusive === 0 && (capacity === null || this.#sums.used + permits <= capacity);
  }

  /** This node if `owner` owns it, else a copy that `owner` owns, as changed by `op`. */
  #writable(op: Op, owner: Owner): ClaimsNode {
    if (owns(owner, { owner: this.#owner })) {
      this.version++;
      this.modified = op;
      return this;
    }
    return this.copied(this.changedBy(op), owner);
  }

  copied(head: NodeHead, owner: Owner): ClaimsNode {
    const parts = { line: this.#line.clone(), holds: this.#holds.clone(), sums: this.#sums };
    return new ClaimsNode(head, this.#type, this.#settings, parts, owner);
  }

  #count(more: Partial<Sums>): void {
    const { used, exclusive, shadows, bytes } = this.#sums;
    this.#sums = {
      used: used + (more.used ?? 0),
      exclusive: exclusive + (more.exclusive ?? 0),
      shadows: shadows + (more.shadows ?? 0),
      bytes: bytes + (more.bytes ?? 0),
    };
  }

  enqueued(claim: Claim, op: Op, owner: Owner): ClaimsNode {
    const node = this.#writable(op, owner);
    invariant(node.#line.set(placeOf(claim), claim), 'a place in a line belongs to one claim');
    node.#count({ bytes: bytesOfClaim(claim) });
    return node;
  }

  /** Takes a waiting claim out of the line. */
  without(claim: Claim, op: Op, owner: Owner): ClaimsNode {
    const node = this.#writable(op, owner);
    invariant(node.#line.delete(placeOf(claim)), 'only a claim in line leaves it');
    node.#count({ bytes: -bytesOfClaim(claim) });
    return node;
  }

  /** Grants a waiting claim. */
  granting(claim: Claim, token: Op, now: number, owner: Owner): ClaimsNode {
    const node = this.#writable(token, owner);
    invariant(node.#line.delete(placeOf(claim)), 'only a claim in line is granted');
    const hold: Hold = { ...claim, token, granted: now, until: null };
    invariant(node.#holds.set(claim.claim, hold), 'a claim is granted once');
    node.#count({ used: claim.permits, exclusive: claim.exclusive ? 1 : 0 });
    return node;
  }

  /** Removes a hold or shadow. */
  releasing(hold: Hold, op: Op, owner: Owner): ClaimsNode {
    const node = this.#writable(op, owner);
    invariant(node.#holds.delete(hold.claim), 'only a hold is released');
    node.#count({
      used: -hold.permits,
      exclusive: hold.exclusive ? -1 : 0,
      shadows: hold.until === null ? 0 : -1,
      bytes: -bytesOfClaim(hold),
    });
    return node;
  }

  /** Puts another form of a hold in its place: with another value, or as a shadow. */
  replacing(before: Hold, after: Hold, op: Op, owner: Owner): ClaimsNode {
    const node = this.#writable(op, owner);
    invariant(!node.#holds.set(after.claim, after), 'only a hold is replaced');
    const shadows = (after.until === null ? 0 : 1) - (before.until === null ? 0 : 1);
    node.#count({ shadows, bytes: bytesOfClaim(after) - bytesOfClaim(before) });
    return node;
  }

  /** Puts a waiting claim before all others. */
  fronted(claim: Claim, op: Op, owner: Owner): ClaimsNode {
    const node = this.#writable(op, owner);
    invariant(node.#line.delete(placeOf(claim)), 'only a claim in line is put in front');
    invariant(node.#line.set(0 - op, { ...claim, front: op }), 'an entry puts one claim in front');
    return node;
  }

  withSettings(settings: Partial<ClaimSettings>, op: Op, owner: Owner): ClaimsNode {
    const node = this.#writable(op, owner);
    node.#settings = { ...node.#settings, ...settings };
    return node;
  }

  get toldValue(): null {
    return null;
  }

  get toldNumber(): null {
    return null;
  }

  contents(): null {
    return null;
  }

  write(writer: Writer): void {
    const { capacity, open, auto } = this.settings;
    writer.u8((capacity === null ? 0 : 1) | (open ? 2 : 0) | (auto ? 4 : 0));
    if (capacity !== null) writer.uint(capacity);
    writer.uint(this.#line.size);
    for (const claim of this.#line.values()) writeClaim(writer, claim);
    writer.uint(this.#holds.size);
    for (const hold of this.#holds.values()) {
      writeClaim(writer, hold);
      writer.uint(hold.token);
      writer.uint(hold.granted);
      writer.uint(hold.until === null ? 0 : hold.until + 1);
    }
  }

  /** Reads what {@link write} wrote. @throws MalformedError */
  static restoring(reader: ChunkReader, head: NodeHead, type: ClaimType): ClaimsNode {
    const flags = reader.u8();
    if (flags > 7) throw new MalformedError('a line of claims has unknown flags', head.name);
    const capacity = (flags & 1) === 0 ? null : reader.uint();
    const node = ClaimsNode.#of(head, type, { capacity, open: (flags & 2) !== 0, auto: (flags & 4) !== 0 });
    let last = Number.NEGATIVE_INFINITY;
    for (let left = reader.uint(); left > 0; left--) {
      const claim = readClaim(reader);
      const place = placeOf(claim);
      if (place <= last) throw new MalformedError('claims are not in their order', head.name);
      last = place;
      node.#line.set(place, claim);
      node.#count({ bytes: bytesOfClaim(claim) });
    }
    let before = 0;
    for (let left = reader.uint(); left > 0; left--) {
      const claim = readClaim(reader);
      const hold: Hold = { ...claim, token: reader.uint(), granted: reader.uint(), until: untilOf(reader.uint()) };
      if (claim.claim <= before || hold.token < claim.claim)
        throw new MalformedError('holds are not in their order', head.name);
      before = claim.claim;
      node.#holds.set(claim.claim, hold);
      node.#count({
        used: hold.permits,
        exclusive: hold.exclusive ? 1 : 0,
        shadows: hold.until === null ? 0 : 1,
        bytes: bytesOfClaim(hold),
      });
    }
    return node;
  }
}

/** What a claim counts for in the size of a tree. */
export function bytesOfClaim({ value }: Pick<Claim, 'value'>): number {
  return claimOverheadBytes + (value?.length ?? 0);
}

function untilOf(written: number): number | null {
  return written === 0 ? null : written - 1;
}

export function writeClaim(writer: Writer, claim: Claim): void {
  writer.uint(claim.claim);
  writer.uint(claim.session);
  writer.uint(claim.request);
  writer.uint(claim.permits);
  writer.u8((claim.exclusive ? 1 : 0) | (claim.value === null ? 0 : 2));
  if (claim.value !== null) writeStored(writer, claim.value);
  writer.uint(claim.enqueued);
  writer.uint(claim.waitUntil === null ? 0 : claim.waitUntil + 1);
  writer.uint(claim.front);
}

export function readClaim(reader: ChunkReader): Claim {
  const claim = reader.uint();
  const session = reader.uint();
  const request = reader.uint();
  const permits = reader.uint();
  const flags = reader.u8();
  if (flags > 3) throw new MalformedError('a claim has unknown flags');
  const value = (flags & 2) === 0 ? null : store(reader.bytes(maxEncodedValueBytes));
  const enqueued = reader.uint();
  const waitUntil = untilOf(reader.uint());
  return {
    claim,
    session,
    request,
    permits,
    exclusive: (flags & 1) !== 0,
    value,
    enqueued,
    waitUntil,
    front: reader.uint(),
  };
}

/** A line of claims of one type, where the compiler must know which. */
export type LineOf<T extends ClaimType> = ClaimsNode & { readonly type: T };

export function emptyLine<T extends ClaimType>(name: string, op: Op, type: T, settings: ClaimSettings): LineOf<T> {
  return ClaimsNode.empty(name, op, type, settings) as LineOf<T>;
}

/** The class of leaves of one type of claims, for the table of classes. */
function classOf<T extends ClaimType>(type: T): { restore(reader: ChunkReader, head: NodeHead): LineOf<T> } {
  return { restore: (reader, head) => ClaimsNode.restoring(reader, head, type) as LineOf<T> };
}

export const claimClasses = {
  lock: classOf('lock'),
  semaphore: classOf('semaphore'),
  barrier: classOf('barrier'),
  election: classOf('election'),
} as const satisfies { readonly [T in ClaimType]: unknown };
