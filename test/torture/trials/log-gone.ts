/** The log is gone while the store's identity stays. Then the operator does what a peer's log says. */

import { rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from '../../../browser-client/index.ts';
import { run } from '../../integration/programs.ts';
import { namespaceName, shown } from '../../stage/stage.ts';
import type { Stage } from '../../stage/stage.ts';
import { Ledger } from '../../stage/tools/ledger.ts';
import { batchesOf, segmentsOf } from '../../stage/tools/log-files.ts';
import { healthOf, recover, startAnyhow } from '../../stage/tools/nodes.ts';
import { comes } from '../../stage/tools/waiting.ts';
import type { Trial } from '../../stage/trial.ts';

const keys = 20;

/** How a log may be lost. */
const manners = {
  'is removed': (directory: string) => {
    for (const { name } of segmentsOf(directory)) rmSync(join(directory, name));
  },
  'is all zeros': (directory: string) => {
    for (const { name } of segmentsOf(directory)) {
      const file = join(directory, name);
      writeFileSync(file, new Uint8Array(statSync(file).size));
    }
  },
  'is gone except the segment made in advance': (directory: string) => {
    const used = new Set(batchesOf(directory).map(({ head }) => head.segment));
    for (const { name, number } of segmentsOf(directory)) if (used.has(number)) rmSync(join(directory, name));
  },
} as const;

export const trial = {
  name: 'log-gone',
  sentence:
    'A log is removed, zero-filled, or gone except its spare, while the store’s identity stays: the node says so, sends its clients elsewhere, and counts in no quorum, even after the operator has joined it again.',
  short: false,
  limitMs: 400_000,
  async play(stage) {
    for (const [words, damage] of Object.entries(manners)) await act(stage, words, damage);
  },
} as const satisfies Trial;

async function act(stage: Stage, words: string, damage: (directory: string) => void): Promise<void> {
  const cluster = await stage.cluster(3);
  const [founder, late, hurt] = cluster.nodes as [
    (typeof cluster.nodes)[0],
    (typeof cluster.nodes)[0],
    (typeof cluster.nodes)[0],
  ];
  const ledger = new Ledger(stage);
  await late.kill();
  const haret = await stage.client([founder, hurt]);
  await ledger.writeMany(haret.namespace(namespaceName), keys);
  await hurt.kill();
  damage(hurt.dataDirectory);
  stage.step(`the log of ${hurt.name} ${words}; ${keys} writes were acknowledged by ${founder.name} and ${hurt.name}`);
  const from = founder.log.length;
  hurt.launch();
  const told = await comes(40_000, async () => {
    if (hurt.pid === null) return true;
    const health = await healthOf(hurt);
    return health !== '' && !health.startsWith('{"ok":true,"problems":[]}');
  });
  stage.demand(told, `${hurt.name}, whose log ${words}, says that it is well`);
  stage.step(`${hurt.name} says: ${hurt.pid === null ? shown(hurt.stderr) : await healthOf(hurt)}`);
  for (const line of founder.log.slice(from)) {
    if (line.includes('"level":"warn"') && line.includes(hurt.name)) stage.step(`${founder.name} logs: ${shown(line)}`);
  }
  if (hurt.pid !== null) {
    const astray = await run('haret-cli-client', [
      hurt.api,
      '--ns',
      namespaceName,
      '--timeout',
      '2s',
      '--json',
      '-e',
      'ls',
    ]);
    stage.noteRefusal(astray.stdout + astray.stderr);
    const denied = astray.stdout.includes('UnknownNamespace') || astray.stderr.includes('UnknownNamespace');
    stage.demand(!denied, `${hurt.name} says for good that the namespace is unknown`);
    const moved = await stage.client([hurt, founder], { callTimeoutMs: 6000 });
    try {
      // The founder is alone, and answers local reads.
      await moved.namespace(namespaceName).blob('/k0', text).get({ read: 'local' });
    } catch (error) {
      stage.refused(error);
      stage.fault(`a client that knows ${hurt.name} and ${founder.name} does not get to ${founder.name}`);
    }
    await moved.close();
  }
  const joined = await founder.adminRun(`cluster join ${hurt.name}@${hurt.cluster}`);
  stage.step(
    `cluster join ${hurt.name}: status ${joined.status ?? 'none'} ${shown((joined.stdout + joined.stderr).trim())}`,
  );
  if (joined.status !== 0) stage.noteRefusal(joined.stderr.trim());
  await founder.kill();
  await startAnyhow([late]);
  stage.step(`${late.name}, which has none of the writes, runs with ${hurt.name}; ${founder.name} is away`);
  await ledger.contradicted([late, hurt], 5000);
  await startAnyhow([founder]);
  const others = await comes(15_000, async () => {
    const ready = await Promise.all([founder, late].map((node) => node.http('/ready')));
    return ready.every(({ status }) => status === 200);
  });
  if (!others) await recover(stage, [founder, late], 1000);
  await ledger.check([founder, late]);
  await stage.judgeProcesses([founder, late]);
  await Promise.all(cluster.nodes.map((node) => node.kill()));
}
