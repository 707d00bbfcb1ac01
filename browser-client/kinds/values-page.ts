/** Pages of values, for queues and sets. */

import type { SimpleOperation } from '../../core/tree/operation.ts';
import { decode } from '../codecs.ts';
import type { Codec } from '../codecs.ts';
import type { Executor } from '../handle.ts';
import { opOf } from '../operations.ts';
import type { PageOptions } from '../options.ts';
import { emptyPage } from '../pages.ts';
import type { Page } from '../pages.ts';

type Listed = Extract<SimpleOperation, { kind: 'setMembers' | 'queueList' }>;

/** The decoded values of one page. `behind` computes from the values where the next page begins. */
export function valuesPage<Out, C>(
  executor: Executor,
  codec: Codec<Out, never>,
  operation: Listed,
  options: PageOptions,
  behind: (all: readonly Uint8Array[]) => C | null,
): Promise<Page<Out, C>> {
  return executor.run(
    () =>
      opOf(operation, 'values', ({ values: all, more }, op) => ({
        items: all.map((value) => decode(codec, value, operation.path)),
        next: more ? behind(all) : null,
        op,
      })),
    options,
    emptyPage,
  );
}
