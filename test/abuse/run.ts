/**
 * `npm run abuse`: attacks three nodes under a light load, one attack after the other. For each it prints what the load
 * and the nodes' memory did, and what an operator saw.
 */

import { runProgram } from '../stage/program.ts';
import type { Column } from '../stage/program.ts';
import { trials } from './trials/index.ts';

const figure = (head: string): Column => ({ head, of: ({ figures }) => figures[head] ?? '' });

await runProgram({
  name: 'abuse',
  about:
    'Does to three nodes under a light load what greedy clients, bad disks and starved machines do, and checks that the load goes on.',
  trials,
  columns: ['p99 before', 'p99 during', 'peak MiB', 'deaf ms'].map(figure),
});
