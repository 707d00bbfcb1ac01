/**
 * The session of haret's README (docs/language.md), typed into the users' programs, with three nodes and with one.
 * Except for numbers, it prints what the README shows.
 */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ClusterUnderTest } from './cluster-process.ts';
import { run } from './programs.ts';

const typed = `enter test-ns
create set /some/other/node
set insert /some/other/node hi
set contains /some/other/node hi
set contains /some/other/node h
create set /some/set
set insert /some/set blah
set intersection /some/set /some/other/node
set union /some/set /some/other/node
ls
`;

const printed = [
  'Ok',
  'F',
  'true',
  'Version = n F',
  'true',
  'Version = n F',
  'false',
  'Version = n F',
  'Ok',
  'F',
  'true',
  'Version = n F',
  'F',
  'blah',
  'hi',
  'F',
  '/',
  '/some',
  '/some/other',
  '/some/other/node',
  '/some/set',
  'F',
  '',
];

function withoutNumbers(text: string): string[] {
  return text
    .replaceAll(/Epoch = \d+, View = \d+, Client Request Num = \d+/g, 'F')
    .replaceAll(/Version = \d+/g, 'Version = n')
    .split('\n');
}

describe.each([
  ['a single node', 1],
  ['three nodes', 3],
])('at %s', (_name, count) => {
  let cluster: ClusterUnderTest;

  beforeAll(async () => {
    cluster = await ClusterUnderTest.start(count);
  });

  afterAll(async () => {
    await cluster.close();
  });

  it('a session prints what its transcript says', async () => {
    const ran = await run('haret-cli-client', [cluster.node(0).api], { input: typed });
    expect(ran.stderr).toBe('');
    expect(ran.status).toBe(0);
    const [entered, ...rest] = withoutNumbers(ran.stdout);
    expect(entered).toMatch(
      /^(Client registered\.|Finished Redirecting\.) Primary = name: "r\d" group: "test-ns" node_name: "dev\d" node_addr: "127\.0\.0\.1:\d+"(, API Address = 127\.0\.0\.1:\d+)?$/,
    );
    expect(rest).toEqual(printed);
  });

  it('every node takes the client, and request numbers count the commands of the connection', async () => {
    for (const node of cluster.nodes) {
      const ran = await run('haret-cli-client', [node.api], { input: 'list-namespaces\nenter test-ns\nls\nls\n' });
      expect(ran.stdout).toMatch(/^test-ns\n\n/);
      const numbers = [...ran.stdout.matchAll(/Client Request Num = (\d+)/g)].map(([, number]) => Number(number));
      expect(numbers).toEqual([2, 3]);
    }
  });

  it('a wrong namespace and an address without a node give one line and a failing status', async () => {
    const wrong = await run('haret-cli-client', [cluster.node(0).api, '--ns', 'nonsense', '-e', 'ls']);
    expect(wrong.status).toBe(4);
    expect(wrong.stderr).toBe('Unknown namespace\n');
    const nobody = await run('haret-cli-client', ['127.0.0.1:1', '--ns', 'test-ns', '--timeout', '500ms', '-e', 'ls']);
    expect(nobody.status).toBe(5);
    expect(nobody.stderr.trimEnd().split('\n').length).toBe(1);
    // A script that reads objects gets one, as for every other failure.
    const told = await run('haret-cli-client', ['127.0.0.1:1', '--json', '--timeout', '500ms', '-e', 'ls']);
    expect(told).toMatchObject({ status: 5, stderr: '' });
    expect(JSON.parse(told.stdout)).toMatchObject({
      ok: false,
      error: { code: 'NodeUnreachable', outcome: 'definite' },
    });
  });
});
