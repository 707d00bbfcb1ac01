/**
 * How long a node lives (coordination §9): with the session that owns it, or for a while after its last change, or both.
 * Most nodes have none of this. They live until they are deleted.
 */

import type { Writer } from '../../base/bytes.ts';
import type { ChunkReader } from '../../base/chunk-reader.ts';
import { MalformedError } from '../../base/errors.ts';
import type { SessionId } from '../../base/ids.ts';
import { maxTtlMs, minTtlMs } from '../operations/lives.ts';

export interface Life {
  /** The session with which it ends. 0 for a node that belongs to none. */
  readonly owner: SessionId;
  /** How long it lives after its last change. 0: for as long as it likes. */
  readonly ttlMs: number;
  /** The replicated time from which that is counted: of the last change at or beneath it, or of a touch. */
  readonly since: number;
}

/** The replicated time at which it is due. Infinity for a node without a time to live. */
export function dueOf({ ttlMs, since }: Life): number {
  return ttlMs === 0 ? Infinity : since + ttlMs;
}

/** True for a node whose time to live is over at `now`. */
export function isLapsed({ life }: { readonly life: Life | null }, now: number): boolean {
  return life !== null && dueOf(life) <= now;
}

export function writeLife(writer: Writer, { owner, ttlMs, since }: Life): void {
  writer.uint(owner);
  writer.uint(ttlMs);
  writer.uint(since);
}

/** Reads what {@link writeLife} wrote. @throws MalformedError */
export function readLife(reader: ChunkReader, name: string): Life {
  const life = { owner: reader.uint(), ttlMs: reader.uint(), since: reader.uint() };
  const { owner, ttlMs } = life;
  const odd = ttlMs === 0 ? owner === 0 : ttlMs < minTtlMs || ttlMs > maxTtlMs;
  if (odd) throw new MalformedError('a node has an impossible life', name);
  return life;
}
