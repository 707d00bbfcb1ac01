import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { UsageError } from '../../core/shell/index.ts';
import { readDuration } from '../../core/shell/duration.ts';
import { parseArguments } from '../../node-server/terminal/arguments.ts';
import { historyPath, openHistory } from '../../node-server/terminal/history-file.ts';
import { linesOf } from '../../node-server/terminal/script.ts';

describe('the command line of a terminal program', () => {
  it('names an address, commands and how to run them', () => {
    const argv = ['127.0.0.1:5002', '-e', 'ls', '-e', 'blob get /a', '--ns=test-ns', '-k', '--json', '--timeout', '2s'];
    expect(parseArguments('client', [...argv, '--read', '17', '--client-id', 'me'])).toEqual({
      kind: 'run',
      arguments: {
        addresses: ['127.0.0.1:5002'],
        commands: ['ls', 'blob get /a'],
        namespace: 'test-ns',
        keepGoing: true,
        mode: 'json',
        consistency: { kind: 'atLeast', op: 17 },
        timeoutMs: 2000,
        clientId: 'me',
      },
    });
  });

  it.each(['127.0.0.1:1', '[::1]:5002', 'localhost:5002', 'ws://host:1/path', 'wss://host', 'a:1,b:2'])(
    'takes the address %s',
    (address) => {
      expect(parseArguments('admin', [address])).toMatchObject({ arguments: { addresses: address.split(',') } });
    },
  );

  it.each([
    [[], 'ADDRESS is missing'],
    [['host'], 'neither HOST:PORT'],
    [['host:0'], 'neither HOST:PORT'],
    [['host:99999'], 'neither HOST:PORT'],
    [['http://host:1'], 'neither HOST:PORT'],
    [['a:1', 'ls'], 'commands go after -e'],
    [['a:1', '--what'], 'unknown flag --what'],
    [['a:1', '-e'], '-e needs a value'],
    [['a:1', '--json', '--raw'], 'exclude each other'],
    [['a:1', '--read', 'soon'], '--read is'],
    [['a:1', '--timeout', '5'], 'a duration is written'],
    [['a:1', '--client-id', ''], '--client-id is'],
  ])('%j is refused: %s', (argv, problem) => {
    expect(() => parseArguments('client', argv)).toThrow(UsageError);
    expect(() => parseArguments('client', argv)).toThrow(problem);
  });

  it('of the admin program knows no namespaces', () => {
    expect(() => parseArguments('admin', ['a:1', '--ns', 'x'])).toThrow('unknown flag --ns');
  });

  it('asks for help or the version, whatever other arguments exist', () => {
    expect(parseArguments('client', ['-h'])).toEqual({ kind: 'help' });
    expect(parseArguments('admin', ['a:1', '--version'])).toEqual({ kind: 'version' });
  });

  it('reads durations', () => {
    expect(['500ms', '2s', '1.5m', '1h', '1d'].map((text) => readDuration(text))).toEqual([
      500, 2000, 90_000, 3_600_000, 86_400_000,
    ]);
    expect(readDuration('0s', { min: 0, max: 2_592_000_000 })).toBe(0);
    expect(readDuration('30d', { min: 0, max: 2_592_000_000 })).toBe(2_592_000_000);
    expect(() => readDuration('31d', { min: 0, max: 2_592_000_000 })).toThrow('from 0s up to 30d');
    for (const wrong of ['', '5', '-1s', '0s', '25h', '2d', 's']) expect(() => readDuration(wrong)).toThrow(UsageError);
  });
});

describe('a script', () => {
  it('consists of lines, however they arrive', async () => {
    async function* chunks(): AsyncGenerator<string> {
      yield* await Promise.resolve(['one\ntw', 'o\r', '\n\nthr', 'ee']);
    }
    const lines: string[] = [];
    for await (const line of linesOf(chunks())) lines.push(line);
    expect(lines).toEqual(['one', 'two', '', 'three']);
  });
});

describe('the history file', () => {
  let directory = '';
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'haret-history-'));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  it('is where the environment says', () => {
    expect(historyPath('p', { HARET_HISTORY: '/x' })).toBe('/x');
    expect(historyPath('p', { XDG_STATE_HOME: '/state' })).toBe('/state/haret/p.history');
  });

  it('keeps lines from one run to the next, for its owner alone', () => {
    const path = join(directory, 'deep', 'file');
    openHistory(path).add('first');
    const again = openHistory(path);
    again.add('second');
    expect(openHistory(path).lines).toEqual(['first', 'second']);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it('stays short, and cannot control the terminal', () => {
    const path = join(directory, 'file');
    writeFileSync(path, Array.from({ length: 5000 }, (_, i) => `line ${i}\u001b[2J\n`).join(''));
    const history = openHistory(path);
    expect(history.lines).toHaveLength(2000);
    expect(history.lines.at(-1)).toBe('line 4999\\x1b[2J');
    expect(readFileSync(path, 'utf8').split('\n')).toHaveLength(2001);
  });

  it('is not needed when it cannot be written', () => {
    writeFileSync(join(directory, 'file'), '');
    const history = openHistory(join(directory, 'file', 'below'));
    expect(history.add('line')).toBe(true);
  });
});
