/** The three nodes of `haret dev`: their names, ports and directories (docs/language.md). */

import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadConfig } from './config.ts';
import type { Bind } from './config.ts';

export interface DevNode {
  readonly name: string;
  readonly replica: string;
  readonly directory: string;
  readonly configFile: string;
  readonly logFile: string;
  readonly cluster: string;
  readonly admin: string;
  readonly api: string;
  /** The addresses on which it listens. */
  readonly binds: readonly Bind[];
}

export const devNamespace = 'test-ns';
export const devDirectory = 'dev';

const devHost = '127.0.0.1';
const firstPorts = [2000, 3000, 4000];

/**
 * Writes the configuration of each node that has none, and reads where each node can be reached. A configuration that
 * exists belongs to the user, with its ports.
 * @throws {@link ConfigError}
 */
export function layOut(root: string): readonly DevNode[] {
  return firstPorts.map((port, i) => {
    const name = `dev${i + 1}`;
    const directory = join(root, name);
    const configFile = join(directory, 'config.toml');
    mkdirSync(directory, { recursive: true });
    if (!existsSync(configFile)) writeFileSync(configFile, configText(name, port));
    const { cluster, admin, api } = loadConfig(configFile);
    return {
      name,
      replica: `r${i + 1}`,
      directory,
      configFile,
      logFile: join(directory, 'node.log'),
      cluster: addressOf(cluster),
      admin: addressOf(admin),
      api: addressOf(api),
      binds: [cluster, admin, api],
    };
  });
}

function addressOf({ host, port, advertised }: Bind): string {
  if (advertised !== '') return advertised;
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

function configText(name: string, port: number): string {
  const origins = firstPorts
    .flatMap((first) => [devHost, 'localhost'].map((host) => `"http://${host}:${first + 2}"`))
    .join(', ');
  return `# A node of haret dev. You may change this file: haret dev only writes it when it does not exist.
node_name = "${name}"
cluster_host = "${devHost}:${port}"
admin_host = "${devHost}:${port + 1}"
api_host = "${devHost}:${port + 2}"
data_dir = "data"
# The page of one node shows the status of all.
allowed_origins = [${origins}]
# And it takes admin commands.
playground_admin = true
`;
}
