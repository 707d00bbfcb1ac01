/**
 * The driver's process. It holds the connections, makes the load and reports, so that nothing else disturbs its clock.
 */

import { connectMany } from './connect.ts';
import { fill, runLoad } from './load.ts';
import type { LoadPlan, LoadResult } from './load.ts';
import { measureLocks } from './locks.ts';
import type { LockPlan, LockTimes } from './locks.ts';
import { processorMicroseconds } from './processor.ts';
import type { ClientSpec, Connection } from './target.ts';
import { measureFanOut } from './watch-fan-out.ts';
import type { WatchPlan, WatchTimes } from './watch-fan-out.ts';

/** The first argument of a driver's process. */
export const driverArgument = 'driver';

export type DriverCommand =
  | {
      readonly kind: 'run';
      readonly plan: LoadPlan;
      readonly connections: number;
      readonly serverPids: readonly number[];
    }
  | { readonly kind: 'fill'; readonly from: number; readonly to: number; readonly valueBytes: number }
  | { readonly kind: 'watch'; readonly plan: WatchPlan }
  | { readonly kind: 'locks'; readonly plan: LockPlan }
  | { readonly kind: 'target'; readonly spec: ClientSpec };

export type DriverAnswer =
  | { readonly kind: 'result'; readonly result: LoadResult }
  | { readonly kind: 'watched'; readonly times: WatchTimes }
  | { readonly kind: 'locked'; readonly times: LockTimes }
  | { readonly kind: 'ok' }
  | { readonly kind: 'failed'; readonly message: string };

const fillConnections = 8;
const fillOutstanding = 512;

/** Serves commands from the parent process, one at a time, until the parent is gone. */
export function runDriver(): void {
  const pools = new Map<number, Connection[]>();
  let spec: ClientSpec | null = null;

  // Connections are kept for the next round, because we do not measure their handshakes and sessions.
  const pool = async (count: number): Promise<Connection[]> => {
    if (spec === null) throw new Error('the driver has no target yet');
    const known = pools.get(count);
    if (known?.every((connection) => connection.failure() === null) === true) return known;
    for (const connection of known ?? []) connection.close();
    const opened = await connectMany(spec, count);
    pools.set(count, opened);
    return opened;
  };

  const obey = async (command: DriverCommand): Promise<DriverAnswer> => {
    if (command.kind === 'target') {
      for (const connection of [...pools.values()].flat()) connection.close();
      pools.clear();
      spec = command.spec;
      return { kind: 'ok' };
    }
    if (command.kind === 'watch') return { kind: 'watched', times: await measureFanOut(command.plan) };
    if (command.kind === 'locks') {
      if (spec === null) throw new Error('the driver has no target yet');
      return { kind: 'locked', times: await measureLocks(spec, command.plan) };
    }
    if (command.kind === 'fill') {
      await fill(await pool(fillConnections), command.from, command.to, command.valueBytes, fillOutstanding);
      return { kind: 'ok' };
    }
    const result = await runLoad(await pool(command.connections), command.plan, {
      server: () => processorMicroseconds(command.serverPids),
      driver: () => processorMicroseconds([process.pid]),
    });
    return { kind: 'result', result };
  };

  process.on('disconnect', () => process.exit(0));
  // Ctrl-C reaches the whole group of processes. The parent decides when this one ends.
  process.on('SIGINT', () => undefined);
  process.on('message', (command: DriverCommand) => {
    obey(command).then(
      (answer) => process.send!(answer),
      (error: unknown) => process.send!({ kind: 'failed', message: (error as Error).message }),
    );
  });
}
