/** Somebody at a dead member's address, and somebody at the client's ports, send as much as they can that is of no use. */

import { WebSocketServer } from 'ws';
import type { WebSocket } from 'ws';
import { adminSubprotocols } from '../../../core/wire/admin.ts';
import { apiSubprotocols } from '../../../core/wire/api.ts';
import { peerSubprotocol } from '../../../core/wire/peer.ts';
import { open } from '../../integration/raw-socket.ts';
import { namespaceName } from '../../stage/stage.ts';
import { Ledger } from '../../stage/tools/ledger.ts';
import { comes } from '../../stage/tools/waiting.ts';
import type { Trial } from '../../stage/trial.ts';

const megabytes = 15 * 1024 * 1024;
const writes = 200;
/** Lines of any kind about those who proved nothing. Without a bound there is one for each of them. */
const mostLines = 20;

/** What whoever dials the dead member gets for an answer. */
const answers: readonly ((ws: WebSocket) => void)[] = [
  (ws) => ws.send(Buffer.alloc(megabytes, 1)),
  (ws) => void Array.from({ length: 8 }, () => ws.send(Buffer.alloc(megabytes))),
  (ws) => void Array.from({ length: 50_000 }, () => ws.ping('x')),
  (ws) => void Array.from({ length: 50_000 }, () => ws.send('', { fin: false })),
];

const many = (bytes: number, one: string): string =>
  Array(Math.floor(bytes / (one.length + 1)))
    .fill(one)
    .join();
const numbered = (count: number, one: (i: number) => string): string =>
  Array.from({ length: count }, (_, i) => one(i)).join();
/** Text frames of 4 MB that are refused. */
const frames: readonly string[] = [
  `{"json":[${many(4_000_000, '[]')}]}`,
  `{"json":[{${numbered(300_000, (i) => `"k${i}":1`)}}]}`,
  `{"json":[${many(4_000_000, '{"kind":"ping","id":1}')}]}`,
  `{"json":[1],"meta":{"values":{${numbered(120_000, (i) => `"${i}.a":[["custom","bytes"]]`)}},"v":1}}`,
];

export const trial = {
  name: 'floods',
  sentence:
    'Whoever sits at a dead member’s address, or opens a client’s connection, sends floods of frames and pings: each link is ended, the log stays short, and every write goes on.',
  short: false,
  limitMs: 240_000,
  async play(stage) {
    const cluster = await stage.cluster(3);
    const [first, second, dead] = cluster.nodes as [
      (typeof cluster.nodes)[0],
      (typeof cluster.nodes)[0],
      (typeof cluster.nodes)[0],
    ];
    const living = [first, second];
    const ledger = new Ledger(stage);
    const haret = await stage.client(living);
    await ledger.writeMany(haret.namespace(namespaceName), 10);
    await dead.kill();
    let dials = 0;
    let ended = 0;
    const server = new WebSocketServer({
      host: '127.0.0.1',
      port: Number(dead.cluster.split(':')[1]),
      handleProtocols: () => peerSubprotocol,
    });
    stage.atEnd(() => {
      for (const ws of server.clients) ws.terminate();
      server.close();
    });
    server.on('connection', (ws) => {
      ws.on('error', () => undefined);
      ws.on('close', () => ended++);
      answers[dials++ % answers.length]!(ws);
    });
    let refused = 0;
    let over = false;
    const client = async (address: string, protocol: string): Promise<void> => {
      for (let i = 0; !over; i++) {
        const ws = await open(address, protocol).catch((error: unknown) => {
          // This process makes the floods as well. Where it is late with its own request, the node does not wait.
          if (String(error).includes('refused with 408')) return null;
          throw error;
        });
        if (ws === null) continue;
        const closed = new Promise<void>((resolve) => {
          ws.on('error', () => undefined);
          ws.on('close', (code) => {
            if (code === 4000) refused++;
            else if (!over) stage.fault(`a frame of no use was answered with ${code}`);
            resolve();
          });
        });
        ws.send(frames[i % frames.length]!);
        await closed;
      }
    };
    const from = living.map((node) => node.log.length);
    const clients = living.flatMap((node) => [
      client(node.api, apiSubprotocols.superjson),
      client(node.admin, adminSubprotocols.superjson),
    ]);
    await ledger.writeMany(haret.namespace(namespaceName), writes);
    await comes(60_000, () => Promise.resolve(dials >= 2 * answers.length && refused >= 4 * frames.length));
    over = true;
    await Promise.all(clients);
    stage.step(
      `${dials} dials were answered by floods, and ${refused} frames of clients were refused, during ${writes} writes`,
    );
    stage.demand(dials >= 2 * answers.length, `the nodes dialled the dead member only ${dials} times`);
    stage.demand(refused >= 4 * frames.length, `only ${refused} frames were refused`);
    await comes(10_000, () => Promise.resolve(ended >= dials - 2));
    stage.demand(ended >= dials - 2, `${dials - ended} links with a flood are still open`);
    stage.demand(ledger.size === writes + 10, `only ${ledger.size} of ${writes + 10} writes were acknowledged`);
    living.forEach((node, index) => {
      const lines = node.log.slice(from[index]);
      stage.demand(lines.length <= mostLines, `${node.name} has ${lines.length} more lines in its log`);
    });
    await stage.judgeProcesses(living);
  },
} as const satisfies Trial;
