/**
 * A stranger says where primaries are, answers what is then forwarded to it, and forwards what no node would forward.
 */

import { NobleHash } from '../../../core/base/noble-hash.ts';
import { encodeOperation } from '../../../core/service/body.ts';
import { decodePeerFrame, encodePeerFrames, peerProtocol, peerSubprotocol } from '../../../core/wire/peer.ts';
import type { PeerMessage } from '../../../core/wire/peer.ts';
import { WebSocketServer } from 'ws';
import type { WebSocket } from 'ws';
import { freePort } from '../../integration/cluster-process.ts';
import { namespaceName, shown } from '../../stage/stage.ts';
import { failoverAndRestart, stillServes } from '../../stage/tools/after-forgery.ts';
import { Forger, idsOf, infoOf, largest, strangerInfo } from '../../stage/tools/forger.ts';
import { Ledger } from '../../stage/tools/ledger.ts';
import { primaryNode } from '../../stage/tools/nodes.ts';
import { ThinConnection, errorOf, register, request } from '../../stage/tools/thin.ts';
import type { Trial } from '../../stage/trial.ts';

const name = 'stranger';
/** The proof of a forward, which a stranger makes up. */
const secretless = { secret: '00'.repeat(16) };
const garbage = new Uint8Array(64).fill(0xee);

export const trial = {
  name: 'forged-forwards',
  sentence:
    'A stranger’s hints send no request to it, its answers reach no client, garbage in them ends no process, and what it forwards to the root group stops no node.',
  short: false,
  limitMs: 240_000,
  async play(stage) {
    const cluster = await stage.cluster(3);
    const ledger = new Ledger(stage);
    const haret = await stage.client(cluster.nodes);
    await ledger.writeMany(haret.namespace(namespaceName), 20);
    const ids = await idsOf(stage, cluster.node(0));
    const address = `127.0.0.1:${await freePort()}`;
    const info = strangerInfo(address, name);
    let forwards = 0;
    /** Answers whatever is forwarded or relayed with garbage. */
    const garbled = (message: PeerMessage, say: (...messages: PeerMessage[]) => void): void => {
      if (message.kind === 'forward') {
        forwards++;
        say({ kind: 'forwarded', run: message.run, id: message.id, outcome: { kind: 'reply', reply: garbage } });
      }
      if (message.kind === 'relay') {
        forwards++;
        const watch = message.message.kind === 'watch' ? message.message.id : 0;
        say({ kind: 'relayed', run: message.run, number: 0, message: { kind: 'event', id: watch, event: garbage } });
      }
    };
    // The stranger can be dialled as well, and presents itself as before.
    const server = new WebSocketServer({
      host: '127.0.0.1',
      port: Number(address.split(':')[1]),
      handleProtocols: () => peerSubprotocol,
    });
    stage.atEnd(() => {
      for (const ws of server.clients) ws.terminate();
      server.close();
    });
    server.on('connection', (ws: WebSocket) => {
      const say = (...messages: PeerMessage[]): void => {
        for (const frame of encodePeerFrames(messages, 1024 * 1024)) ws.send(frame);
      };
      ws.on('message', (data: Buffer) => {
        try {
          for (const message of decodePeerFrame(new Uint8Array(data), new NobleHash())) {
            if (message.kind === 'greet') {
              say({ kind: 'greet', protocol: peerProtocol, nonce: 'cd'.repeat(16) });
            } else if (message.kind === 'hello') {
              say({ kind: 'welcome', cluster: ids.cluster, from: info, proof: 'ef'.repeat(32), problem: null });
            } else garbled(message, say);
          }
        } catch {
          // Whatever it is, the stranger does not know it.
        }
      });
    });

    const primary = await primaryNode(cluster);
    const links: Forger[] = [];
    for (const to of cluster.nodes) {
      const link = await Forger.dial(stage, to, ids.cluster, info);
      link.onMessage = (message) => garbled(message, (...messages) => link.say(...messages));
      await link.welcomed(stage);
      link.say({
        kind: 'hints',
        hints: [0, ids.namespace].map((namespaceId) => ({
          namespaceId,
          epoch: largest,
          view: largest,
          replica: 'r1',
          node: name,
        })),
      });
      await link.read();
      links.push(link);
    }
    stage.step('every node was told that the primaries of all namespaces are on a stranger');
    for (const node of cluster.nodes) {
      if (node.pid === null) continue;
      const thin = await ThinConnection.open(stage, node.api);
      try {
        const namespaceId = await thin.enter();
        const credentials = await register(thin, namespaceId);
        const path = `/by-${node.name}`;
        const heard = await thin.ask(
          request(namespaceId, credentials, 1, { kind: 'create', path, type: 'counter', value: null }),
          8000,
        );
        const error = errorOf(heard);
        if (error !== null) stage.fault(`a text client at ${node.name} is told ${error.code}: ${shown(error.message)}`);
        else if (heard.kind !== 'reply') stage.fault(`a text client at ${node.name} is told ${heard.kind}`);
      } catch (error) {
        stage.fault(`a text client at ${node.name}: ${shown(error instanceof Error ? error.message : String(error))}`);
      }
      thin.close();
    }
    stage.demand(forwards === 0, `${forwards} requests of clients were forwarded to a stranger`);
    for (const link of links) link.close();
    await stage.judgeProcesses(cluster.nodes);
    if (cluster.nodes.some((node) => node.pid === null)) return;
    await stillServes(stage, cluster, ledger, 'forged hints');

    stage.step('the stranger forwards reads and writes of the root group, and of sessions that never existed');
    for (const to of cluster.nodes) {
      for (const from of [info, infoOf(cluster.nodes.find((node) => node !== to)!)]) {
        const link = await Forger.dial(stage, to, ids.cluster, from);
        const operation = encodeOperation({ kind: 'keys', path: '/', limit: 10, after: null });
        const forward = (
          namespaceId: number,
          item: Extract<PeerMessage, { kind: 'forward' }>['item'],
          at: number,
        ): PeerMessage => ({
          kind: 'forward',
          run: 1,
          id: at,
          hops: 1,
          namespaceId,
          item,
          ...secretless,
        });
        link.say(
          forward(0, { kind: 'read', consistency: { kind: 'local' }, operation }, 1),
          forward(0, { kind: 'read', consistency: { kind: 'linearizable' }, operation }, 2),
          forward(0, { kind: 'read', consistency: { kind: 'local' }, operation: garbage }, 3),
          forward(ids.namespace, { kind: 'read', consistency: { kind: 'local' }, operation: garbage }, 4),
        );
        await link.welcomed(stage);
        await link.read();
        const answered = link.heard.filter(({ kind }) => kind === 'forwarded').length;
        if (answered > 0 && from === info) stage.fault(`${to.name} serves ${answered} forwards of a stranger`);
        link.close();
      }
    }
    await stage.judgeProcesses(cluster.nodes);
    const made = await cluster
      .node(0)
      .adminRun(`vr create namespace after r1::dev1@${cluster.node(0).cluster} --allow-small`);
    stage.demand(made.status === 0, `the root group no longer serves: ${shown(made.stderr.trim())}`);
    stage.step(`the primary was on ${primary.name}`);
    await failoverAndRestart(stage, cluster, ledger);
  },
} as const satisfies Trial;
