/** The three nodes of `haret dev`: their names, ports and directories, as in haret (language §2). */

import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface DevNode {
  readonly name: string;
  readonly replica: string;
  readonly directory: string;
  readonly configFile: string;
  readonly logFile: string;
  readonly cluster: string;
  readonly admin: string;
  readonly api: string;
}

export const devNamespace = 'test-ns';
export const devDirectory = 'dev';

const devHost = '127.0.0.1';
const firstPorts = [2000, 3000, 4000];

export function devNodes(root: string): readonly DevNode[] {
  return firstPorts.map((port, i) => {
    const name = `dev${i + 1}`;
    const directory = join(root, name);
    return {
      name,
      replica: `r${i + 1}`,
      directory,
      configFile: join(directory, 'config.toml'),
      logFile: join(directory, 'node.log'),
      cluster: `${devHost}:${port}`,
      admin: `${devHost}:${port + 1}`,
      api: `${devHost}:${port + 2}`,
    };
  });
}

/** Writes the configuration of a node that has none; one that is there is its owner's. */
export function layOut(node: DevNode): void {
  mkdirSync(node.directory, { recursive: true });
  if (existsSync(node.configFile)) return;
  writeFileSync(node.configFile, configText(node));
}

function configText(node: DevNode): string {
  return `# A node of haret dev. It is yours to change; haret dev writes it only when it is not there.
node_name = "${node.name}"
cluster_host = "${node.cluster}"
admin_host = "${node.admin}"
api_host = "${node.api}"
data_dir = "data"
log_level = "info"
`;
}
