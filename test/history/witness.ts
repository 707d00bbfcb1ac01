/** Writes down the calls and answers of the users of a simulated world, with a history for each namespace. */

import { fail, ok } from '../../core/base/errors.ts';
import type { SimClient, World } from '../../core/sim/world.ts';
import { isRead } from '../../core/tree/reading.ts';
import { HistoryBuilder } from './format.ts';
import type { History } from './format.ts';
import { answerRow, callRow } from './record.ts';

export class Witness {
  readonly #builders = new Map<string, HistoryBuilder>();
  #calls = 0;

  /** The calls and answers by namespace. */
  get histories(): readonly History[] {
    return [...this.#builders.values()].map((builder) => builder.history);
  }

  /** Listens to a client. Its answers are passed on unchanged. */
  see({ host, client }: SimClient, world: World): void {
    const now = (): number => world.schedule.nowUs;
    let rows: HistoryBuilder | null = null;
    const enter = client.enter.bind(client);
    client.enter = (namespace, done, timeoutMs) => {
      const entered: typeof done = (result) => {
        if (result.ok) rows = this.#of(namespace);
        done(result);
      };
      return timeoutMs === undefined ? enter(namespace, entered) : enter(namespace, entered, timeoutMs);
    };
    const execute = client.execute.bind(client);
    client.execute = (operation, options, done) => {
      const into = rows;
      if (into === null) return execute(operation, options, done);
      const id = `${host}.${++this.#calls}`;
      const { consistency = 'linearizable' } = options;
      into.add(callRow(id, host, now(), operation, !isRead(operation) || consistency === 'linearizable'));
      return execute(operation, options, (result) => {
        if (!result.ok) {
          const { outcome, code } = result.error;
          into.add({ type: 'answer', id, at: now(), outcome, error: code });
        } else {
          const { op, answer } = result.value;
          if (answer.kind === 'result') into.add(answerRow(id, now(), op, ok(answer.result)));
          else if (answer.kind === 'error')
            into.add(answerRow(id, now(), op, fail(answer.error.code, answer.error.message)));
        }
        done(result);
      });
    };
  }

  #of(namespace: string): HistoryBuilder {
    let builder = this.#builders.get(namespace);
    if (builder === undefined) this.#builders.set(namespace, (builder = new HistoryBuilder()));
    return builder;
  }
}
