/** The program `haret-cli-client ADDRESS`: the command language over the API interface (docs/language.md). */

import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { Client } from '../core/client/client.ts';
import { PromiseClient } from '../core/client/promises.ts';
import { binaryApi } from '../core/wire/api-client-binary.ts';
import { apiTable, ClientConnection } from '../core/shell/index.ts';
import { nodePorts, startEngine } from './terminal/connect.ts';
import { runProgram } from './terminal/program.ts';
import { programVersion } from './version.ts';

const name = 'haret-cli-client';

await runProgram({
  name,
  kind: 'client',
  prompt: 'haret> ',
  table: apiTable(),
  connect: async ({ addresses, timeoutMs, clientId }) => {
    const client = clientId ?? `${name}/${programVersion()} ${hostname().slice(0, 64)}:${process.pid}`;
    // Only this process has the id while it runs. It gives the id back when it ends.
    const identity = clientId === null ? null : { id: clientId, incarnation: randomBytes(16).toString('hex') };
    const engine = new Client(nodePorts(), { addresses, codec: binaryApi, name: client, identity });
    const promises = new PromiseClient(engine);
    const close = await startEngine(engine, addresses, timeoutMs, (limitMs) =>
      promises.connected({ timeoutMs: limitMs }),
    );
    return { connection: new ClientConnection(promises, client, addresses.join(',')), close };
  },
});
