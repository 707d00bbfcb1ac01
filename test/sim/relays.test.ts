/**
 * Users on nodes without a replica of their namespace, during all kinds of faults. Their requests are forwarded and
 * their watches relayed, and the same rules hold.
 */

import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../core/base/random.ts';
import { defaultTiming } from '../../core/cluster/base/host.ts';
import { Faults } from '../../core/sim/faults.ts';
import { User } from '../../core/sim/workload.ts';
import { World } from '../../core/sim/world.ts';
import { NodeHash } from '../../node-server/node-hash.ts';

const patienceUs = 60_000_000;

function play(seed: number): number {
  const world = new World({
    seed,
    nodes: 5,
    settings: {
      timing: defaultTiming,
      hash: new NodeHash(),
      segmentBytes: 64 * 1024,
      checkpointBytes: 16 * 1024,
    },
  });
  world.found(['ns'], 3);
  const acknowledged = new Map<number, number>();
  const users = [1, 2, 3, 4].map(
    (i) => new User(`u${i}`, world, { namespace: 'ns', acknowledged, watchRandom: new SeededRandom(seed, i) }),
  );
  const faults = new Faults(world, users);
  faults.begin();
  for (let i = 0; i < 8000; i++) world.step();
  faults.heal();
  const before = users.map((user) => user.counters.succeeded);
  expect(world.until(() => users.every((user, i) => user.counters.succeeded > before[i]! + 10), patienceUs)).toBe(true);
  for (const user of users) user.stop();
  expect(world.until(() => users.every((user) => user.outstanding === 0), patienceUs)).toBe(true);
  expect(world.until(() => users.every((user) => user.watchesUpToDate()), patienceUs)).toBe(true);
  for (const user of users) user.account();
  return users.reduce((sum, user) => sum + user.watching.events, 0);
}

describe('nodes without a replica', () => {
  it('serve and relay as the rules say, with the seeds 1 to 6', () => {
    let events = 0;
    for (let seed = 1; seed <= 6; seed++) events += play(seed);
    expect(events).toBeGreaterThan(200);
  });
});
