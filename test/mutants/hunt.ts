/**
 * The program with which every mutant is bundled. It runs seeds until a rule is broken or the time is over, and prints
 * its finding as one line of JSON. Its arguments are the simulator (see mutant.ts), the first seed, the seconds, the
 * damage of disks, and the wish for the simulator's worlds. Seconds are processor time, so that the finding does not
 * depend on other work of the machine.
 */

import { runSeed } from '../../core/sim/run.ts';
import { NodeHash } from '../../node-server/node-hash.ts';
import { chaos } from '../client/chaos.test.ts';
import { watch } from '../client/watching.ts';
import { attend } from '../cluster/attendances.ts';
import { forward } from '../cluster/forwards.ts';
import { shakeHands } from '../cluster/handshakes.ts';
import { liveLines } from '../service/lines/exploration.ts';
import { live } from '../store/lives.ts';
import { rot } from '../store/rotten-lives.ts';
import { damageOf, explore } from '../vr/exploration.ts';
import { forget } from '../vr/forgotten.ts';
import type { Mutant } from './mutant.ts';

const [by, first, seconds, only, wished] = process.argv.slice(2);
const hash = new NodeHash();

const damaged = only === 'rot' || only === 'loss' ? only : null;
const wrong = only === 'wrong';

const { events, voters, checkpointBytes, stageBytes, ...wish } = JSON.parse(wished ?? '{}') as NonNullable<
  Mutant['wish']
>;
const group = Object.fromEntries(
  Object.entries({ voters, checkpointBytes, stageBytes }).filter(([, value]) => value !== undefined),
);

function explored(seed: number): void {
  const steps = [300, 800, 800, 3000][seed % 4]!;
  explore({ seed, steps, damage: wrong ? 'wrong' : (damaged ?? damageOf(seed)), ...group });
}

function simulated(seed: number): void {
  const length = events ?? [4000, 20_000, 60_000][seed % 3]!;
  runSeed({ seed, events: length, hash, wish, ...(damaged === null ? {} : { damage: damaged }) });
}

const runs: Readonly<Record<Mutant['by'], (seed: number) => void>> = {
  exploration: explored,
  forgotten: forget,
  simulator: simulated,
  attendance: attend,
  handshakes: shakeHands,
  forwards: forward,
  lives: damaged === 'rot' ? rot : live,
  watching: watch,
  lines: (seed) => liveLines({ seed, steps: 1000 }),
  chaos,
};
const run = runs[by as Mutant['by']];
const endUs = Number(seconds) * 1_000_000;

function spentUs(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

let seed = Number(first);
let what: string | null = null;
for (; what === null && spentUs() < endUs; seed++) {
  process.stdout.write(`${seed}\n`);
  try {
    run(seed);
  } catch (error) {
    what = (error instanceof Error ? error.message : String(error)).split('\n')[0]!;
  }
}
process.stdout.write(`${JSON.stringify({ seed: seed - 1, what, seconds: spentUs() / 1e6 })}\n`);
