/** The forms of operations: what the compiler cannot check about their numbers and parts. */

import { describe, expect, it } from 'vitest';
import type { Operation } from '../../core/tree/operation.ts';
import { forms } from '../../core/tree/operations/index.ts';
import type { Forms } from '../../core/tree/operations/form.ts';
import { isRead } from '../../core/tree/reading.ts';

const kinds = Object.entries<Forms>(forms);
/** The numbers of the operations that belong to no kind of node: `upsert` and `transaction`. */
const taken = [10, 16];

describe('the forms of operations', () => {
  it('have numbers and names of their own, writes below 32 or from 96 on, and reads between', () => {
    const writes = kinds.flatMap(([, one]) => Object.entries(one.writes));
    const reads = kinds.flatMap(([, one]) => Object.entries(one.reads));
    const names = [...writes, ...reads].map(([name]) => name);
    const numbers = [...writes, ...reads].map(([, [number]]) => number).concat(taken);
    expect(new Set(names).size).toBe(names.length);
    expect(new Set(numbers).size).toBe(numbers.length);
    expect(writes.filter(([, [number]]) => number >= 32 && number < 96)).toEqual([]);
    expect(reads.filter(([, [number]]) => number < 32 || number >= 96)).toEqual([]);
    for (const [kind] of writes) expect(isRead({ kind } as unknown as Operation), kind).toBe(false);
    for (const [kind] of reads) expect(isRead({ kind } as unknown as Operation), kind).toBe(true);
  });

  it('of upserts are those of the writes that they do', () => {
    for (const [kind, { upserts, writes }] of kinds)
      for (const [name, form] of Object.entries(upserts)) expect(form, `${kind} ${name}`).toBe(writes[name]);
  });

  it('of guards have numbers and names of their own', () => {
    const guards = kinds.flatMap(([, one]) => Object.entries(one.guards));
    expect(new Set(guards.map(([name]) => name)).size).toBe(guards.length);
    expect(new Set(guards.map(([, [number]]) => number)).size).toBe(guards.length);
  });
});
