/** Web pages try ports that they may not use. */

import { adminSubprotocols } from '../../../core/wire/admin.ts';
import { apiSubprotocols } from '../../../core/wire/api.ts';
import { peerSubprotocol } from '../../../core/wire/peer.ts';
import { open } from '../../integration/raw-socket.ts';
import { shown } from '../../stage/stage.ts';
import type { Trial } from '../../stage/trial.ts';

const allowed = 'https://console.example.org';

export const trial = {
  name: 'pages',
  sentence:
    "Pages that may use the API, including the node's own, reach neither the cluster port nor, unless the configuration says so, the admin port.",
  short: true,
  limitMs: 120_000,
  async play(stage) {
    const cluster = await stage.layOut(1, `allowed_origins = ["${allowed}"]\nplayground_admin = false`);
    const node = cluster.node(0);
    await node.start();
    const own = `http://${node.api}`;
    const text = adminSubprotocols.superjson;
    const attempts = [
      { to: 'api', address: node.api, protocol: apiSubprotocols.superjson, origin: allowed, may: true },
      { to: 'api', address: node.api, protocol: apiSubprotocols.superjson, origin: own, may: true },
      { to: 'api', address: node.api, protocol: apiSubprotocols.superjson, origin: 'https://evil.example', may: false },
      { to: 'api', address: node.api, protocol: apiSubprotocols.superjson, origin: 'null', may: false },
      ...[allowed, own, `http://${node.admin}`, `http://${node.cluster}`, 'https://evil.example', 'null'].flatMap(
        (origin) => [
          { to: 'cluster', address: node.cluster, protocol: peerSubprotocol, origin, may: false },
          { to: 'admin', address: node.admin, protocol: text, origin, may: false },
          { to: 'admin', address: node.admin, protocol: adminSubprotocols.binary, origin, may: false },
        ],
      ),
    ];
    for (const { to, address, protocol, origin, may } of attempts) {
      let opened: boolean;
      try {
        const ws = await open(address, protocol, { origin });
        opened = true;
        ws.terminate();
      } catch (error) {
        opened = false;
        stage.refused(error);
      }
      stage.demand(
        opened === may,
        `a page of ${shown(origin)} ${opened ? 'reaches' : 'does not reach'} the ${to} port (${protocol})`,
      );
    }
    stage.step(`${attempts.length} handshakes of pages were tried`);
    const admin = await node.adminRun('config');
    stage.demand(admin.status === 0, 'a program reaches the admin port');
  },
} as const satisfies Trial;
