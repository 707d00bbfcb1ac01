/** The simulator, over some hundreds of seeds: protocol §9 holds while everything goes wrong, and work goes on after it heals. */

import { describe, expect, it } from 'vitest';
import { NobleHash } from '../../core/base/noble-hash.ts';
import { runSeed } from '../../core/sim/run.ts';
import { NodeHash } from '../../node-server/node-hash.ts';

const hash = new NodeHash();
const shards = 10;
const seedsPerShard = 30;
const events = 4000;

describe('a simulated cluster', () => {
  for (let shard = 0; shard < shards; shard++) {
    const first = 1000 + shard * seedsPerShard;
    it(`keeps every rule with the seeds ${first} to ${first + seedsPerShard - 1}`, () => {
      for (let seed = first; seed < first + seedsPerShard; seed++) {
        const report = runSeed({ seed, events, hash });
        expect(report.succeeded).toBeGreaterThan(0);
      }
    });
  }

  it('does the same again for the same seed, to the last event', () => {
    const lines: string[][] = [[], []];
    const reports = lines.map((into) => runSeed({ seed: 7, events: 3000, hash, trace: (line) => into.push(line) }));
    expect(reports[1]).toEqual(reports[0]);
    expect(lines[1]).toEqual(lines[0]);
  });

  it("does the same with a browser's hash as with a server's", () => {
    const run = (by: NodeHash | NobleHash) => runSeed({ seed: 8, events: 1500, hash: by });
    expect(run(new NobleHash())).toEqual(run(hash));
  });
});

describe('what the simulator found once', () => {
  const regressions: readonly [seed: number, events: number, story: string][] = [
    [6, 60_000, 'a checkpoint was reported before it was durable, and a power cut took it back'],
    [10, 60_000, 'a request that the log refused was told as answered, although it was not executed'],
    [2, 60_000, 'a connection that had died without a word kept two nodes apart for good'],
    [12, 60_000, 'the same, between the root group and the node that follows it'],
  ];
  for (const [seed, many, story] of regressions) {
    it(`seed ${seed}: ${story}`, () => {
      expect(runSeed({ seed, events: many, hash, watches: false }).succeeded).toBeGreaterThan(0);
    });
  }
});
