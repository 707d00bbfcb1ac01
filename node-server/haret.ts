/** The program `haret`: runs one node, or three for development (docs/language.md). */

import { fileURLToPath } from 'node:url';
import { ClusterNode } from '../core/cluster/node.ts';
import { UsageError } from '../core/shell/index.ts';
import { dialAdmin } from './admin-dialer.ts';
import { askDev, devCommands } from './dev-control.ts';
import { devDirectory } from './dev-layout.ts';
import { runDev } from './dev.ts';
import type { Flags } from './flags.ts';
import { readCommandLine } from './flags.ts';
import { NodeDisk } from './node-disk.ts';
import { exitStatus, runNode } from './run-node.ts';
import { programVersion } from './version.ts';

const help = `haret: a strongly consistent coordination service

Usage:
  haret [start] [--config FILE]        run a node; FILE is ./config.toml unless given
  haret dev [--dir DIR]                run three nodes on this machine, joined, with the namespace test-ns
  haret dev stop|start NAME [--dir DIR]   stop or start one of the three, from another terminal
  haret dev status [--dir DIR]         which of the three run
  haret --help | --version

A config.toml:
  node_name = "dev1"
  cluster_host = "127.0.0.1:5000"
  admin_host = "127.0.0.1:5001"
  api_host = "127.0.0.1:5002"
  data_dir = "data"

Then: haret-admin 127.0.0.1:5001 and haret-cli-client 127.0.0.1:5002
`;

const flags = {
  config: { kind: 'value' },
  dir: { kind: 'value' },
  help: { kind: 'plain', short: 'h' },
  version: { kind: 'plain' },
  'stop-with-parent': { kind: 'plain' },
} as const satisfies Flags;

async function main(argv: readonly string[]): Promise<number> {
  const { words, given } = readCommandLine(argv, flags);
  const has = (name: keyof typeof flags): boolean => given.some((flag) => flag.name === name);
  const valueOf = (name: 'config' | 'dir'): string | undefined => {
    const value = given.findLast((flag) => flag.name === name)?.value;
    if (value === '') throw new UsageError(`--${name} needs a value`);
    return value;
  };
  if (has('help') || words[0] === 'help') {
    process.stdout.write(help);
    return exitStatus.ok;
  }
  if (has('version')) {
    process.stdout.write(`haret ${programVersion()}\n`);
    return exitStatus.ok;
  }
  const [command = 'start', ...rest] = words;
  if (command === 'dev') return dev(rest, valueOf('dir') ?? devDirectory);
  if (command !== 'start') throw new UsageError(`unknown command ${command}`);
  if (rest[0] !== undefined) throw new UsageError(`start takes no argument ${rest[0]}; name a file with --config`);
  return runNode(
    { configFile: valueOf('config') ?? './config.toml', stopWithParent: has('stop-with-parent') },
    {
      version: programVersion(),
      createNode: (ports, options, onDiskFailure, observer) => new ClusterNode(ports, options, onDiskFailure, observer),
      openDisk: (directory) => new NodeDisk(directory),
    },
  );
}

async function dev([word, name = '', ...more]: readonly string[], root: string): Promise<number> {
  if (word === undefined) {
    const program = fileURLToPath(import.meta.url);
    return runDev({ root, program, version: programVersion(), dialAdmin });
  }
  const command = devCommands.find((one) => one === word);
  if (command === undefined || more.length > 0) throw new UsageError(`haret dev has no command or flag ${word}`);
  if (command !== 'status' && name === '') throw new UsageError(`haret dev ${word} needs the name of a node`);
  const answer = await askDev(root, { command, name });
  if (answer === null) {
    process.stderr.write(`haret: haret dev is not running on ${root}/; start it with: npx haret dev\n`);
    return exitStatus.failed;
  }
  (answer.ok ? process.stdout : process.stderr).write(`${answer.ok ? '' : 'haret: '}${answer.message}\n`);
  return answer.ok ? exitStatus.ok : exitStatus.failed;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  const usage = error instanceof UsageError;
  process.stderr.write(
    `haret: ${error instanceof Error ? error.message : String(error)}${usage ? '; see haret --help' : ''}\n`,
  );
  process.exitCode = usage ? exitStatus.usage : exitStatus.failed;
}
// What is still open, such as a connection that never ends, must not keep a stopped node alive.
process.exit();
