/**
 * `haret dev`: three nodes on this machine, each in a process of its own, joined and with a namespace, until Ctrl-C
 * (docs/language.md).
 */

import type { Server } from 'node:net';
import type { AdminDialer } from './admin-dialer.ts';
import { DevChild } from './dev-child.ts';
import type { DevAnswer, DevCommand } from './dev-control.ts';
import { serveDev } from './dev-control.ts';
import { foundCluster } from './dev-found.ts';
import { devNamespace, layOut } from './dev-layout.ts';
import { assertPortsFree } from './dev-ports.ts';
import { exitStatus } from './run-node.ts';

const startTimeoutMs = 60_000;

export interface DevOptions {
  /** The directory that holds `dev1` to `dev3`. */
  readonly root: string;
  /** The file of the program `haret`. */
  readonly program: string;
  readonly version: string;
  readonly dialAdmin: AdminDialer;
}

/** Runs until it is interrupted, or until a node cannot be started. Resolves with the exit status of the process. */
export async function runDev(options: DevOptions): Promise<number> {
  const say = (line: string): void => {
    process.stdout.write(`${line}\n`);
  };
  let children: readonly DevChild[];
  let control: Server | null = null;
  try {
    const nodes = layOut(options.root);
    children = nodes.map((node) => new DevChild(node, options.program, say));
    control = await serveDev(options.root, (command) => obey(children, command));
    await assertPortsFree(nodes);
  } catch (error) {
    control?.close();
    process.stderr.write(`haret: ${messageOf(error)}\n`);
    return exitStatus.failed;
  }
  const interrupted = untilInterrupted(children);
  try {
    const up = bringUp(options, children, say);
    // If the user interrupts the start, it fails because its children end. That is expected.
    up.catch(() => undefined);
    await Promise.race([up, interrupted]);
    await interrupted;
    say('stopping');
    return exitStatus.ok;
  } catch (error) {
    process.stderr.write(`haret: ${messageOf(error)}\n`);
    return exitStatus.failed;
  } finally {
    await Promise.all(children.map((child) => child.stop()));
    await new Promise((resolve) => control.close(resolve));
  }
}

async function bringUp(options: DevOptions, children: readonly DevChild[], say: (line: string) => void): Promise<void> {
  say(`haret ${options.version}: three nodes on this machine, their data in ${options.root}/`);
  for (const child of children) child.start();
  await Promise.all(children.map((child) => child.until('/health', startTimeoutMs)));
  for (const { node, pid } of children) {
    say(`  ${node.name}  cluster ${node.cluster}  admin ${node.admin}  API ${node.api}  pid ${pid ?? 0}`);
  }
  const nodes = children.map(({ node }) => node);
  const [first] = nodes;
  if (first === undefined) return;
  const admin = options.dialAdmin(first.admin);
  try {
    await foundCluster(nodes, (command) => admin.ask(command), say);
  } finally {
    admin.close();
  }
  await Promise.all(children.map((child) => child.until('/ready', startTimeoutMs)));
  const hints = [
    [`npx haret-cli-client ${first.api} --ns ${devNamespace}`, 'then: help'],
    [`npx haret-admin ${first.admin}`, `then: vr primary ${devNamespace}`],
    [`npx haret dev stop ${first.name}`, `and back: npx haret dev start ${first.name}`],
  ] as const;
  const width = Math.max(...hints.map(([command]) => command.length));
  say(`ready. Type in another terminal:
${hints.map(([command, then]) => `  ${command.padEnd(width)}   ${then}`).join('\n')}
Ctrl-C stops all three; their data stays.`);
}

/** One command at a time for each node. The answer comes when the command is done. */
async function obey(children: readonly DevChild[], { command, name }: DevCommand): Promise<DevAnswer> {
  if (command === 'status') {
    const lines = children.map(({ node, pid }) => `${node.name} ${pid === null ? 'stopped' : `runs, pid ${pid}`}`);
    return { ok: true, message: lines.join('\n') };
  }
  const child = children.find(({ node }) => node.name === name);
  if (child === undefined) {
    return { ok: false, message: `there is no ${name}; there are ${children.map(({ node }) => node.name).join(', ')}` };
  }
  if ((command === 'start') === (child.pid !== null)) {
    return { ok: false, message: `${name} ${command === 'start' ? 'already runs' : 'does not run'}` };
  }
  if (command === 'stop') {
    await child.stop();
    return { ok: true, message: `${name} stopped` };
  }
  child.start();
  await child.until('/health', startTimeoutMs);
  return { ok: true, message: `${name} runs, pid ${child.pid ?? 0}` };
}

async function untilInterrupted(children: readonly DevChild[]): Promise<true> {
  return new Promise((resolve) => {
    let count = 0;
    const onSignal = (): void => {
      count++;
      resolve(true);
      // The first signal stops the nodes cleanly. A second one means that the user does not want to wait.
      if (count > 1) {
        for (const child of children) child.kill();
        process.exit(exitStatus.interrupted);
      }
    };
    process.on('SIGINT', onSignal);
    process.on('SIGTERM', onSignal);
    process.on('SIGHUP', onSignal);
  });
}

function messageOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replaceAll('\n', ' ');
}
