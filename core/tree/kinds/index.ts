/** The rules of all kinds of nodes, found by the kind of an operation or guard. */

import type { NodeType } from '../names.ts';
import { isLeafType } from '../node.ts';
import type { Guard, ReadKind, Upsertable } from '../operation.ts';
import { claimRules } from './claims.ts';
import { leafRules } from './leaves.ts';
import { livesRules } from './lives.ts';
import { nodeRules } from './node.ts';
import type { GuardRule, OwnWriteKind, ReadRule, UpsertRule, WriteRule } from './rules.ts';

interface Tables {
  readonly writes: { readonly [K in OwnWriteKind]: WriteRule<K> };
  readonly upserts: { readonly [K in Upsertable['kind']]: UpsertRule<K> };
  readonly reads: { readonly [K in ReadKind]: ReadRule<K> };
  readonly guards: { readonly [K in Guard['kind']]: GuardRule<K> };
}

/**
 * One part of all rules, in one table. Each kind has a rule for each of its forms, and every form belongs to a kind.
 */
function together<P extends keyof Tables>(part: P): Tables[P] {
  return Object.assign(
    {},
    nodeRules[part],
    claimRules[part],
    livesRules[part],
    ...Object.values(leafRules).map((rules) => rules[part]),
  ) as Tables[P];
}

const writes = together('writes');
const upserts = together('upserts');
const reads = together('reads');
const guards = together('guards');

export function writeRule<K extends OwnWriteKind>(kind: K): WriteRule<K> {
  return writes[kind];
}

export function upsertRule<K extends Upsertable['kind']>(kind: K): UpsertRule<K> {
  return upserts[kind];
}

export function readRule<K extends ReadKind>(kind: K): ReadRule<K> {
  return reads[kind];
}

export function guardRule<K extends Guard['kind']>(kind: K): GuardRule<K> {
  return guards[kind];
}

/** True for a type whose last change of several tells its whole value. */
export function lastTellsAll(type: NodeType): boolean {
  return isLeafType(type) && leafRules[type].lastTellsAll;
}
