/** The newest files of a node's log are removed, with or without what was made ahead of them. */

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { namespaceName } from '../stage.ts';
import type { Stage } from '../stage.ts';
import { Ledger } from './ledger.ts';
import { batchesOf, segmentsOf } from './log-files.ts';
import { recover, startAnyhow } from './nodes.ts';

const smallSegments = `segment_bytes = 1048576
max_body_bytes = 524288
max_batch_bytes = 524288
max_value_bytes = 100000
`;
const valueBytes = 60_000;
/** How many of the oldest segments stay. */
const kept = 2;
const early = 14;
/** A few at once, so that no batch outgrows a segment, and as many as it takes, which is far fewer than this. */
const atOnce = 4;
const most = 200;

export async function segmentsGone(stage: Stage, spareToo: boolean): Promise<void> {
  const cluster = await stage.cluster(3, smallSegments);
  const [stale, whole, hurt] = cluster.nodes as [
    (typeof cluster.nodes)[0],
    (typeof cluster.nodes)[0],
    (typeof cluster.nodes)[0],
  ];
  const ledger = new Ledger(stage);
  const haret = await stage.client(cluster.nodes);
  const namespace = haret.namespace(namespaceName);
  await ledger.writeMany(namespace, early, valueBytes);
  await stale.kill();
  // A segment is made ahead when the one before it is half full.
  while (!(usedSegments(hurt.dataDirectory) > kept + 1 && spares(hurt.dataDirectory).length > 0)) {
    if (ledger.size > most) throw new Error(`no segment is made in advance within ${most} writes`);
    await ledger.writeMany(namespace, atOnce, valueBytes);
  }
  stage.step(`${ledger.size} writes are acknowledged, all but ${early} of them without ${stale.name}`);
  await Promise.all([whole.kill(), hurt.kill()]);
  const used = new Set(batchesOf(hurt.dataDirectory).map(({ head }) => head.segment));
  const segments = segmentsOf(hurt.dataDirectory);
  const newest = segments.filter(({ number }) => used.has(number)).slice(kept);
  const gone = spareToo ? [...newest, ...spares(hurt.dataDirectory)] : newest;
  for (const { name } of gone) rmSync(join(hurt.dataDirectory, name));
  stage.step(
    `of ${segments.length} segments of ${hurt.name} the newest ${gone.length} are removed (${newest.length} that were used)`,
  );
  stage.demand(newest.length > 0, 'there are used segments to remove');

  await startAnyhow([stale, hurt]);
  stage.step(`${stale.name} and ${hurt.name} run, without ${whole.name}`);
  const { body } = await hurt.http('/health');
  stage.demand(
    body !== '{"ok":true,"problems":[]}\n',
    `${hurt.name} says that it is well, without the newest of its log`,
  );
  const between = await stage.client([stale, hurt]);
  const written = await ledger.write(between.namespace(namespaceName), 16, 6000);
  stage.step(written ? 'the two of them acknowledge a write' : 'the two of them acknowledge nothing');
  await ledger.contradicted([stale, hurt]);
  await startAnyhow([whole]);
  stage.step(`${whole.name} is back`);
  await recover(stage, cluster.nodes, 40_000);
  await ledger.check(cluster.nodes);
  await stage.judgeProcesses(cluster.nodes);
}

function usedSegments(dataDirectory: string): number {
  return new Set(batchesOf(dataDirectory).map(({ head }) => head.segment)).size;
}

function spares(dataDirectory: string): { readonly number: number; readonly name: string }[] {
  const used = Math.max(...batchesOf(dataDirectory).map(({ head }) => head.segment));
  return segmentsOf(dataDirectory).filter(({ number }) => number > used);
}
