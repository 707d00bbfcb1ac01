/** Uses a maximum through the service and through the shell, and prints the results. */

import { concatBytes } from './core/base/bytes.ts';
import type { Operation } from './core/tree/operation.ts';
import { Driver, code, restored, snapshotOf } from './test/service/driver.ts';
import { enteredShell } from './test/shell/run.ts';

const driver = new Driver();
const session = driver.register();
const asked: readonly Operation[] = [
  { kind: 'create', path: '/best', type: 'max', value: null },
  { kind: 'maxRaise', path: '/best', to: 7 },
  { kind: 'maxRaise', path: '/best', to: 3 },
  { kind: 'upsert', operation: { kind: 'maxRaise', path: '/made', to: 5 } },
  { kind: 'queuePush', path: '/best', value: new Uint8Array() },
];
const replies = asked.map((operation, index) => code(driver.request(session, index + 1, operation)));
const numbers = ['/best', '/made'].map((path) => {
  const answer = driver.read({ kind: 'maxGet', path });
  return answer.kind === 'result' && answer.result.kind === 'number' ? answer.result.number : null;
});
const pieces = snapshotOf(driver.service);
const again = restored(pieces);
const sameAgain = concatBytes(snapshotOf(again)).join() === concatBytes(pieces).join();

const { run } = await enteredShell();
const lines: string[] = [];
for (const line of ['create max /top', 'max raise /top 4', 'max get /top', 'stat /top', 'help max']) {
  const { out, status } = await run(line);
  lines.push(`${status} ${out.split('\n')[0] ?? ''}`);
}
process.stdout.write(JSON.stringify({ replies, numbers, sameAgain, lines }));
