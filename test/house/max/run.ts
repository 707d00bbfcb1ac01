/** Uses a maximum through the service, the shell and the SDK, and prints what came of it. */

import { max } from './browser-client/core.ts';
import { simulate } from './browser-client/testing.ts';
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

const cluster = simulate({ seed: 7 });
const haret = await cluster.connect();
const namespace = haret.namespace('test');
const followed = namespace.directory('/scores').max('best').live().values();
const before = await followed.next();
const raised = [await max(namespace, '/scores/best').raise(6), await namespace.max('/scores/best').raise(2)];
const after = await followed.next();
const sdk = [before.value, ...raised, after.value, await namespace.max('/scores/best').get()];
await cluster.close();
process.stdout.write(JSON.stringify({ replies, numbers, sameAgain, lines, sdk }));
