/**
 * What can be asked of several sets at once. Results are sorted by bytes and hold each member once. Sets are sorted, so they are read side
 * by side. Where one of them is far smaller, its members are looked up in the others. All of it is counted, look-ups included.
 */

import { compareBytes } from '../../base/bytes.ts';
import { Heap } from '../../base/heap.ts';
import { Failure, limitExceeded, tooMuchWork } from '../failure.ts';
import type { ResultBudget } from '../limits.ts';
import { maxSteps, stepsOfFind, stepsOfNext } from '../limits.ts';
import type { SortedMap } from '../btree.ts';
import type { DirectoryNode } from '../node.ts';
import type { SetOperand, SimpleResult } from '../operation.ts';
import { findTyped } from '../place.ts';

export type Members = SortedMap<Uint8Array, undefined>;

/** Bytes that a member needs in an answer: its own bytes and its length. */
const memberOverheadBytes = 4;

export function membersAt(root: DirectoryNode, path: string): Members | Failure {
  const set = findTyped(root, path, 'set');
  return set instanceof Failure ? set : set.members;
}

function membersAtAll(root: DirectoryNode, paths: readonly string[]): readonly Members[] | Failure {
  const all: Members[] = [];
  for (const path of paths) {
    const members = membersAt(root, path);
    if (members instanceof Failure) return members;
    all.push(members);
  }
  return all;
}

/** What is read of members in their order. */
type Sorted = Pick<Members, 'size' | 'has' | 'keys'>;

/** Members that are asked for in rising order. */
class Rising {
  readonly #members: Sorted;
  readonly #budget: ResultBudget;
  /** Reads side by side; null looks each up. */
  readonly #keys: Iterator<Uint8Array> | null;
  #next: IteratorResult<Uint8Array> | null = null;

  /** @param asked how many members will be asked for. */
  constructor(members: Sorted, asked: number, budget: ResultBudget) {
    this.#members = members;
    this.#budget = budget;
    this.#keys = members.size * stepsOfNext <= asked * stepsOfFind(members.size) ? members.keys() : null;
  }

  /** Null when it was too much work. @param member above all that were asked for before. */
  has(member: Uint8Array): boolean | null {
    if (this.#keys === null) {
      return this.#budget.work(stepsOfFind(this.#members.size)) ? this.#members.has(member) : null;
    }
    this.#next ??= this.#keys.next();
    for (; this.#next.done !== true; this.#next = this.#keys.next()) {
      if (!this.#budget.work(stepsOfNext)) return null;
      const order = compareBytes(this.#next.value, member);
      if (order >= 0) return order === 0;
    }
    return false;
  }
}

/** Gathers an answer in the order of its members, and stops where it would be larger than an answer may be, or take too long. */
class Gathered {
  readonly #budget: ResultBudget;
  readonly #values: Uint8Array[] = [];
  #failure: Failure | null = null;

  constructor(budget: ResultBudget) {
    this.#budget = budget;
  }

  /** Counts work; false when it was too much. */
  works(steps: number): boolean {
    if (this.#budget.work(steps)) return true;
    this.tooMuch();
    return false;
  }

  tooMuch(): void {
    this.#failure = tooMuchWork(maxSteps);
  }

  /** Adds a member. Returns false when it does not fit. */
  add(member: Uint8Array): boolean {
    const cost = member.length + memberOverheadBytes;
    if (!this.#budget.take(cost)) {
      this.#failure = limitExceeded('maxResultBytes', this.#budget.maxBytes, this.#budget.with(cost));
      return false;
    }
    this.#values.push(member);
    return true;
  }

  result(): SimpleResult | Failure {
    return this.#failure ?? { kind: 'values', values: this.#values, more: false };
  }
}

/** A set that is read side by side with others. */
interface Reading {
  index: number;
  readonly order: number;
  member: Uint8Array;
  readonly rest: Iterator<Uint8Array>;
}

function readings(sets: readonly Members[]): Heap<Reading> {
  const heap = new Heap<Reading>((a, b) => (compareBytes(a.member, b.member) || a.order - b.order) < 0);
  for (const [order, set] of sets.entries()) {
    const rest = set.keys();
    const first = rest.next();
    if (first.done !== true) heap.add({ index: 0, order, member: first.value, rest });
  }
  return heap;
}

/** Answers those members of all sets that count, by how many sets have them. */
function merge(
  sets: readonly Members[],
  gathered: Gathered,
  counts: (holders: number) => boolean,
): SimpleResult | Failure {
  const heap = readings(sets);
  const steps = stepsOfNext + stepsOfFind(sets.length);
  for (let top = heap.top; top !== undefined; top = heap.top) {
    const { member } = top;
    let holders = 0;
    for (
      let same: Reading | undefined = top;
      same !== undefined && compareBytes(same.member, member) === 0;
      same = heap.top
    ) {
      if (!gathered.works(steps)) return gathered.result();
      holders++;
      const next = same.rest.next();
      if (next.done === true) heap.remove(same);
      else {
        same.member = next.value;
        heap.later(same);
      }
    }
    if (counts(holders) && !gathered.add(member)) break;
  }
  return gathered.result();
}

export function union(root: DirectoryNode, paths: readonly string[], budget: ResultBudget): SimpleResult | Failure {
  const sets = membersAtAll(root, paths);
  if (sets instanceof Failure) return sets;
  // A set that is named twice adds nothing.
  return merge([...new Set(sets)], new Gathered(budget), () => true);
}

/** The members that are in every one of the sets. Without any set, it is empty. */
export function intersection(
  root: DirectoryNode,
  paths: readonly string[],
  budget: ResultBudget,
): SimpleResult | Failure {
  const sets = membersAtAll(root, paths);
  if (sets instanceof Failure) return sets;
  const gathered = new Gathered(budget);
  // It goes through the smallest set, which bounds the work.
  const [smallest, ...others] = [...new Set(sets)].sort((a, b) => a.size - b.size);
  if (smallest === undefined) return gathered.result();
  const rising = others.map((other) => new Rising(other, smallest.size, budget));
  members: for (const member of smallest.keys()) {
    if (!gathered.works(stepsOfNext)) break;
    for (const other of rising) {
      const has = other.has(member);
      if (has === null) {
        gathered.tooMuch();
        break members;
      }
      if (!has) continue members;
    }
    if (!gathered.add(member)) break;
  }
  return gathered.result();
}

export function difference(
  root: DirectoryNode,
  path: string,
  other: string,
  budget: ResultBudget,
): SimpleResult | Failure {
  const sets = membersAtAll(root, [path, other]);
  if (sets instanceof Failure) return sets;
  const [members, without] = sets as readonly [Members, Members];
  const gathered = new Gathered(budget);
  const rising = new Rising(without, members.size, budget);
  for (const member of members.keys()) {
    if (!gathered.works(stepsOfNext)) break;
    const has = rising.has(member);
    if (has === null) {
      gathered.tooMuch();
      break;
    }
    if (!has && !gathered.add(member)) break;
  }
  return gathered.result();
}

export function symmetricDifference(
  root: DirectoryNode,
  path: string,
  other: string,
  budget: ResultBudget,
): SimpleResult | Failure {
  const sets = membersAtAll(root, [path, other]);
  if (sets instanceof Failure) return sets;
  return merge(sets, new Gathered(budget), (holders) => holders === 1);
}

/** The members that were sent along, sorted, each once; a failure when sorting them is too much work. */
function sortedMembers(members: readonly Uint8Array[], budget: ResultBudget): Sorted | Failure {
  if (!budget.work(members.length * stepsOfFind(members.length))) return tooMuchWork(maxSteps);
  const sorted = [...members].sort(compareBytes);
  const distinct = sorted.filter((member, i) => i === 0 || compareBytes(member, sorted[i - 1]!) !== 0);
  return {
    size: distinct.length,
    keys: () => distinct.values(),
    has: (member) => {
      let low = 0;
      let high = distinct.length;
      while (low < high) {
        const middle = (low + high) >> 1;
        const order = compareBytes(distinct[middle]!, member);
        if (order === 0) return true;
        if (order < 0) low = middle + 1;
        else high = middle;
      }
      return false;
    },
  };
}

function operandMembers(root: DirectoryNode, operand: SetOperand, budget: ResultBudget): Sorted | Failure {
  return operand.kind === 'path' ? membersAt(root, operand.path) : sortedMembers(operand.members, budget);
}

function contains(whole: Sorted, part: Sorted, budget: ResultBudget): boolean | Failure {
  if (part.size > whole.size) return false;
  const rising = new Rising(whole, part.size, budget);
  for (const member of part.keys()) {
    const has = budget.work(stepsOfNext) ? rising.has(member) : null;
    if (has === null) return tooMuchWork(maxSteps);
    if (!has) return false;
  }
  return true;
}

/** Is the set at `path` a subset of `other`, or (`superset`) the other way round? */
export function compareSets(
  root: DirectoryNode,
  path: string,
  operand: SetOperand,
  superset: boolean,
  budget: ResultBudget,
): SimpleResult | Failure {
  const members = membersAt(root, path);
  if (members instanceof Failure) return members;
  const other = operandMembers(root, operand, budget);
  if (other instanceof Failure) return other;
  const truth = superset ? contains(members, other, budget) : contains(other, members, budget);
  if (truth instanceof Failure) return truth;
  return { kind: 'truth', truth, version: null };
}
