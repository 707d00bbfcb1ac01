/**
 * Checks that the ports of `haret dev` are free. If another program had one of them, `haret dev` would take that
 * program for its node.
 */

import { createServer } from 'node:net';
import type { DevNode } from './dev-layout.ts';

/** @throws Error that names the first address that another process uses, and what to do. */
export async function assertPortsFree(nodes: readonly DevNode[]): Promise<void> {
  for (const { name, binds, configFile } of nodes) {
    for (const { host, port } of binds) {
      if (await canListen(host, port)) continue;
      throw new Error(
        `another process uses ${host}:${port}, which ${name} needs: stop it (another haret dev?), or give ${name} other ports in ${configFile}`,
      );
    }
  }
}

function canListen(host: string, port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(false);
      else reject(error);
    });
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
