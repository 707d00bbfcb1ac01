/** Acknowledgements that no replica gave, of what was never sent, and a log that no primary sent. */

import { text } from '../../../browser-client/index.ts';
import { namespaceName } from '../../stage/stage.ts';
import { failoverAndRestart, stillServes } from '../../stage/tools/after-forgery.ts';
import { Forger, idsOf, envelope, forged, infoOf, largest, strangerInfo } from '../../stage/tools/forger.ts';
import { Ledger } from '../../stage/tools/ledger.ts';
import { primaryNode, replicasOn, startAnyhow } from '../../stage/tools/nodes.ts';
import type { Trial } from '../../stage/trial.ts';

export const trial = {
  name: 'forged-acknowledgements',
  sentence:
    'Acknowledgements in the names of backups that are down commit nothing. Acknowledgements of ops and rounds that never existed, and a StartView that no primary sent, stop no node.',
  short: false,
  limitMs: 240_000,
  async play(stage) {
    const cluster = await stage.cluster(3);
    const ledger = new Ledger(stage);
    const haret = await stage.client(cluster.nodes);
    await ledger.writeMany(haret.namespace(namespaceName), 20);
    const primary = await primaryNode(cluster);
    const backups = cluster.nodes.filter((node) => node !== primary);
    const ids = await idsOf(stage, primary);
    const { view, head } = (await replicasOn(primary))[0]!;
    const alone = await stage.client([primary], { followRedirects: false });
    await alone.namespace(namespaceName).blob('/session', text).put('registered');
    const links = await Promise.all(
      backups.flatMap((as) =>
        [infoOf(as), strangerInfo('127.0.0.1:1')].map((from) => Forger.dial(stage, primary, ids.cluster, from)),
      ),
    );
    await Promise.all(links.map((link) => link.welcomed(stage)));
    await Promise.all(backups.map((node) => node.kill()));
    stage.step('both backups are dead; a write is asked of the primary, and acknowledged in their names');
    const asked = alone.namespace(namespaceName).blob('/without-a-quorum', text).create('x', { timeoutMs: 800 });
    const forgery = setInterval(() => {
      for (const [i, link] of links.entries()) {
        const as = backups[Math.floor(i / 2)]!;
        const acks = Array.from({ length: 20 }, (_, k) =>
          forged({ kind: 'prepareOk', ...envelope(cluster, ids, as, primary, view), op: head + k }),
        );
        link.say(...acks);
      }
    }, 50);
    try {
      await asked;
      stage.fault('a write was acknowledged to its client although no backup has it');
    } catch (error) {
      stage.refused(error);
    } finally {
      clearInterval(forgery);
    }
    await startAnyhow(backups);
    await stillServes(stage, cluster, ledger, 'forged acknowledgements');

    stage.step('ops and rounds that never existed are acknowledged, and all get a forged StartView');
    for (const to of cluster.nodes) {
      const now = (await replicasOn(to))[0]!;
      for (const as of cluster.nodes.filter((node) => node !== to)) {
        const link = await Forger.dial(stage, to, ids.cluster, infoOf(as));
        const told = envelope(cluster, ids, as, to, now.view);
        const later = envelope(cluster, ids, as, to, now.view + 1);
        const log = {
          logView: { epoch: 1, view: now.view + 1 },
          head: 1,
          floor: 0,
          floorChecksum: '00'.repeat(16),
          checkpointOp: 0,
          checksums: ['11'.repeat(16)],
          corrupt: [],
        };
        link.say(
          forged({ kind: 'prepareOk', ...told, op: now.head + 1_000_000 }),
          forged({ kind: 'prepareOk', ...told, op: largest }),
          forged({ kind: 'commitOk', ...told, round: largest, op: largest, checkpoint: null, diskLow: false }),
          forged({ kind: 'readIndexOk', ...told, nonce: 1, index: largest }),
          forged({
            kind: 'commit',
            ...told,
            round: largest,
            commit: largest,
            head: largest,
            agreed: null,
            shortenTo: largest,
          }),
          forged({ kind: 'startView', ...told, nonce: 0, commit: 1, log }),
          forged({ kind: 'startView', ...later, nonce: 0, commit: 1, log }),
          forged({ kind: 'startView', ...later, nonce: 0, commit: 1, log: { ...log, logView: { epoch: 1, view: 7 } } }),
          forged({ kind: 'doViewChange', ...later, log: { ...log, logView: { epoch: 1, view: now.view + 9 } } }),
        );
        await link.welcomed(stage);
        await link.read();
        link.close();
      }
    }
    await stillServes(stage, cluster, ledger, 'acknowledgements of what never existed');
    await stage.judgeProcesses(cluster.nodes);
    await failoverAndRestart(stage, cluster, ledger);
  },
} as const satisfies Trial;
