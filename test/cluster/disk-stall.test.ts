/** The operator is told when the disk does not answer, and a pause of the process is no fault of the disk. */

import { expect, it } from 'vitest';
import { DiskStall } from '../../core/cluster/replicas/disk-stall.ts';

it('tells of a disk that does not answer, as long as it does not', () => {
  let work = { waits: false, batches: 0 };
  const stall = new DiskStall(() => work, { diskStallMs: 1000, awakeTickMs: 100 });
  let now = 0;
  const pass = (ms: number): number => {
    let changes = 0;
    for (const end = now + ms; now < end;) if (stall.tick((now += 10))) changes++;
    return changes;
  };
  pass(5000);
  expect(stall.low).toBe(false);
  work = { waits: true, batches: 1 };
  expect([pass(900), stall.low]).toEqual([0, false]);
  // It is slow, but it answers.
  work = { waits: true, batches: 2 };
  expect([pass(900), stall.low]).toEqual([0, false]);
  // The process stood still.
  now += 60_000;
  expect([pass(10), stall.low]).toEqual([0, false]);
  expect([pass(500), stall.low]).toEqual([1, true]);
  expect(stall.problem).toMatch(/has not answered for 1 s/);
  work = { waits: false, batches: 2 };
  expect([pass(10), stall.low, stall.waitedMs]).toEqual([1, false, 0]);
});
