/** Frames between nodes may be doubled and may come late. A forwarded request is done once. */

import { describe, expect, it } from 'vitest';
import { Once } from '../../core/cluster/routing/once.ts';

describe('a request that a peer forwards', () => {
  it('is taken once, in whatever order copies come', () => {
    const once = new Once();
    const ids = [1, 3, 2, 3, 1, 4, 2, 2048, 2049, 2049];
    expect(ids.map((id) => once.takes('n2', 7, id))).toEqual([
      true,
      true,
      true,
      false,
      false,
      true,
      false,
      true,
      true,
      false,
    ]);
  });

  it('belongs to its sender, and to one run of the sender', () => {
    const once = new Once();
    expect(once.takes('n2', 7, 1)).toBe(true);
    expect(once.takes('n3', 7, 1)).toBe(true);
    expect(once.takes('n2', 8, 1)).toBe(true);
    expect(once.takes('n2', 7, 1)).toBe(false);
    expect(once.takes('n2', 8, 1)).toBe(false);
  });

  it('is not done when it comes too late to be remembered', () => {
    const once = new Once();
    for (let id = 1; id <= 10_000; id++) once.takes('n2', 7, id);
    for (let id = 1; id <= 10_000; id++) expect(once.takes('n2', 7, id)).toBe(false);
  });

  it('is remembered for a bounded number of runs and peers, and the newest are among them', () => {
    const once = new Once();
    for (let run = 1; run <= 100; run++) expect(once.takes('n2', run, 1)).toBe(true);
    for (let run = 97; run <= 100; run++) expect(once.takes('n2', run, 1)).toBe(false);
    for (let peer = 0; peer < 1000; peer++) {
      expect(once.takes(`p${peer}`, 1, 1)).toBe(true);
      expect(once.takes(`p${peer}`, 1, 1)).toBe(false);
    }
  });
});
