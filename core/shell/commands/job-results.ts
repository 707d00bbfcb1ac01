/** How results of operations on jobs are shown. */

import { textOf } from '../../base/bytes.ts';
import type { JobResult, KnownItem } from '../../tree/job-result.ts';
import { jsonOfBytes } from '../display.ts';
import { lines, success } from '../outcome.ts';
import type { JsonValue } from '../outcome.ts';

function shownItem(known: KnownItem): string {
  const { id, attempts, priority, session, client, until, note } = known;
  const parts = [
    `attempts ${attempts}`,
    ...(priority > 0 ? [`priority ${priority}`] : []),
    ...(session > 0 ? [`session ${session}${client === '' ? '' : ` (${client})`}`, `receipt ${known.receipt}`] : []),
    ...(until === 0 ? [] : [`until ${until}`]),
    ...(note === '' ? [] : [note]),
  ];
  return `${id} ${textOf(known.value) ?? `${known.value.length} bytes`}, ${parts.join(', ')}`;
}

function jsonOfItem({ value: bytes, ...known }: KnownItem): JsonValue {
  return { ...known, value: jsonOfBytes(bytes) };
}

/** How results of operations on jobs are shown. */
export function showJobs(result: JobResult): ReturnType<typeof success> {
  switch (result.kind) {
    case 'put':
      return success({ kind: 'number', number: result.item }, { version: result.version });
    case 'took':
      return lines(
        result.items.map(({ id, value: bytes }) => `${id} ${textOf(bytes) ?? `${bytes.length} bytes`}`),
        result.items.map(({ id, attempts, value: bytes }) => ({
          id,
          attempts,
          receipt: result.receipt,
          value: jsonOfBytes(bytes),
        })),
      );
    case 'job':
      return success({ kind: 'ok' }, {});
    case 'items':
      return success({ kind: 'lines', lines: result.items.map(shownItem), json: result.items.map(jsonOfItem) }, {});
    case 'queueInfo': {
      const { kind: _, version, ...info } = result;
      const labels = {
        takers: 'takes that wait',
        dropped: 'dead, dropped',
        maxAttempts: 'most attempts',
        maxDead: 'most dead',
      };
      const shown = Object.entries(info).map(
        ([name, count]) => `${`${(labels as Readonly<Record<string, string>>)[name] ?? name}:`.padEnd(17)} ${count}`,
      );
      return success({ kind: 'lines', lines: shown, json: info }, { version });
    }
  }
}
