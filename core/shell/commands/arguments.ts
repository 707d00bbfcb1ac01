/** Arguments and flags that many commands share, and how results of operations are shown. */

import type { KnownClaim, OperationResult, Stat } from '../../tree/operation.ts';
import { maxPage } from '../../tree/operation.ts';
import { base64FromBytes, emptyBytes, textOf } from '../../base/bytes.ts';
import { durationText } from '../duration.ts';
import { quoteWord } from '../words.ts';
import { success } from '../outcome.ts';
import { jobResultOf } from '../../tree/job-result.ts';
import { showJobs } from './job-results.ts';
import type { JsonValue, Outcome, Success } from '../outcome.ts';
import { jsonOfBytes } from '../display.ts';
import { UsageError } from '../status.ts';
import type { ArgumentSpec, FlagSpec } from '../table.ts';

export const path: ArgumentSpec = { name: 'PATH', kind: 'path' };
export const optionalPath: ArgumentSpec = { name: 'PATH', kind: 'path', optional: true };
export const value: ArgumentSpec = { name: 'VALUE', kind: 'value' };
export const member: ArgumentSpec = { name: 'VALUE', kind: 'value' };

/** The word in a guard between a path and the expected value. */
export const equals: ArgumentSpec = { name: '=', kind: 'literal' };
export const number: ArgumentSpec = { name: 'N', kind: 'integer' };

export const ifVersion: FlagSpec = {
  long: 'if-version',
  argument: { name: 'N', kind: 'integer' },
  about: 'only when the version of the node is N',
};

export const limit: FlagSpec = {
  long: 'limit',
  argument: { name: 'N', kind: 'integer', min: 1, max: maxPage },
  about: 'at most this many',
};

/** Refuses flags that exclude each other. */
export function atMostOne(given: readonly (readonly [flag: string, given: boolean])[]): void {
  const both = given.filter(([, is]) => is).map(([flag]) => `--${flag}`);
  if (both.length > 1) throw new UsageError(`${both.join(' and ')} exclude each other`);
}

/** The result of an operation as the first haret printed it. Each kind of result has one form. */
export function showResult(result: OperationResult): Success {
  switch (result.kind) {
    case 'created':
      return success({ kind: 'lines', lines: [result.path], json: result.path }, { version: result.version });
    case 'done':
      return success({ kind: 'ok' }, { version: result.version });
    case 'value':
      return success({ kind: 'bytes', bytes: result.value }, { version: result.version });
    case 'number':
      return success({ kind: 'number', number: result.number }, { version: result.version });
    case 'truth':
      return success({ kind: 'truth', truth: result.truth }, { version: result.version });
    case 'values':
      return success(
        { kind: 'members', members: result.values },
        { more: result.more ? moreOfValues(result.values) : null },
      );
    case 'table':
      return showJobs(jobResultOf(result));
    case 'claimed':
      return success({ kind: 'number', number: result.token }, {});
    case 'abandoned':
      return success({ kind: 'lines', lines: [result.was], json: result.was }, {});
    case 'claims':
      return success(
        {
          kind: 'lines',
          lines: result.claims.map((one) => lineOfClaim(one, result.capacity)),
          json: result.claims.map(jsonOfClaim),
        },
        {},
      );
    case 'leader':
      return success(
        {
          kind: 'lines',
          lines: result.leader === null ? [] : [lineOfClaim(result.leader, null)],
          json: result.leader === null ? null : jsonOfClaim(result.leader),
        },
        {},
      );
    case 'paths':
      return success(
        { kind: 'lines', lines: result.paths, json: result.paths },
        { more: result.more ? `--after ${quoteWord(result.paths.at(-1) ?? '')}` : null },
      );
    case 'children':
      return success(
        { kind: 'lines', lines: result.children.map((child) => child.name), json: result.children },
        {
          version: result.version,
          more: result.more ? `--after ${quoteWord(result.children.at(-1)?.name ?? '')}` : null,
        },
      );
    case 'stat': {
      const { stat } = result;
      return success({ kind: 'lines', lines: statLines(stat), json: { ...stat } }, { version: stat.version });
    }
    case 'stats':
      return success({
        kind: 'lines',
        lines: columns(result.stats.map((stat) => [String(stat.bytes), stat.type, stat.path])),
        json: result.stats.map((stat) => ({ ...stat })),
      });
    case 'transaction':
      return success({ kind: 'transaction', held: result.held, results: result.results.map(showResult) });
  }
}

function moreOfValues(values: readonly Uint8Array[]): string {
  const last = values.at(-1) ?? emptyBytes;
  const text = textOf(last);
  return `--after ${text === null ? `b64:${base64FromBytes(last)}` : quoteWord(text)}`;
}

/** For commands that the first haret answered with only `Ok`. */
export function showWithoutVersion(result: OperationResult): Outcome {
  return { ...showResult(result), showVersion: false };
}

/** What is told of a node only if there is something to tell. */
const rarelyTold: ReadonlySet<keyof Stat> = new Set<keyof Stat>(['owner', 'ttlMs', 'auto']);

function statLines(stat: Stat): readonly string[] {
  const labels: readonly (readonly [field: keyof Stat, label: string, unit: string])[] = [
    ['path', 'path', ''],
    ['type', 'type', ''],
    ['version', 'version', ''],
    ['created', 'created', ' (op)'],
    ['modified', 'modified', ' (op)'],
    ['count', stat.type === 'directory' ? 'children' : 'count', ''],
    ['bytes', 'bytes', ''],
    ['subtreeBytes', 'subtree bytes', ''],
    ['subtreeNodes', 'subtree nodes', ''],
    ['owner', 'owner', ' (session)'],
    ['ttlMs', 'time to live', ''],
    ['auto', 'auto', ' (goes with the last in it)'],
  ];
  return labels
    .filter(([field]) => !rarelyTold.has(field) || (stat[field] !== null && stat[field] !== false))
    .map(([field, label, unit]) => {
      const told = field === 'ttlMs' ? durationText(stat.ttlMs ?? 0) : String(stat[field]);
      return `${`${label}:`.padEnd(15)} ${told}${unit}`;
    });
}

/** Rows as columns, two spaces apart, numbers to the right. */
export function columns(rows: readonly (readonly string[])[]): readonly string[] {
  const widths: number[] = [];
  for (const row of rows) row.forEach((cell, index) => (widths[index] = Math.max(widths[index] ?? 0, cell.length)));
  return rows.map((row) =>
    row
      .map((cell, index) => {
        const width = widths[index] ?? 0;
        return /^\d+$/.test(cell) ? cell.padStart(width) : index === row.length - 1 ? cell : cell.padEnd(width);
      })
      .join('  '),
  );
}

function jsonOfClaim({ value, ...claim }: KnownClaim): JsonValue {
  return { ...claim, value: value === null ? null : jsonOfBytes(value) };
}

/** A claim as a line: who it is, and what it has. */
function lineOfClaim(
  { claim, session, client, token, until, exclusive, permits, value }: KnownClaim,
  capacity: number | null,
): string {
  const state = token === 0 ? 'waits' : until === null ? `holds, token ${token}` : `lost it, token ${token}`;
  const how = exclusive ? '' : capacity === null ? ', shared' : `, ${permits} ${permits === 1 ? 'permit' : 'permits'}`;
  const shown = value === null ? '' : `, value ${textOf(value) ?? `${value.length} bytes`}`;
  return `${claim} ${state}${how}${shown}, session ${session}${client === '' ? '' : ` (${client})`}`;
}
