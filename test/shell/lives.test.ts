/** How long nodes live, as it is typed and shown. */

import { describe, expect, it } from 'vitest';
import { complete } from '../../core/shell/complete.ts';
import { apiTable } from '../../core/shell/commands/index.ts';
import { exitStatus } from '../../core/shell/status.ts';
import { enteredShell } from './run.ts';

const done = /^Ok\nEpoch = .*\n$/;

describe('create', () => {
  it('makes ephemerals and nodes with a time to live, and long lists and stat tell them apart', async () => {
    const { run } = await enteredShell();
    expect((await run('create blob /w/a --ephemeral --value here')).out).toMatch(done);
    expect((await run('create directory /w/d --ttl 1h')).out).toMatch(done);
    expect((await run('create blob /w/plain --value x')).out).toMatch(done);
    expect((await run('create blob /w/both --ephemeral --ttl 90s --lease 5s')).out).toMatch(done);
    const { out } = await run('ls /w -l');
    expect(out.split('\n').slice(0, 4)).toEqual([
      'blob       0  0  5  session 7           a',
      'blob       0  0  4  session 7, ttl 90s  both',
      'directory  0  0  1  ttl 1h              d',
      'blob       0  0  6                      plain',
    ]);
    expect((await run('stat /w/both')).out).toContain('owner:          7 (session)\ntime to live:   90s\n');
    expect((await run('stat /w/plain')).out).not.toMatch(/owner|time to live|auto/);
    expect((await run('ls / -l')).out).toMatch(/^directory {2}3 {2}4 {2}1 {2}w\n/);
  });

  it('prints the path of a sequential node, and only that', async () => {
    const { run } = await enteredShell();
    expect((await run('create blob /jobs/job- --sequential --value x')).out).toMatch(
      /^\/jobs\/job-0000000000000002\nEpoch/,
    );
    expect((await run('txn { do create blob /j- --sequential; do create blob /j- --sequential }')).out).toMatch(
      /^\/j-0000000000000003\n\/j-0000000000000003\.0001\n/,
    );
  });

  it('adopts what this session has, and says whose it is otherwise', async () => {
    const { run } = await enteredShell();
    await run('create blob /a --ephemeral --value one');
    expect((await run('create blob /a --ephemeral')).err).toContain('Path Already exists: /a');
    expect((await run('create blob /a --ephemeral --adopt --value two')).out).toMatch(done);
    expect((await run('blob get /a')).out).toMatch(/^two\nVersion = 1 /);
    expect((await run('txn { if owner /a session 7; do blob put /a mine }')).status).toBe(0);
    expect((await run('txn { if owner /a session 8; do blob put /a mine }')).status).toBe(exitStatus.guardFailed);
  });

  it.each([
    ['create directory /d --ephemeral', 'A directory is never ephemeral'],
    ['create lock /l --ephemeral', 'A lock is never ephemeral'],
    ['create blob /a --adopt', 'Only an ephemeral can be adopted'],
    ['create blob /a --ttl 10ms', 'from 1s to 3650d, not'],
    ['create blob /a --ttl soon', 'from 1s to 3650d, not'],
    ['create blob /a --lease 5s', 'Only an ephemeral needs a lease'],
    ['touch /', 'There is nothing to renew: / has no time to live'],
    ['touch /none', 'Path Does not exist: /none'],
  ])('refuses %s', async (line, why) => {
    const { run } = await enteredShell();
    expect((await run(line)).err).toContain(why);
  });
});

describe('touch', () => {
  it('begins a time to live anew, and changes no version', async () => {
    const { run } = await enteredShell();
    await run('create counter /n --ttl 7d');
    expect((await run('touch /n')).out).toMatch(done);
    expect((await run('stat /n')).out).toContain('time to live:   7d\n');
    expect((await run('counter get /n')).out).toMatch(/^0\nVersion = 0 /);
  });
});

it('completes the flags and the command', async () => {
  const nothing = {
    namespaces: () => Promise.resolve([]),
    children: () => Promise.resolve({ children: [], more: false }),
  };
  const words = async (line: string): Promise<readonly string[]> =>
    (await complete(apiTable(), line, line.length, nothing)).candidates.map(({ insert }) => insert);
  expect(await words('create blob /a --')).toEqual([
    '--value',
    '--ephemeral',
    '--sequential',
    '--adopt',
    '--ttl',
    '--lease',
  ]);
  expect(await words('tou')).toEqual(['touch']);
  expect(await words('txn { if ow')).toEqual(['owner']);
});
