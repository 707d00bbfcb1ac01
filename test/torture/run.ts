/**
 * `npm run torture`: plays the trials one after the other. For each it prints what was acknowledged, what is still
 * there, and what refusals said.
 */

import { runProgram } from '../stage/program.ts';
import { trials } from './trials/index.ts';

await runProgram({
  name: 'torture',
  about:
    'Does to running nodes what disks, power cuts, operators and strangers do, and checks that nothing is lost or reported wrongly.',
  trials,
  columns: [
    { head: 'acknowledged', of: ({ acknowledged }) => String(acknowledged) },
    { head: 'there', of: ({ present }) => String(present) },
    { head: 'refusals', of: ({ refusals }) => String(refusals.length) },
  ],
});
