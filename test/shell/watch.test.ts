/** Watching from the prompt and from scripts. */

import { describe, expect, it } from 'vitest';
import { enteredShell } from './run.ts';

describe('a watch in front', () => {
  it('prints a snapshot, then events as they come, until it is interrupted', async () => {
    const { run, connection } = await enteredShell();
    await run('create blob /a --value one');
    const abort = new AbortController();
    const watching = run('watch /a --from snapshot --values', abort.signal);
    await new Promise((resolve) => setImmediate(resolve));
    const put = { kind: 'blobPut', path: '/a', ifVersion: null, ifAbsent: false } as const;
    const options = { timeoutMs: 0, consistency: { kind: 'linearizable' } } as const;
    await connection.execute({ ...put, value: new Uint8Array([104, 105]) }, options);
    await new Promise((resolve) => setImmediate(resolve));
    abort.abort();
    const { out, status } = await watching;
    expect(out).toBe('2 snapshot\n  created blob /a (version 0) one\n3 put /a (version 1) hi\n');
    expect(status).toBe(130);
  });

  it('runs a command after each event, and stops at one that fails', async () => {
    const { run } = await enteredShell();
    await run('create blob /a --value one');
    await run('blob put /a two');
    const ran = await run('watch /a --from 0 --count 2 -- blob get /a');
    expect(ran.out).toBe(
      '2 created blob /a (version 0)\ntwo\nVersion = 1 Epoch = 1, View = 6, Client Request Num = 4\n' +
        '3 put /a (version 1)\ntwo\nVersion = 1 Epoch = 1, View = 6, Client Request Num = 5\n',
    );
    expect(ran.status).toBe(0);
    const failing = await run('watch /a --from 0 -- blob get /b');
    expect(failing.err).toContain('Error: Path Does not exist: /b');
    expect(failing.status).toBe(4);
  });

  it('prints an object an event for programs', async () => {
    const { run } = await enteredShell({ output: { mode: 'json', terminal: false, colours: false } });
    await run('create counter /n');
    await run('counter incr /n 7');
    const { out } = await run('watch /n --from 2 --once --values');
    expect(out.split('\n').map((line) => (line === '' ? null : (JSON.parse(line) as unknown)))).toEqual([
      {
        ok: true,
        value: {
          op: 3,
          timestamp: 3,
          folded: false,
          changes: [{ path: '/n', kind: 'counted', type: 'counter', version: 1, value: null, number: 7 }],
        },
      },
      { ok: true, value: null },
      null,
    ]);
  });

  it('shows stored control characters so that they cannot control a terminal', async () => {
    const { run } = await enteredShell({ output: { mode: 'text', terminal: true, colours: false } });
    await run('create blob /a --value hex:1b5b324a');
    const { out } = await run('watch /a --from 0 --once --values');
    expect(out).toBe('2 created blob /a (version 0) \\x1b[2J\n');
  });
});

describe('a watch in the background', () => {
  it('is listed, shows its news before the next command, and is ended by its number', async () => {
    const { run } = await enteredShell();
    expect((await run('watch /svc -R -b')).out).toBe('Watch 1\n');
    expect((await run('watches')).out).toBe('1  /svc -R\n');
    await run('create blob /svc/a');
    expect((await run('watches')).out).toBe(
      '[1] 2 created directory /svc (version 0)\n[1] 2 created blob /svc/a (version 0)\n1  /svc -R\n',
    );
    expect((await run('unwatch 1')).out).toBe('Ok\n');
    await run('create blob /svc/b');
    expect((await run('watches')).out).toBe('');
    expect((await run('unwatch 1')).status).toBe(4);
  });

  it('keeps no more than its bound', async () => {
    const { run } = await enteredShell();
    await run('create counter /n');
    await run('watch /n -b');
    const many = Array.from({ length: 1003 }, () => 'counter incr /n').join(' ; ');
    await run(many);
    const { out } = await run('unwatch 1');
    expect(out).toContain('[1] and 3 more\n');
    expect(out.split('\n').filter((line) => line.includes('counted'))).toHaveLength(1000);
  });

  it('survives everything that ends a watch in front', async () => {
    const { run } = await enteredShell();
    expect((await run('watch /a -b --once')).status).toBe(2);
    expect((await run('watch /a --')).status).toBe(2);
  });
});
