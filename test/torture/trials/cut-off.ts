/** Clients at a node that answers, but has lost its group. */

import { text } from '../../../browser-client/index.ts';
import { namespaceName } from '../../stage/stage.ts';
import { primaryNode } from '../../stage/tools/nodes.ts';
import { CutCluster } from '../../stage/tools/proxy.ts';
import { comes, within } from '../../stage/tools/waiting.ts';
import type { Trial } from '../../stage/trial.ts';

/** An election takes a second or two, leaving a node takes one or two more, and the machine may be busy. */
const progressMs = 20_000;

export const trial = {
  name: 'cut-off',
  sentence:
    'Clients of a primary and of a backup that hear nothing of their group, and new clients, write and read through the other nodes, and no live value says live when it is not.',
  short: false,
  limitMs: 240_000,
  async play(stage) {
    const cut = await CutCluster.start(stage, 3);
    const { cluster } = cut;
    const acknowledged: string[] = [];
    for (const [who, manner] of [
      ['primary', 'silent'],
      ['backup', 'silent'],
      ['primary', 'closed'],
      ['backup', 'closed'],
    ] as const) {
      const faults = stage.faults.length;
      const primary = await primaryNode(cluster);
      const alone = who === 'primary' ? primary : cluster.nodes.find((node) => node !== primary)!;
      const others = cluster.nodes.filter((node) => node !== alone);
      const order = [alone, ...others];
      // Where nodes forward, a client stays where it is.
      const haret = await stage.client(order, { followRedirects: false, callTimeoutMs: progressMs });
      const namespace = haret.namespace(namespaceName);
      await namespace.blob(`/at-${who}-${manner}`, text).put('before');
      acknowledged.push(`/at-${who}-${manner}`);
      const live = namespace.blob(`/at-${who}-${manner}`, text).live();
      live.subscribe(() => undefined);
      await comes(5000, () => Promise.resolve(live.state.status === 'live'));
      cut.cutOff(manner, alone);
      stage.step(
        `the ${who} ${alone.name} no longer hears its group (its links are ${manner}), but its clients still reach it`,
      );
      const began = performance.now();
      try {
        await namespace.blob(`/from-${who}-${manner}`, text).create('x');
        acknowledged.push(`/from-${who}-${manner}`);
        stage.step(`a client at the ${who} has written after ${((performance.now() - began) / 1000).toFixed(1)} s`);
      } catch (error) {
        stage.refused(error);
        stage.fault(
          `a client at a cut-off ${who} has not written in ${progressMs / 1000} s, though two other nodes serve`,
        );
      }
      const elsewhere = await stage.client(others, { callTimeoutMs: progressMs });
      await elsewhere.namespace(namespaceName).blob(`/at-${who}-${manner}`, text).put('after');
      const fresh = await comes(progressMs, () =>
        Promise.resolve(live.state.value === 'after' || live.state.status !== 'live'),
      );
      stage.demand(fresh, `a live value at a cut-off ${who} says live and shows an old value`);
      const come = await stage.client(order, { callTimeoutMs: progressMs });
      try {
        await within(
          'a new client',
          progressMs,
          come.namespace(namespaceName).blob(`/new-${who}-${manner}`, text).put('x'),
        );
        acknowledged.push(`/new-${who}-${manner}`);
      } catch (error) {
        stage.refused(error);
        stage.fault(`a new client whose first address is a cut-off ${who} does not get to the others`);
      }
      for (const one of [haret, elsewhere, come]) await one.close();
      cut.heal();
      stage.step('all hear each other again');
      await Promise.all(cluster.nodes.map((node) => node.untilHttp('/ready')));
      // One way to fail is enough to know, and each takes time.
      if (stage.faults.length > faults) break;
    }
    stage.acknowledged = acknowledged.length;
    const haret = await stage.client(cluster.nodes);
    for (const path of acknowledged) {
      if (await haret.namespace(namespaceName).blob(path, text).exists()) stage.present++;
      else stage.fault(`${path} was acknowledged and is gone`);
    }
    await stage.judgeProcesses(cluster.nodes);
  },
} as const satisfies Trial;
