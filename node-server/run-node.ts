/** Runs one node until a signal: `haret start`. If anything else ends it, one line on standard error says what. */

import { InvariantViolation } from '../core/base/assert.ts';
import { escapeControls } from '../core/shell/index.ts';
import { ConfigError, loadConfig } from './config.ts';
import type { NodeConfig } from './config.ts';
import { NodeLog } from './node-log.ts';
import { NodeProcess } from './node-process.ts';
import type { NodeParts } from './node-process.ts';

export const exitStatus = { ok: 0, failed: 1, usage: 2, interrupted: 130 } as const;

/** A second signal within this time counts as the same one: a terminal sends Ctrl-C to whole groups of processes. */
const sameSignalMs = 500;

export interface RunOptions {
  readonly configFile: string;
  /** Stop when standard input ends, because the program that started this process is gone. */
  readonly stopWithParent: boolean;
}

/** Never returns before the node has stopped. Resolves with the exit status of the process. */
export async function runNode(options: RunOptions, parts: NodeParts): Promise<number> {
  let config: NodeConfig;
  try {
    config = loadConfig(options.configFile);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    for (const problem of error.problems) complain(problem);
    return exitStatus.usage;
  }
  const log = new NodeLog({ level: config.logLevel }, { self: config.nodeName });
  const die = dieLoudly(log);
  const host = new NodeProcess(config, log, parts, die);
  const stopAsked = untilStopped(options.stopWithParent);
  try {
    await host.start();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    log.write('error', 'cannot start', { problem: message, ...stackOf(error) });
    complain(message);
    return exitStatus.failed;
  }
  const reason = await stopAsked;
  log.write('info', 'stopping', { reason });
  const clean = await host.stop();
  log.write(
    clean ? 'info' : 'error',
    clean ? 'stopped' : 'the node stopped before its primaries had handed over and everything was durable',
  );
  return clean ? exitStatus.ok : exitStatus.failed;
}

function complain(message: string): void {
  process.stderr.write(`haret: ${escapeControls(message.replaceAll('\n', ' '))}\n`);
}

/** The stack helps to mend a bug. For an operator, it would hide the message. */
function stackOf(error: unknown): { readonly stack?: string } {
  const isBug = error instanceof InvariantViolation || error instanceof TypeError || error instanceof RangeError;
  return isBug && error.stack !== undefined ? { stack: error.stack } : {};
}

/**
 * An error that no code caught, above all one of a disk, ends the process. If it carried on, it could acknowledge what
 * is not stored (protocol §2).
 */
function dieLoudly(log: NodeLog): (error: unknown) => never {
  const die = (error: unknown): never => {
    const message = error instanceof Error ? error.message : String(error);
    const stack = error instanceof Error ? { stack: error.stack } : {};
    log.write('error', 'the node ends because of an error', { problem: message, ...stack });
    complain(`the node ends: ${message}`);
    process.exit(exitStatus.failed);
  };
  process.on('uncaughtException', die);
  process.on('unhandledRejection', die);
  return die;
}

async function untilStopped(withParent: boolean): Promise<string> {
  return new Promise((resolve) => {
    let firstAt: number | null = null;
    const onSignal = (signal: string): void => {
      const now = performance.now();
      if (firstAt === null) {
        firstAt = now;
        resolve(signal);
      } else if (now - firstAt > sameSignalMs) {
        process.exit(exitStatus.interrupted);
      }
    };
    process.on('SIGTERM', onSignal);
    process.on('SIGINT', onSignal);
    if (!withParent) return;
    process.stdin.on('end', () => resolve('the program that started this node is gone'));
    process.stdin.on('error', () => resolve('the program that started this node is gone'));
    process.stdin.resume();
  });
}
