/** Messages in the names of replicas, over a stranger's link, with views that cannot have been reached. */

import { namespaceName } from '../../stage/stage.ts';
import { failoverAndRestart, stillServes } from '../../stage/tools/after-forgery.ts';
import {
  Forger,
  idsOf,
  envelope,
  forged,
  infoOf,
  largest,
  rootEnvelope,
  strangerInfo,
} from '../../stage/tools/forger.ts';
import { Ledger } from '../../stage/tools/ledger.ts';
import type { Trial } from '../../stage/trial.ts';

export const trial = {
  name: 'forged-views',
  sentence:
    'Messages in the names of replicas, with views up to 2^53 - 1, over links in a member’s name and in a stranger’s: no replica moves there, stops, or stores such a view.',
  short: false,
  limitMs: 240_000,
  async play(stage) {
    const cluster = await stage.cluster(3);
    const ledger = new Ledger(stage);
    const haret = await stage.client(cluster.nodes);
    await ledger.writeMany(haret.namespace(namespaceName), 20);
    const ids = await idsOf(stage, cluster.node(0));
    for (const to of cluster.nodes) {
      for (const as of cluster.nodes) {
        if (as === to) continue;
        for (const from of [infoOf(as), strangerInfo('127.0.0.1:1')]) {
          const forger = await Forger.dial(stage, to, ids.cluster, from);
          for (const view of [largest, largest - 1, 1_000_000]) {
            const head = envelope(cluster, ids, as, to, view);
            forger.say(
              forged({ kind: 'viewNow', ...head }),
              forged({ kind: 'startViewChange', ...head, target: view }),
              forged({ kind: 'recovery', ...head, nonce: 1 }),
              forged({ kind: 'recoveryOk', ...head, nonce: 1 }),
              forged({ kind: 'commit', ...head, round: 1, commit: 1, head: 1, agreed: null, shortenTo: 0 }),
              forged({ kind: 'prepare', ...head, commit: 1, entries: [] }),
            );
          }
          const root = rootEnvelope(ids, as, to, largest);
          forger.say(
            forged({ kind: 'viewNow', ...root }),
            forged({ kind: 'startViewChange', ...root, target: largest }),
          );
          await forger.welcomed(stage);
          await forger.read();
          forger.close();
        }
      }
    }
    stage.step('every node was told of views up to 2^53 - 1, in the names of all the others');
    await stillServes(stage, cluster, ledger, 'forged views');
    await stage.judgeProcesses(cluster.nodes);
    if (stage.faults.length === 0) await failoverAndRestart(stage, cluster, ledger);
    else {
      stage.step('all nodes are killed and started again');
      await Promise.all(cluster.nodes.map((node) => node.kill()));
      for (const node of cluster.nodes) node.launch();
      await ledger.check(cluster.nodes);
      await stage.judgeProcesses(cluster.nodes);
    }
  },
} as const satisfies Trial;
