/** Idle connections take all descriptors that the process may have. */

import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { namespaceName } from '../../stage/stage.ts';
import { wait } from '../../stage/tools/waiting.ts';
import { trialOf } from '../attack.ts';
import { Bulk } from '../tools/bulk.ts';

const descriptors = 256;
const connections = 400;

export const trial = trialOf({
  name: 'descriptors',
  sentence: `Nodes may have ${descriptors} open files, and ${connections} idle connections come to each: some are refused and counted, and the log gets its next segments.`,
  short: false,
  config: 'segment_bytes = 1048576\nmax_body_bytes = 524288\nmax_batch_bytes = 524288\nmax_value_bytes = 100000',
  clue: /descriptor|connections|open files/i,
  async lay(stage) {
    const cluster = await stage.layOut(3, this.config);
    for (const node of cluster.nodes) node.before = ['prlimit', `--nofile=${descriptors}:${descriptors}`];
    await Promise.all(cluster.nodes.map((node) => node.start()));
    await cluster.found(namespaceName);
    return cluster;
  },
  async attack({ stage, nodes, afterwards }) {
    const sockets: Socket[] = [];
    let closed = 0;
    const bulk = await Bulk.start(stage, { clients: [nodes], stays: false, outstanding: 8, valueBytes: 60_000 });
    for (const node of nodes) {
      const [host, port] = node.api.split(':') as [string, string];
      for (let i = 0; i < connections; i++) {
        const socket = connect(Number(port), host);
        socket.on('error', () => undefined);
        socket.on('close', () => closed++);
        sockets.push(socket);
      }
    }
    afterwards(() => {
      for (const socket of sockets) socket.destroy();
    });
    await wait(8000);
    stage.step(
      `${sockets.length} idle connections, ${closed} of them closed by the nodes; ${bulk.done} puts of 60 kB, ${bulk.failed} failed`,
    );
    stage.demand(bulk.done > 100, `only ${bulk.done} puts were done`);
    await bulk.stop();
  },
});
