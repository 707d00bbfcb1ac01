/**
 * Judges what each committed entry did to lines of claims (coordination §16), by comparing the state before it with the
 * state after it. It knows which sessions should exist from {@link SessionModel}, and nothing of how lines are settled.
 */

import type { Op, SessionId } from '../base/ids.ts';
import type { Body } from '../service/body.ts';
import { decodeBody } from '../service/body.ts';
import type { ServiceEntry } from '../service/service.ts';
import type { Claim, Hold } from '../tree/nodes/claims.ts';
import type { Tree } from '../tree/tree.ts';

interface Line {
  readonly holds: Hold[];
  /** The foremost first. */
  readonly waits: Claim[];
}

/** True when nothing may be granted to a session any more: it is gone, or it is due. */
type Over = (session: SessionId) => boolean;

/** What is known of sessions after the entry. */
export interface SessionFacts {
  readonly over: Over;
  /** True when the service has such a session. */
  readonly exists: Over;
}

const none: Line = { holds: [], waits: [] };

export class ClaimJudge {
  #before: ReadonlyMap<string, Line> = new Map();
  /** The highest token of each path, over deletions too. */
  readonly #tokens = new Map<string, Op>();

  /** Takes the state after the next committed entry. @returns the rule that it breaks, or null. */
  entry(entry: ServiceEntry, timestamp: number, tree: Tree, { over, exists }: SessionFacts): string | null {
    const before = this.#before;
    const after = linesOf(tree);
    this.#before = after;
    if (before.size + after.size === 0) return null;
    const body = decodeBody(entry.body);
    const asked = body.kind === 'operation' ? body.operation : null;
    // A leader may put another candidate before all others.
    const fronts = asked?.kind === 'release' && asked.to !== 0;
    for (const path of new Set([...before.keys(), ...after.keys()])) {
      // Who waits at a barrier waits for it to be opened, and holds nothing.
      if (isBarrier(tree, path)) continue;
      const was = before.get(path) ?? none;
      const is = after.get(path) ?? none;
      const wrong =
        this.#granted(path, entry.op, was, is) ??
        crowded(is, capacityOf(tree, path)) ??
        (fronts ? null : overtaken(was, is, timestamp, over)) ??
        idle(was, is, capacityOf(tree, path), timestamp, over) ??
        gone(was, is, entry, { body, timestamp, over, exists });
      if (wrong !== null) return `${wrong} at ${path}`;
    }
    return null;
  }

  /** Tokens of a line grow, and a claim is granted once. */
  #granted(path: string, op: Op, was: Line, is: Line): string | null {
    const highest = this.#tokens.get(path) ?? 0;
    for (const { claim, token } of is.holds) {
      const known = was.holds.find((one) => one.claim === claim);
      if (known !== undefined) {
        if (known.token !== token) return 'a claim was granted twice';
        continue;
      }
      if (token !== op || token <= highest) return 'a token is not the op of its grant';
      this.#tokens.set(path, token);
    }
    return null;
  }
}

function linesOf(tree: Tree): ReadonlyMap<string, Line> {
  const lines = new Map<string, Line>();
  for (const { path, claim } of tree.claims()) {
    let line = lines.get(path);
    if (line === undefined) lines.set(path, (line = { holds: [], waits: [] }));
    if ('token' in claim) line.holds.push(claim);
    else line.waits.push(claim);
  }
  return lines;
}

function capacityOf(tree: Tree, path: string): number | null {
  const read = tree.read({ kind: 'claims', path, limit: 1, from: 0 });
  return read.ok && read.value.kind === 'claims' ? read.value.capacity : null;
}

function isBarrier(tree: Tree, path: string): boolean {
  const read = tree.read({ kind: 'stat', path });
  return read.ok && read.value.kind === 'stat' && read.value.stat.type === 'barrier';
}

/** Holds and shadows fit together. */
function crowded({ holds }: Line, capacity: number | null): string | null {
  if (holds.length > 1 && holds.some(({ exclusive }) => exclusive)) return 'an exclusive hold has company';
  return capacity !== null && used(holds) > capacity ? 'more permits are held than there are' : null;
}

function used(holds: readonly Hold[]): number {
  return holds.reduce((sum, { permits }) => sum + permits, 0);
}

function isOver({ waitUntil, session }: Claim, timestamp: number, over: Over): boolean {
  return (waitUntil !== null && waitUntil <= timestamp) || over(session);
}

/** Whoever was before a claim that is granted now is granted too, has left, or is over. */
function overtaken(was: Line, is: Line, timestamp: number, over: Over): string | null {
  for (const hold of is.holds) {
    const { claim } = hold;
    if (was.holds.some((one) => one.claim === claim)) continue;
    if (isOver(hold, timestamp, over)) return 'a claim was granted that is over';
    const place = was.waits.findIndex((one) => one.claim === claim);
    const ahead = place < 0 ? was.waits : was.waits.slice(0, place);
    for (const one of ahead) {
      const waits = is.waits.some((other) => other.claim === one.claim);
      if (waits && !isOver(one, timestamp, over)) return 'a claim was granted before one that came first';
    }
  }
  return null;
}

/** After a line changed, the first that is not over does not fit. */
function idle(was: Line, is: Line, capacity: number | null, timestamp: number, over: Over): string | null {
  const ids = ({ holds, waits }: Line): string => [...holds, ...waits].map(({ claim }) => claim).join();
  if (ids(was) === ids(is)) return null;
  const first = is.waits.find((one) => !isOver(one, timestamp, over));
  if (first === undefined) return null;
  const alone = is.holds.some(({ exclusive }) => exclusive);
  const fits = first.exclusive
    ? is.holds.length === 0
    : !alone && (capacity === null || used(is.holds) + first.permits <= capacity);
  return fits ? 'the first in line waits although it fits' : null;
}

/** A claim goes only with its session, when its time is over, or because its session asked for that. */
function gone(
  was: Line,
  is: Line,
  entry: ServiceEntry,
  { body, timestamp, over, exists }: SessionFacts & { readonly body: Body; readonly timestamp: number },
): string | null {
  const left = new Set([...is.holds, ...is.waits].map(({ claim }) => claim));
  const asked = body.kind === 'operation' ? body.operation.kind : null;
  const before: readonly (Claim | Hold)[] = [...was.holds, ...was.waits];
  for (const one of before) {
    if (left.has(one.claim) || over(one.session)) continue;
    const until = 'token' in one ? one.until : one.waitUntil;
    if (body.kind === 'expire' && until !== null && until <= timestamp) continue;
    // Where ClientIDs were bound, nobody here knows whose session is over. But one that gives itself up is.
    if (body.kind === 'unregister' && body.session === one.session && !exists(one.session)) continue;
    if (entry.session === one.session && (asked === 'release' || asked === 'abandon' || asked === 'transaction'))
      continue;
    // With its node, or because it asks for more than there is now.
    if (!('token' in one) && (asked === 'delete' || asked === 'semaphoreResize' || asked === 'transaction')) continue;
    return 'a claim went although nothing ended it';
  }
  for (const one of [...is.holds, ...is.waits])
    if (body.kind === 'expire' && over(one.session)) return 'a claim outlived its session';
  return null;
}
