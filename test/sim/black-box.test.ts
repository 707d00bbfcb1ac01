/**
 * A checker that knows nothing of haret's code (docs/history.md) checks the answers to the users of simulated clusters.
 * The simulator's own checker reads the committed log.
 */

import { describe, expect, it } from 'vitest';
import { runSeed } from '../../core/sim/run.ts';
import { NodeHash } from '../../node-server/node-hash.ts';
import { checkHistory } from '../history/check.ts';
import { Witness } from '../history/witness.ts';

const hash = new NodeHash();
const seeds = Number(process.env['SEEDS'] ?? 12);
const first = Number(process.env['FIRST'] ?? 1);

describe('what users of a simulated cluster are told', () => {
  it(`contradicts nothing, by ${seeds} seeds`, { timeout: 300_000 }, () => {
    let calls = 0;
    for (let seed = first; seed < first + seeds; seed++) {
      const witness = new Witness();
      runSeed({ seed, events: 4000, hash, witness: (client, world) => witness.see(client, world) });
      for (const history of witness.histories) {
        const verdict = checkHistory(history);
        expect({ seed, ...verdict }).toMatchObject({ seed, anomalies: [], undecided: [] });
        calls += verdict.calls;
      }
    }
    expect(calls).toBeGreaterThan(seeds * 50);
  });
});
