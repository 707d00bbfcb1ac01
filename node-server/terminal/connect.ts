/**
 * Connects a terminal program: the client engine on this process's sockets, clock and randomness, ticked until it is
 * closed.
 */

import { setImmediate as nextTurn } from 'node:timers/promises';
import { HaretError, errorInfo } from '../../core/base/errors.ts';
import { defaultLimits } from '../../core/base/limits.ts';
import type { ClientPorts, ConnectionProblem } from '../../core/client/options.ts';
import { NodeClock } from '../node-clock.ts';
import { NodeRandom } from '../node-random.ts';
import { WebSocketTransport } from '../ws-transport.ts';

const tickMs = 15;
/**
 * When every address has failed this often, the first connection is given up: a user at a terminal wants to know, not
 * to wait.
 */
const roundsBeforeGivingUp = 2;
/** How long the handshake may take when it is neither refused nor answered. */
const defaultConnectMs = 5000;

/** What both client engines have in common. */
export interface Engine {
  readonly failedAttempts: number;
  readonly problem: ConnectionProblem | null;
  start(): void;
  tick(): void;
  close(): void;
}

/** A node may be configured for larger values than usual, and its frames must fit too. */
const maxFrameBytes = 16 * defaultLimits.maxFrameBytes;

export function nodePorts(): ClientPorts {
  return {
    transport: new WebSocketTransport({ maxFrameBytes }),
    clock: new NodeClock(),
    random: new NodeRandom(),
  };
}

/**
 * Starts `engine` and waits for the first answer of a node.
 * @param connected asks the engine for that, with a time limit in milliseconds.
 * @returns a function that closes the engine and waits until its last messages have left.
 * @throws {@link HaretError} `NodeUnreachable`, whose message names the addresses and the reason.
 */
export async function startEngine(
  engine: Engine,
  addresses: readonly string[],
  timeoutMs: number,
  connected: (timeoutMs: number) => Promise<unknown>,
): Promise<() => Promise<void>> {
  engine.start();
  const ticker = setInterval(() => engine.tick(), tickMs);
  const close = async (): Promise<void> => {
    clearInterval(ticker);
    engine.close();
    // The message that ends the session is framed at the end of this turn, and written in the next.
    await nextTurn();
    await nextTurn();
  };
  let giveUp: (error: HaretError) => void = () => undefined;
  const refused = new Promise<never>((_, reject) => (giveUp = reject));
  const watch = setInterval(() => {
    if (engine.failedAttempts >= roundsBeforeGivingUp * addresses.length) giveUp(unreachable(engine, addresses, null));
  }, tickMs);
  try {
    await Promise.race([connected(timeoutMs > 0 ? timeoutMs : defaultConnectMs), refused]);
  } catch (error) {
    await close();
    throw unreachable(engine, addresses, error);
  } finally {
    clearInterval(watch);
  }
  return close;
}

function unreachable(engine: Engine, addresses: readonly string[], error: unknown): HaretError {
  if (error instanceof HaretError && error.code === 'NodeUnreachable') return error;
  const problem = engine.problem?.error.message ?? (error instanceof Error ? error.message : 'no answer');
  const where = addresses.join(', ');
  const prefix = `cannot reach ${where}`;
  const message = problem.startsWith(prefix) ? problem : `${prefix}: ${problem}`;
  return new HaretError(errorInfo('NodeUnreachable', message, { address: where }));
}
