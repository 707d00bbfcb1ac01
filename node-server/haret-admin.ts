/** The program `haret-admin ADDRESS`: the command language over the admin interface (docs/language.md). */

import { AdminClient } from '../core/client/admin-client.ts';
import { promised } from '../core/client/promises.ts';
import { AdminConnection, adminTable } from '../core/shell/index.ts';
import { nodePorts, startEngine } from './terminal/connect.ts';
import { runProgram } from './terminal/program.ts';

await runProgram({
  name: 'haret-admin',
  kind: 'admin',
  prompt: 'haret-admin> ',
  table: adminTable(),
  connect: async ({ addresses, timeoutMs }) => {
    const engine = new AdminClient(nodePorts(), { addresses });
    const close = await startEngine(engine, addresses, timeoutMs, (limitMs) =>
      promised((done) => engine.connected(done, limitMs)),
    );
    return { admin: new AdminConnection(engine, addresses.join(',')), close };
  },
});
