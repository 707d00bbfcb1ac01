/** A stranger says hello: in a member's name, to a node that is not there any more, and under an invalid name. */

import { namespaceName, shown } from '../../stage/stage.ts';
import { stillServes } from '../../stage/tools/after-forgery.ts';
import { Forger, idsOf, infoOf, strangerInfo } from '../../stage/tools/forger.ts';
import { Ledger } from '../../stage/tools/ledger.ts';
import { healthOf, recover } from '../../stage/tools/nodes.ts';
import { ThinConnection } from '../../stage/tools/thin.ts';
import { comes } from '../../stage/tools/waiting.ts';
import type { Trial } from '../../stage/trial.ts';

const bait = '127.0.0.1:9';
const badNames = ['evil\nname', '\u001b[31mred', 'x\u009b2J', '\u202eelif'];
// Characters that a terminal would act on.
const harmful = /[\u001b\u0080-\u009f\u202a-\u202e]/;

export const trial = {
  name: 'forged-hellos',
  sentence:
    'A hello in a member’s name rewrites none of its addresses, a hello that means another incarnation stops no node, and an invalid name is shown nowhere.',
  short: false,
  limitMs: 180_000,
  async play(stage) {
    const cluster = await stage.cluster(3);
    const ledger = new Ledger(stage);
    const haret = await stage.client(cluster.nodes);
    await ledger.writeMany(haret.namespace(namespaceName), 20);
    const [first] = cluster.nodes;
    const ids = await idsOf(stage, first!);
    const links: Forger[] = [];
    for (const to of cluster.nodes) {
      for (const as of cluster.nodes.filter((node) => node !== to)) {
        const lying = { ...infoOf(as), clusterAddress: bait, adminAddress: bait, apiAddress: bait };
        const link = await Forger.dial(stage, to, ids.cluster, lying);
        if (await link.welcomed(stage)) stage.step(`${to.name} welcomes a stranger in the name of ${as.name}`);
        links.push(link);
      }
    }
    const rewritten = await comes(4000, async () => {
      const status = await first!.adminRun('cluster status');
      return status.stdout.includes(bait);
    });
    stage.demand(!rewritten, `the catalog has a member at ${bait}, the address that a stranger gave`);
    for (const node of cluster.nodes) {
      const connection = await ThinConnection.open(stage, node.api);
      const entered = await connection.ask({ kind: 'enter', namespace: namespaceName });
      stage.demand(entered.primary?.apiAddress !== bait, `${node.name} sends clients to ${bait}`);
      connection.close();
    }
    for (const link of links) link.close();
    await stillServes(stage, cluster, ledger, 'hellos in the names of members');

    stage.step('hellos that mean another incarnation, and invalid names');
    for (const to of cluster.nodes) {
      const wrong = { name: to.name, incarnation: 'cd'.repeat(16) };
      for (const from of [strangerInfo(bait), infoOf(cluster.nodes.find((node) => node !== to)!)]) {
        const link = await Forger.dial(stage, to, ids.cluster, from, wrong);
        await link.welcomed(stage);
        link.close();
      }
      for (const name of badNames) {
        const link = await Forger.dial(stage, to, ids.cluster, strangerInfo(bait, name), wrong).catch(() => null);
        await link?.welcomed(stage);
        link?.close();
      }
    }
    await stillServes(stage, cluster, ledger, 'hellos that mean another incarnation');
    for (const node of cluster.nodes) {
      const health = await healthOf(node);
      stage.demand(!health.includes('another data directory'), `${node.name} believes a stranger: ${shown(health)}`);
      const line = [...node.log, health].find((one) => harmful.test(one));
      if (line !== undefined) stage.fault(`${node.name} shows a stranger's name raw: ${shown(line)}`);
    }
    // A node by itself, which no other can contradict.
    const single = await stage.cluster(1);
    const lone = single.node(0);
    const link = await Forger.dial(stage, lone, (await idsOf(stage, lone)).cluster, strangerInfo(bait), {
      name: lone.name,
      incarnation: 'cd'.repeat(16),
    });
    await link.welcomed(stage);
    const client = await stage.client([lone]);
    const oneNode = new Ledger(stage);
    const served = await oneNode.write(client.namespace(namespaceName), 16, 5000);
    stage.demand(served, 'a single node no longer serves after a hello that meant another incarnation');
    await recover(stage, [...cluster.nodes, lone], 40_000);
    await ledger.check(cluster.nodes);
    await oneNode.check([lone]);
    await stage.judgeProcesses([...cluster.nodes, lone]);
  },
} as const satisfies Trial;
