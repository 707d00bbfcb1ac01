// A guest book: `node examples/guests/service.js`, then open the address that it prints, in several windows. The service brings a node of
// its own, serves the page, and keeps the book short. The page talks to haret by itself: there is nothing in between to write.
// @ts-check

import { mkdtempSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connect, json } from 'haret';
import { inProcess, startServer } from 'haret/server';
import { greetedPath, guestSchema, guestsPath, namespace } from './guest.js';

const here = dirname(fileURLToPath(import.meta.url));
/** Where the package keeps what pages import. */
const browserFiles = join(dirname(fileURLToPath(import.meta.resolve('haret/package.json'))), 'dist', 'browser');
const most = 10;

const http = createServer((request, response) => {
  const { pathname } = new URL(request.url ?? '/', 'http://here');
  const [file, type] = pathname.startsWith('/haret/')
    ? [join(browserFiles, basename(pathname)), 'text/javascript']
    : pathname === '/guest.js' || pathname === '/page.js'
      ? [join(here, basename(pathname)), 'text/javascript']
      : [join(here, 'page.html'), 'text/html; charset=utf-8'];
  try {
    response.writeHead(200, { 'Content-Type': type }).end(readFileSync(file));
  } catch {
    response.writeHead(404).end();
  }
});
await new Promise((resolve) => http.listen(Number(process.env.PORT ?? 0), '127.0.0.1', () => resolve(null)));
const address = http.address();
if (address === null || typeof address === 'string') throw new Error('the page has no address');
const origin = `http://127.0.0.1:${address.port}`;

const server = await startServer({
  nodeName: 'guests',
  dataDir: process.env.DATA_DIR ?? mkdtempSync(join(tmpdir(), 'haret-guests-')),
  // A page of another port is another origin, and nodes let in only those that they know.
  config: { allowed_origins: [origin] },
});
await server.createNamespace(namespace);
const haret = await connect({ urls: server.addresses.api, transport: inProcess(server.accept) });
const ns = haret.namespace(namespace);
const guests = ns.queue(guestsPath, json(guestSchema));
const greeted = ns.counter(greetedPath);
// In a transaction, what is added to has to be there.
if (!(await greeted.exists())) await greeted.create();
console.log(`${origin}/?node=ws://${server.addresses.api}`);

const stopped = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => stopped.abort());

for await (const list of guests.live().values({ signal: stopped.signal })) {
  if (list.length <= most) continue;
  const stat = await guests.stat();
  if (stat === undefined || stat.count <= most) continue;
  // Another service may be at it too: the oldest guest goes out once, by whoever saw the book as it is.
  await ns
    .txn()
    .if(guests.guard.modified(stat.modified))
    .do(guests.op.pop(), greeted.op.add(1))
    .commit()
    .catch((error) => console.error(error.message));
}

await haret.close();
await server.stop();
http.close();
// A browser opens connections that it asks nothing over. Each would hold the process for a minute.
http.closeAllConnections();
