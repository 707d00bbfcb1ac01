/** The parent's end of a driver's process. */

import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { watchChild } from './children.ts';
import { driverArgument } from './driver.ts';
import type { DriverAnswer, DriverCommand } from './driver.ts';
import type { LoadPlan, LoadResult } from './load.ts';
import type { LockPlan, LockTimes } from './locks.ts';
import type { ClientSpec } from './target.ts';
import type { WatchPlan, WatchTimes } from './watch-fan-out.ts';

export class Driver {
  readonly #child: ChildProcess;

  /** `program` is the bench itself. With the driver's argument, it becomes a driver. */
  constructor(program: string) {
    this.#child = fork(program, [driverArgument], { execArgv: [] });
    watchChild(this.#child);
  }

  async useTarget(spec: ClientSpec): Promise<void> {
    await this.#command({ kind: 'target', spec });
  }

  async fill(from: number, to: number, valueBytes: number): Promise<void> {
    await this.#command({ kind: 'fill', from, to, valueBytes });
  }

  async run(plan: LoadPlan, connections: number, serverPids: readonly number[]): Promise<LoadResult> {
    const answer = await this.#command({ kind: 'run', plan, connections, serverPids });
    if (answer.kind !== 'result') throw new Error('the driver gave no result');
    return answer.result;
  }

  async locks(plan: LockPlan): Promise<LockTimes> {
    const answer = await this.#command({ kind: 'locks', plan });
    if (answer.kind !== 'locked') throw new Error('the driver gave no times');
    return answer.times;
  }

  async watch(plan: WatchPlan): Promise<WatchTimes> {
    const answer = await this.#command({ kind: 'watch', plan });
    if (answer.kind !== 'watched') throw new Error('the driver gave no times');
    return answer.times;
  }

  stop(): void {
    this.#child.kill('SIGKILL');
  }

  #command(command: DriverCommand): Promise<DriverAnswer> {
    return new Promise((resolve, reject) => {
      const ended = (): void => reject(new Error('the driver ended'));
      this.#child.once('exit', ended);
      this.#child.once('message', (answer: DriverAnswer) => {
        this.#child.off('exit', ended);
        if (answer.kind === 'failed') reject(new Error(answer.message));
        else resolve(answer);
      });
      this.#child.send(command);
    });
  }
}
