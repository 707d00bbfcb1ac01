/** Commands that watch: in the foreground until they end, or in the background. */

import { errorInfo } from '../../base/errors.ts';
import type { Change } from '../../service/events.ts';
import type { Bound } from '../bind.ts';
import type { ShellWatch, ShellWatchEvent, ShellWatchOptions } from '../connection.ts';
import { displayBytes, jsonOfBytes } from '../display.ts';
import { lines } from '../outcome.ts';
import type { JsonValue, Outcome, Success } from '../outcome.ts';
import { exitStatus, UsageError } from '../status.ts';
import type { CommandContext, CommandSpec } from '../table.ts';
import type { WatchNews } from '../watching.ts';

const causes: Readonly<Record<NonNullable<Change['cause']>, string>> = {
  ttl: 'its time to live was over',
  session: 'its session ended',
};

function changeLine({ path, kind, type, version, value, number, claim, cause }: Change): string {
  const what = kind === 'created' ? `created ${type}` : kind;
  const shown = value !== null ? ` ${displayBytes(value)}` : number !== null ? ` ${number}` : '';
  const whose = claim === null ? '' : claimText(claim);
  const why = cause === null ? '' : `, because ${causes[cause]}`;
  return `${what} ${path} (version ${version})${shown}${whose}${why}`;
}

function claimText({ claim, token, session }: NonNullable<Change['claim']>): string {
  const whose = claim === 0 ? '' : ` claim ${claim} of session ${session}`;
  return `${whose}${token === 0 ? '' : ` token ${token}`}`;
}

function changeJson({ value, claim, cause, ...change }: Change): JsonValue {
  const plain = { ...change, value: value === null ? null : jsonOfBytes(value) };
  const told = claim === null ? plain : { ...plain, claim: { ...claim } };
  return cause === null ? told : { ...told, cause };
}

/** Shows one event, with a line for each change. The changes of a transaction have one op. */
export function showEvent(event: ShellWatchEvent): Success {
  const changes = event.changes.map(changeJson);
  if (event.kind === 'snapshot') {
    const { op, reset, first, last } = event;
    const head = first ? [reset ? `${op} reset: the present state` : `${op} snapshot`] : [];
    const text = [...head, ...event.changes.map((change) => `  ${changeLine(change)}`)];
    return lines(text, { op, snapshot: true, reset, first, last, changes });
  }
  const { op, timestamp, folded } = event;
  const mark = folded ? `${op} folded` : String(op);
  const text = event.changes.map((change) => `${mark} ${changeLine(change)}`);
  return lines(text, { op, timestamp, folded, changes });
}

/** Shows what a background watch received since the last time. */
export function showNews({ id, events, dropped, ended }: WatchNews): readonly Outcome[] {
  const said: Outcome[] = events.map((event) => {
    const shown = showEvent(event);
    if (shown.value.kind !== 'lines') return shown;
    const { lines: text, json } = shown.value;
    return lines(
      text.map((line) => `[${id}] ${line}`),
      { watch: id, event: json },
    );
  });
  if (dropped > 0) said.push(lines([`[${id}] and ${dropped} more`], { watch: id, dropped }));
  if (ended !== null) {
    const why = ended.error === null ? '' : `: ${ended.error.message}`;
    said.push(lines([`[${id}] ended${why}`], { watch: id, ended: true, problem: ended.error?.message ?? null }));
  }
  return said;
}

function readFrom(bound: Bound): ShellWatchOptions['from'] {
  const text = bound.textOr('from', 'now');
  if (text === 'now' || text === 'snapshot') return text;
  if (!/^\d{1,16}$/.test(text) || !Number.isSafeInteger(Number(text)))
    throw new UsageError(`--from is now, snapshot or an op number, not ${JSON.stringify(text)}`);
  return { after: Number(text) };
}

function countOf(bound: Bound): number {
  return bound.has('once') ? 1 : bound.numberOr('count', Infinity);
}

/** Shows events as they come, and runs COMMAND after each, until there are enough or the user interrupts. */
async function watchInFront(watch: ShellWatch, bound: Bound, context: CommandContext): Promise<Outcome> {
  const command = bound.words('COMMAND');
  let left = countOf(bound);
  try {
    for await (const event of watch) {
      context.show(showEvent(event));
      if (command.length > 0 && (event.kind !== 'snapshot' || event.last)) {
        const outcome = await context.perform(command);
        if (!outcome.ok) return outcome;
        context.show(outcome);
      }
      // The first snapshot does not count. A snapshot that replaces events counts as an event.
      if (event.kind === 'event' || (event.reset && event.last)) left--;
      if (left <= 0) break;
    }
  } finally {
    await watch.return();
  }
  if (left > 0) {
    const error = errorInfo('Closed', 'the watch ended');
    return { ok: false, error, stamp: null, status: exitStatus.unavailable, bare: false, hints: [] };
  }
  return lines([], null);
}

export const watchCommands: readonly CommandSpec[] = [
  {
    words: ['watch'],
    family: 'watch',
    needs: 'namespace',
    arguments: [
      { name: 'PATH', kind: 'path' },
      { name: 'COMMAND', kind: 'rest', optional: true },
    ],
    form: 'PATH [-R] [--once] [--count N] [--from now|snapshot|OP] [--values] [--fold] [-b] [-- COMMAND ...]',
    flags: [
      { long: 'recursive', short: 'R', about: 'also everything beneath PATH' },
      { long: 'once', about: 'until the first event' },
      { long: 'count', argument: { name: 'N', kind: 'integer', min: 1 }, about: 'until N events' },
      {
        long: 'from',
        argument: { name: 'WHERE', kind: 'text' },
        about:
          'from now, from a snapshot of the present state, or from after the op OP, which may still be in the future',
      },
      { long: 'values', about: 'with the values that were put, pushed, inserted' },
      { long: 'fold', about: 'when this shell reads too slowly, only the last state of each path' },
      { long: 'background', short: 'b', about: 'in the background: its events are shown before the next command' },
    ],
    summary: 'Print the changes at PATH as they are committed.',
    details: [
      'Each line begins with the op number of its entry; the lines of one transaction have the same.',
      'Each change is printed once and in order, even if nodes and connections fail.',
      'COMMAND is run after each event.',
    ],
    examples: [
      'watch /svc -R --from snapshot',
      'watch /config --once --values',
      'watch /config -- blob get /config',
      'watch /svc -R -b',
    ],
    run: async (bound, context) => {
      const path = bound.text('PATH');
      const options: ShellWatchOptions = {
        subtree: bound.has('recursive'),
        values: bound.has('values'),
        from: readFrom(bound),
        slow: bound.has('fold') ? 'fold' : 'reset',
      };
      const background = bound.has('background');
      if (background && (bound.has('once') || bound.has('count') || bound.words('COMMAND').length > 0))
        throw new UsageError('--background takes neither --once, --count nor COMMAND');
      const watch = context.watch(path, options, background);
      if (!background) return await watchInFront(watch, bound, context);
      const title = `${path}${options.subtree ? ' -R' : ''}${options.values ? ' --values' : ''}`;
      const id = context.watches.add(title, watch);
      return lines([`Watch ${id}`], { watch: id });
    },
  },
  {
    words: ['watches'],
    family: 'watch',
    needs: 'api',
    arguments: [],
    flags: [],
    summary: 'List the background watches.',
    run: (_bound, context) => {
      const all = context.watches.all.map(({ id, title }) => ({ id, watch: title }));
      return Promise.resolve(
        lines(
          all.map(({ id, watch }) => `${id}  ${watch}`),
          all,
        ),
      );
    },
  },
  {
    words: ['unwatch'],
    family: 'watch',
    needs: 'api',
    arguments: [{ name: 'ID', kind: 'integer', min: 1 }],
    flags: [],
    summary: 'End a background watch.',
    run: (bound, context) => {
      const id = bound.number('ID');
      if (context.watches.remove(id)) return Promise.resolve(lines(['Ok'], null));
      const error = errorInfo('BadArgument', `There is no watch ${id}`, { watch: id });
      return Promise.resolve({
        ok: false,
        error,
        stamp: null,
        status: exitStatus.notFound,
        bare: false,
        hints: [],
      } satisfies Outcome);
    },
  },
];
