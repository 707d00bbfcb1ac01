/** What answers at an address is not a node. It sends text that would control a terminal. */

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';
import { errorInfo } from '../../../core/base/errors.ts';
import { encodeWhole } from '../../../core/base/whole.ts';
import { adminReplyFrameSchema } from '../../../core/wire/admin.ts';
import { serverFrameSchema } from '../../../core/wire/api.ts';
import { run } from '../../integration/programs.ts';
import { shown } from '../../stage/stage.ts';
import type { Trial } from '../../stage/trial.ts';

/** A title, a colour, a C1 control sequence, text that runs the other way, a line that is overwritten, and a bell. */
const steering = '\u001b]0;owned\u0007\u001b[31mred\u009b2Jgone\u202eesrever\u2066\u200eover\rwritten\u0085';
const harmful = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/;

export const trial = {
  name: 'terminals',
  sentence:
    'What a stranger says when it refuses or closes, and what it calls itself, is made harmless before a terminal shows it, in text and in JSON.',
  short: true,
  limitMs: 180_000,
  async play(stage) {
    const refusal = JSON.stringify({
      error: { code: 'NotAllowed', message: steering, retryable: false, outcome: 'definite', details: {} },
    });
    const refuses = createServer((_request, response) => response.writeHead(403).end(refusal));
    refuses.on('upgrade', (_request, socket) => {
      socket.end(
        `HTTP/1.1 403 Forbidden\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(refusal)}\r\nConnection: close\r\n\r\n${refusal}`,
      );
    });
    const closes = createServer();
    const sockets = new WebSocketServer({ server: closes, handleProtocols: (offered) => [...offered][0] ?? false });
    sockets.on('connection', (ws) => ws.close(4003, steering.slice(0, 40)));
    const says = createServer();
    const talkers = new WebSocketServer({ server: says, handleProtocols: (offered) => [...offered][0] ?? false });
    const error = errorInfo('NotAllowed', steering);
    talkers.on('connection', (ws) => {
      const frame = ws.protocol.startsWith('haret-admin')
        ? encodeWhole(adminReplyFrameSchema, [{ kind: 'goodbye', error }])
        : encodeWhole(serverFrameSchema, [{ kind: 'goodbye', error }]);
      ws.on('message', () => {
        ws.send(frame);
        ws.close(4000, steering.slice(0, 40));
      });
    });
    for (const server of [refuses, closes, says]) {
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      stage.atEnd(() => {
        server.closeAllConnections();
        server.close();
      });
    }
    stage.atEnd(() => {
      for (const ws of [...sockets.clients, ...talkers.clients]) ws.terminate();
    });
    for (const [manner, server] of [
      ['refuses the handshake', refuses],
      ['closes the connection', closes],
      ['says goodbye', says],
    ] as const) {
      const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
      const attempts = [
        ['haret-cli-client', [address, '--ns', 'x', '--timeout', '1s', '-e', 'ls']],
        ['haret-cli-client', [address, '--ns', 'x', '--timeout', '1s', '--json', '-e', 'ls']],
        ['haret-admin', [address, '--timeout', '1s', '-e', 'cluster status']],
        ['haret-admin', [address, '--timeout', '1s', '--json', '-e', 'cluster status']],
      ] as const;
      const ran = await Promise.all(attempts.map(([program, args]) => run(program, args)));
      for (const [i, { status, stdout, stderr }] of ran.entries()) {
        const [program, args] = attempts[i]!;
        const what = `${program}${args.includes('--json') ? ' --json' : ''} at one that ${manner}`;
        stage.demand(status !== 0 && status !== null, `${what} ended with status ${status ?? 'none'}`);
        const both = stdout + stderr;
        stage.noteRefusal(both.trim());
        const match = harmful.exec(both);
        if (match !== null) stage.fault(`${what} prints the raw character ${shown(match[0])}`);
      }
      stage.step(`four programs were told by one that ${manner}`);
    }
  },
} as const satisfies Trial;
