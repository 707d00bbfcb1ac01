/** Reads of several sets at once. Results are sorted by bytes and have each member once. */

import { Failure, limitExceeded, tooMuchWork } from '../failure.ts';
import { maxSteps } from '../limits.ts';
import type { ResultBudget } from '../limits.ts';
import { newMembers } from '../btree.ts';
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

/** Collects an answer, and stops before it becomes larger than an answer may be. */
class Gathered {
  readonly #budget: ResultBudget;
  readonly values: Uint8Array[] = [];
  failure: Failure | null = null;

  constructor(budget: ResultBudget) {
    this.#budget = budget;
  }

  /** Counts a look at one more member. Returns false when there were too many. */
  looks(): boolean {
    if (this.#budget.step()) return true;
    this.failure = tooMuchWork(maxSteps);
    return false;
  }

  /** Adds a member. Returns false when it does not fit. */
  add(member: Uint8Array): boolean {
    const cost = member.length + memberOverheadBytes;
    if (!this.#budget.take(cost)) {
      this.failure = limitExceeded('maxResultBytes', this.#budget.maxBytes, this.#budget.with(cost));
      return false;
    }
    this.values.push(member);
    return true;
  }

  result(): SimpleResult | Failure {
    return this.failure ?? { kind: 'values', values: this.values, more: false };
  }
}

export function union(root: DirectoryNode, paths: readonly string[], budget: ResultBudget): SimpleResult | Failure {
  const sets = membersAtAll(root, paths);
  if (sets instanceof Failure) return sets;
  const gathered = new Gathered(budget);
  const seen = newMembers();
  for (const set of sets) {
    for (const member of set.keys()) {
      if (!gathered.looks()) return gathered.result();
      if (seen.has(member)) continue;
      if (!gathered.add(member)) return gathered.result();
      seen.set(member, undefined);
    }
  }
  return { kind: 'values', values: [...seen.keys()], more: false };
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
  const [smallest, ...others] = [...sets].sort((a, b) => a.size - b.size);
  for (const member of smallest?.keys() ?? []) {
    if (!gathered.looks()) break;
    if (others.every((other) => other.has(member)) && !gathered.add(member)) break;
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
  const gathered = new Gathered(budget);
  for (const member of sets[0]!.keys()) {
    if (!gathered.looks()) break;
    if (!sets[1]!.has(member) && !gathered.add(member)) break;
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
  const gathered = new Gathered(budget);
  const either = newMembers();
  for (const [one, two] of [sets, [sets[1]!, sets[0]!]] as [Members, Members][]) {
    for (const member of one.keys()) {
      if (!gathered.looks()) return gathered.result();
      if (two.has(member)) continue;
      if (!gathered.add(member)) return gathered.result();
      either.set(member, undefined);
    }
  }
  return { kind: 'values', values: [...either.keys()], more: false };
}

function operandMembers(root: DirectoryNode, operand: SetOperand): Members | Failure {
  if (operand.kind === 'path') return membersAt(root, operand.path);
  const members = newMembers();
  for (const member of operand.members) members.set(member, undefined);
  return members;
}

function contains(whole: Members, part: Members, budget: ResultBudget): boolean | Failure {
  if (part.size > whole.size) return false;
  for (const member of part.keys()) {
    if (!budget.step()) return tooMuchWork(maxSteps);
    if (!whole.has(member)) return false;
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
  const other = operandMembers(root, operand);
  if (other instanceof Failure) return other;
  const truth = superset ? contains(members, other, budget) : contains(other, members, budget);
  if (truth instanceof Failure) return truth;
  return { kind: 'truth', truth, version: null };
}
