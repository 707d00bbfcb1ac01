/** A backup's disk no longer answers, while much is written. */

import { primaryNode } from '../../stage/tools/nodes.ts';
import { wait } from '../../stage/tools/waiting.ts';
import { trialOf } from '../attack.ts';
import { Bulk } from '../tools/bulk.ts';
import { freeze, layOnFreezable, thaw } from '../tools/disks.ts';

export const trial = trialOf({
  name: 'hanging-backup',
  sentence:
    'The disk of a backup hangs while megabytes a second are put: what waits for it has a bound, and the node says that it is behind.',
  short: false,
  memoryMiB: 320,
  clue: /disk/i,
  lay: (stage) => layOnFreezable(stage, 1200),
  async attack({ stage, cluster, nodes, afterwards }) {
    const primary = await primaryNode(cluster);
    const backup = nodes.find((node) => node !== primary)!;
    await freeze(stage, backup);
    stage.step(`the disk of ${backup.name}, a backup, hangs`);
    afterwards(async () => thaw(stage, backup));
    const bulk = await Bulk.start(stage, { clients: [[primary]], stays: true, outstanding: 6, valueBytes: 400_000 });
    await wait(8000);
    const queued = await backup.metric('haret_store_queued_bytes').catch(() => null);
    const ready = await backup.http('/ready').catch((error: unknown) => ({ status: 0, body: String(error) }));
    stage.step(
      `${bulk.done} puts of 400 kB; ${queued ?? '?'} bytes wait for the disk of ${backup.name}, whose /ready is ${ready.status} ${ready.body.trim()}`,
    );
    stage.demand(
      ready.status !== 200,
      `${backup.name} is ready for clients, and nothing of what is put reaches its disk`,
    );
    await bulk.stop();
  },
});
