/** The `Log` port with pino: one JSON object a line or, on a terminal, lines for people. */

import { pino } from 'pino';
import type { DestinationStream, Logger } from 'pino';
import type { Log, LogLevel } from '../core/base/ports.ts';
import { escapeControlsOfJson } from '../core/shell/index.ts';

export interface NodeLogOptions {
  readonly level: LogLevel;
  /** Lines for people instead of JSON. Default: when standard output is a terminal. */
  readonly pretty?: boolean;
  /** Where lines go instead of standard output. */
  readonly destination?: DestinationStream;
}

export const logLevels: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

export class NodeLog implements Log {
  readonly #logger: Logger;

  /** @param bound facts that every line carries. */
  constructor(options: NodeLogOptions, bound: Readonly<Record<string, unknown>> = {}) {
    const pretty = options.pretty ?? (options.destination === undefined && process.stdout.isTTY);
    // Synchronous, so that the last lines before the process ends are not lost. A node logs little.
    const out = options.destination ?? pino.destination({ fd: 1, sync: true });
    this.#logger = pino(
      {
        level: options.level,
        base: { ...bound },
        timestamp: pino.stdTimeFunctions.isoTime,
        formatters: { level: (label) => ({ level: label }) },
        messageKey: 'message',
      },
      { write: (line) => out.write(harmless(pretty ? forPeople(line) : line)) },
    );
  }

  get level(): LogLevel {
    return this.#logger.level as LogLevel;
  }

  setLevel(level: LogLevel): void {
    this.#logger.level = level;
  }

  write(level: LogLevel, message: string, facts: Readonly<Record<string, unknown>> = {}): void {
    this.#logger[level](facts, message);
  }
}

/**
 * Makes a line safe to show on a terminal, because it contains what peers and clients say. Inside JSON the value is
 * unchanged.
 */
function harmless(line: string): string {
  const text = escapeControlsOfJson(line);
  return `${text.slice(0, -'\\u000a'.length)}\n`;
}

const silent = new Set(['time', 'level', 'message', 'self']);

/**
 * `12:03:04.567 warn  dev1  message  key=value ...`. Control characters in facts stay escaped, so that data cannot
 * control the terminal.
 */
function forPeople(line: string): string {
  const parsed: unknown = JSON.parse(line);
  if (typeof parsed !== 'object' || parsed === null) return line;
  const record: Readonly<Record<string, unknown>> = { ...parsed };
  const word = (name: string): string => {
    const value = record[name];
    return typeof value === 'string' ? value : '';
  };
  const facts = Object.entries(record)
    .filter(([name]) => !silent.has(name))
    .map(([name, value]) => {
      const text = JSON.stringify(value);
      return ` ${name}=${typeof value === 'string' && /^[\w.:/@-]+$/.test(value) ? value : text}`;
    });
  const self = word('self');
  const said = JSON.stringify(word('message')).slice(1, -1).replaceAll('\\"', '"').replaceAll('\\\\', '\\');
  return `${word('time').slice(11, 23)} ${word('level').padEnd(5)} ${self === '' ? '' : `${self}  `}${said}${facts.join('')}\n`;
}
