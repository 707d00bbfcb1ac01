/** A page whose name was bound to the node's address asks under its own name. */

import { apiSubprotocols } from '../../../core/wire/api.ts';
import { adminSubprotocols } from '../../../core/wire/admin.ts';
import { peerSubprotocol } from '../../../core/wire/peer.ts';
import { open, sendBytes } from '../../integration/raw-socket.ts';
import type { Trial } from '../../stage/trial.ts';

const strange = 'rebound.example';

export const trial = {
  name: 'hosts',
  sentence:
    'Requests and handshakes under a host name that is not the node’s are refused. Those under its own and under loopback names are not.',
  short: true,
  limitMs: 120_000,
  async play(stage) {
    const cluster = await stage.cluster(1);
    const node = cluster.node(0);
    const port = node.api.split(':')[1]!;
    const statusOf = async (path: string, host: string): Promise<number> => {
      const answer = await sendBytes(node.api, `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
      const [head = ''] = answer.split('\r\n');
      if (!head.includes(' 200 '))
        stage.noteRefusal(`${path}: ${head}: ${answer.slice(answer.indexOf('\r\n\r\n') + 4)}`);
      return Number(head.split(' ')[1]);
    };
    for (const path of ['/', '/health', '/ready', '/metrics']) {
      for (const host of [strange, `${strange}:${port}`, `127.0.0.1.${strange}:${port}`, 'localhost.evil.example']) {
        const status = await statusOf(path, host);
        stage.demand(status >= 400 && status < 500, `${path} under Host ${host} is answered with ${status}`);
      }
      for (const host of [node.api, `localhost:${port}`, `[::1]:${port}`]) {
        const status = await statusOf(path, host);
        stage.demand(
          status === 200 || (path === '/ready' && status === 503),
          `${path} under Host ${host} is answered with ${status}`,
        );
      }
    }
    for (const [to, address, protocol] of [
      ['api', node.api, apiSubprotocols.superjson],
      ['admin', node.admin, adminSubprotocols.superjson],
      ['cluster', node.cluster, peerSubprotocol],
    ] as const) {
      for (const headers of [
        { host: `${strange}:${port}` },
        { host: `${strange}:${port}`, origin: `http://${strange}:${port}` },
      ]) {
        try {
          (await open(address, protocol, headers)).terminate();
          stage.fault(`a handshake under ${JSON.stringify(headers)} reaches the ${to} port`);
        } catch (error) {
          stage.refused(error);
        }
      }
    }
    stage.step('requests and handshakes were tried under names that are not the node’s');
  },
} as const satisfies Trial;
