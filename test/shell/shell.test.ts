import { describe, expect, it } from 'vitest';
import { HaretError, errorInfo } from '../../core/base/errors.ts';
import { adminTable, LineHistory } from '../../core/shell/index.ts';
import { FakeAdmin } from './fake-connection.ts';
import { enteredShell, testShell } from './run.ts';

const json = { mode: 'json', terminal: false, colours: false } as const;
const raw = { mode: 'raw', terminal: false, colours: false } as const;

describe('entering a namespace', () => {
  it('says where the primary is', async () => {
    const { run } = testShell();
    expect(await run('enter test-ns')).toMatchObject({
      out: 'Client registered. Primary = name: "r1" group: "test-ns" node_name: "dev1" node_addr: "127.0.0.1:2000"\n',
      status: 0,
    });
  });

  it('says that it moved to the node of the primary', async () => {
    const { run, connection } = testShell();
    connection.redirected = true;
    connection.primaryNode = { name: 'r2', node: 'dev2', address: '127.0.0.1:3000', api: '127.0.0.1:3002' };
    expect((await run('enter test-ns')).out).toBe(
      'Finished Redirecting. Primary = name: "r2" group: "test-ns" node_name: "dev2" node_addr: "127.0.0.1:3000", ' +
        'API Address = 127.0.0.1:3002\n',
    );
  });

  it('asks to try again when there is no primary', async () => {
    const { run, connection } = testShell();
    connection.primaryNode = null;
    expect(await run('enter test-ns')).toMatchObject({
      err: 'Primary not found. Please retry in 2 seconds.\n',
      status: 5,
    });
  });

  it('knows no other namespaces', async () => {
    expect(await testShell().run('enter nowhere')).toMatchObject({ err: 'Unknown namespace\n', status: 4 });
  });

  it('ends with leave', async () => {
    const { run } = await enteredShell();
    await run('leave');
    expect((await run('ls')).err).toContain('Please call `enter <namespace_id>`');
  });
});

describe('exit statuses', () => {
  it.each([
    ['blob get /nope', 4],
    ['create blob relative', 1],
    ['blob put /a v --if-version 3', 3],
    ['txn { if exists /nope; do create blob /b }', 3],
    ['txn { if exists /nope; do create blob /b; else exists /nope }', 0],
    ['blob put /a', 2],
    ['nonsense', 2],
    ['exists /nope', 0],
  ])('%s gives %i', async (line, status) => {
    const { run } = await enteredShell();
    await run('create blob /a');
    expect((await run(line)).status).toBe(status);
  });

  it.each([
    ['Timeout', 5],
    ['Disconnected', 5],
    ['Overloaded', 5],
    ['NotAllowed', 6],
    ['Internal', 1],
  ] as const)('%s gives %i', async (code, status) => {
    const { run, connection } = await enteredShell();
    connection.failure = new HaretError(errorInfo(code, 'it went wrong'));
    const ran = await run('ls');
    expect(ran).toMatchObject({ out: '', status });
    expect(ran.err).toBe('Error: it went wrong\nEpoch = 1, View = 6, Client Request Num = 1\n');
  });

  it('is 130 when a command is interrupted, although the node never answers', async () => {
    const { run, connection } = await enteredShell();
    connection.silent = true;
    const interrupt = new AbortController();
    const running = run('blob get /a', interrupt.signal);
    interrupt.abort();
    expect(await running).toMatchObject({ status: 130, err: expect.stringContaining('Error: Interrupted') as string });
  });
});

describe('lines', () => {
  it('stop at the first command that fails, unless they must continue', async () => {
    const stopping = await enteredShell();
    expect((await stopping.run('exists /a ; blob get /a ; exists /b')).out.match(/false/g)).toHaveLength(1);
    const going = await enteredShell({ keepGoing: true });
    const ran = await going.run('exists /a ; blob get /a ; exists /b');
    expect(ran.out.match(/false/g)).toHaveLength(2);
    expect(ran.status).toBe(4);
  });

  it('are remembered, and exit ends the shell', async () => {
    const history = new LineHistory();
    const { run } = testShell({ history });
    await run('list-namespaces');
    await run('   ');
    await run('# nothing');
    await run('exists /');
    expect((await run('history')).out).toBe('1  list-namespaces\n2  exists /\n');
    expect(await run('exit ; bogus')).toMatchObject({ exit: true, status: 0 });
  });

  it('read files where there are files, and nowhere else', async () => {
    const withFiles = await enteredShell({
      readFile: (path) =>
        path === 'there' ? Promise.resolve(new Uint8Array([104, 105])) : Promise.reject(new Error('no such file')),
    });
    await withFiles.run('create blob /a --value @there');
    expect((await withFiles.run('blob get /a')).out).toContain('hi\n');
    expect(await withFiles.run('blob put /a @elsewhere')).toMatchObject({ status: 2 });
    expect((await withFiles.run('blob put /a "@elsewhere"')).status).toBe(0);
    const web = await enteredShell();
    expect(await web.run('create blob /a --value @there')).toMatchObject({ status: 2 });
  });

  it('report a quote that is not closed', async () => {
    const { run } = await enteredShell();
    expect(await run('blob put /a "open')).toMatchObject({
      status: 2,
      err: expect.stringContaining('is not closed') as string,
    });
  });
});

describe('flags', () => {
  it('are recognised by their place, not taken for values', async () => {
    const { run, connection } = await enteredShell();
    await run('create queue /q');
    await run('queue push /q -5');
    await run('queue push /q --unknown');
    expect((await run('queue list /q')).out).toContain('-5\n--unknown\n');
    expect((await run('ls --unknown')).err).toContain('unknown flag --unknown');
    await run('blob put /b "--if-absent" --if-absent');
    expect(connection.asked.at(-1)?.operation).toMatchObject({ kind: 'blobPut', ifAbsent: true });
    await run('blob put /b -- --if-absent');
    expect(connection.asked.at(-1)?.operation).toMatchObject({ kind: 'blobPut', ifAbsent: false });
  });

  it('exclude each other where they must, and take their value after a space or an equals sign', async () => {
    const { run } = await enteredShell();
    expect((await run('blob put /a v --if-version=1 --if-absent')).err).toContain('exclude each other');
    expect((await run('ls --limit=0')).err).toContain('N is from 1 to 10000');
    expect((await run('ls --limit')).err).toContain('--limit needs N');
    expect((await run('ls --limit 1 --limit 2')).err).toContain('given twice');
  });
});

describe('the consistency of reads', () => {
  it('is the same for every read of a shell', async () => {
    const { run, connection } = await enteredShell({ consistency: { kind: 'atLeast', op: 7 }, timeoutMs: 500 });
    await run('ls');
    expect(connection.asked.at(-1)?.options).toMatchObject({ consistency: { kind: 'atLeast', op: 7 }, timeoutMs: 500 });
    expect((await run('explain ls')).out).toContain('read at least op 7');
  });
});

describe('--json', () => {
  it('prints one object a command', async () => {
    const { run } = await enteredShell({ output: json });
    const object = async (line: string): Promise<unknown> => JSON.parse((await run(line)).out);
    expect(await object('create blob /a --value hi')).toEqual({
      ok: true,
      value: null,
      version: 0,
      meta: { epoch: 1, view: 6, request: 1, op: 2 },
    });
    expect(await object('blob get /a')).toMatchObject({ ok: true, value: 'hi', version: 0 });
    await run('blob put /a hex:ff00');
    expect(await object('blob get /a')).toMatchObject({ value: { b64: '/wA=' }, version: 1 });
    expect(await object('ls')).toMatchObject({ ok: true, value: ['/', '/a'] });
    expect(await object('ls --limit 1')).toMatchObject({ value: ['/'], more: true });
    expect(await object('txn { do blob get /a; do exists /a }')).toMatchObject({
      value: { held: true, results: [{ value: { b64: '/wA=' }, version: 1 }, { value: true }] },
    });
    expect(await object('blob get /nope')).toMatchObject({
      ok: false,
      error: {
        code: 'PathNotFound',
        message: 'Path Does not exist: /nope',
        retryable: false,
        outcome: 'definite',
        path: '/nope',
      },
      meta: { request: 8 },
    });
    expect(await object('nonsense')).toMatchObject({ ok: false, error: { code: 'BadArgument' } });
    expect(await object('enter test-ns')).toMatchObject({
      value: { namespace: 'test-ns', redirected: false, primary: { name: 'r1', nodeName: 'dev1' } },
    });
    expect(await object('list-namespaces')).toMatchObject({ value: ['test-ns'] });
  });
});

describe('--raw', () => {
  it('prints the value and nothing else', async () => {
    const { run } = await enteredShell({ output: raw });
    expect((await run('create blob /a --value hello')).out).toBe('');
    expect((await run('blob get /a')).out).toBe('hello');
    await run('blob put /a hex:ff00');
    expect((await run('blob get /a')).out).toBe('<255 0>');
    expect((await run('exists /a')).out).toBe('true\n');
    expect(await run('blob get /nope')).toMatchObject({ out: '', status: 4 });
  });
});

describe('on a terminal', () => {
  it('stored data cannot control it', async () => {
    const { run } = await enteredShell({ output: { mode: 'text', terminal: true, colours: false } });
    await run('create blob /a --value hex:1b5d303b74071b5b324a0d0a');
    expect((await run('blob get /a')).out).toContain('\\x1b]0;t\\x07\\x1b[2J\\r\\n\n');

    expect((await run('blob get "/\u001b[2J"')).err).not.toMatch(/\u001b/);
  });

  it('colours mark errors and remarks', async () => {
    const { run } = await enteredShell({ output: { mode: 'text', terminal: true, colours: true } });
    expect((await run('blob get /nope')).err).toContain('\u001b[31mError: Path Does not exist: /nope\u001b[39m\n');
    expect((await run('exists /')).out).toMatch(/^true\n\u001b\[2mVersion = 0 Epoch/);
  });
});

describe('the admin program', () => {
  it('sends typed commands and prints their results', async () => {
    const admin = new FakeAdmin(
      { kind: 'ok' },
      { kind: 'ok' },
      { kind: 'primary', primary: null },
      { kind: 'primary', primary: 'test-ns::r1::dev1@127.0.0.1:2000' },
      { kind: 'pairs', pairs: [{ name: 'node_name', value: 'dev1' }] },
    );
    const { run } = testShell({ table: adminTable(), admin });
    expect(await run('cluster join dev2@127.0.0.1:3000')).toMatchObject({ out: 'ok\n', status: 0 });
    expect(admin.asked[0]).toEqual({ kind: 'clusterJoin', node: 'dev2', address: '127.0.0.1:3000' });
    await run('vr create namespace ns r1::dev1@127.0.0.1:2000,r2::dev1@127.0.0.1:2000,r3::dev2@h:3000 --allow-small');
    expect(admin.asked[1]).toEqual({
      kind: 'createNamespace',
      namespace: 'ns',
      allowSmall: true,
      replicas: [
        { replica: 'r1', node: 'dev1', address: '127.0.0.1:2000' },
        { replica: 'r2', node: 'dev1', address: '127.0.0.1:2000' },
        { replica: 'r3', node: 'dev2', address: 'h:3000' },
      ],
    });
    expect((await run('vr primary ns')).out).toBe('None\n');
    expect((await run('vr primary ns')).out).toBe('test-ns::r1::dev1@127.0.0.1:2000\n');
    expect((await run('config')).out).toBe('node_name = dev1\n');
    expect(await run('vr replica ns::r1::dev9')).toMatchObject({ status: 4, err: 'Error: no such node\n' });
    expect(admin.asked.at(-1)).toEqual({ kind: 'replica', namespace: 'ns', replica: 'r1', node: 'dev9' });
    expect((await run('cluster join dev2')).err).toContain('NAME@HOST:PORT');
    expect((await run('ls')).status).toBe(2);
  });

  it('shows the primary of a replica toward the top', async () => {
    const admin = new FakeAdmin({
      kind: 'replica',
      replica: {
        namespace: 'test-ns',
        namespaceId: 1,
        replica: 'r1',
        node: 'dev1',
        address: '127.0.0.1:2000',
        status: 'normal',
        primary: 'test-ns::r2::dev2@127.0.0.1:3000',
        isPrimary: false,
        epoch: 1,
        view: 6,
        logEpoch: 1,
        logView: 6,
        head: 9,
        commit: 9,
        applied: 9,
        checkpointOp: 0,
        logFirst: 1,
        sessions: 2,
        keys: 4,
        bytes: 30,
      },
    });
    const { run } = testShell({ table: adminTable(), admin });
    expect((await run('vr replica test-ns::r1::dev1@127.0.0.1:2000')).out.split('\n').slice(0, 3)).toEqual([
      'replica:         test-ns::r1::dev1@127.0.0.1:2000',
      'primary:         test-ns::r2::dev2@127.0.0.1:3000',
      'state:           backup',
    ]);
  });
});
