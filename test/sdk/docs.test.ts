/**
 * The documentation of the SDK is true: its programs run, it has every error and every export, and the example does
 * what it says.
 */

import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { errorCodes } from '../../core/base/errors.ts';
import { changeKinds } from '../../core/tree/names.ts';
import * as coordination from '../../browser-client/coordination.ts';
import * as core from '../../browser-client/core.ts';
import * as sdk from '../../browser-client/index.ts';
import * as hooks from '../../browser-client/react.ts';
import { ClusterUnderTest } from '../integration/cluster-process.ts';
import { packageRoot } from '../integration/programs.ts';
import { startBrowser } from '../playground/browser.ts';

const execute = promisify(execFile);
/** It is inside the package, whose own name the programs import. */
const scratch = join(packageRoot, 'test', '.output', 'guide');

function page(name: string): string {
  return readFileSync(join(packageRoot, 'docs', name), 'utf8');
}

describe('docs/errors.md', () => {
  it('has every error code with its properties', () => {
    const rows = [...page('errors.md').matchAll(/^\| `(\w+)`\s*\| (yes|no)\s*\| (\w+)\s*\|/gm)];
    expect(rows.map(([, code, retryable, outcome]) => [code, retryable === 'yes', outcome])).toEqual(
      Object.entries(errorCodes).map(([code, { retryable, outcome }]) => [code, retryable, outcome]),
    );
  });
});

describe('docs/sdk.md', () => {
  it('has every export', () => {
    const reference = page('sdk.md');
    const missing = [
      ...Object.keys(sdk),
      ...Object.keys(core),
      ...Object.keys(coordination),
      ...Object.keys(hooks),
      'simulate',
      'startServer',
    ].filter((name) => !new RegExp(`\\b${name}\\b`).test(reference));
    expect(missing).toEqual([]);
  });

  it('has every kind of change', () => {
    const [, kinds] = /A change has `path`, `kind` \(([^)]*)\)/.exec(page('sdk.md'))!;
    expect([...kinds!.matchAll(/`(\w+)`/g)].map(([, kind]) => kind).sort()).toEqual(changeKinds.toSorted());
  });
});

describe('the reference', () => {
  it('is made from the code, and describes every public name', async () => {
    const typedoc = join(packageRoot, 'node_modules/typedoc/bin/typedoc');
    // Its warnings are errors: a name without a description, or a link that leads nowhere.
    await execute(process.execPath, [typedoc, '--options', 'docs/typedoc.json', '--emit', 'none'], {
      cwd: packageRoot,
    });
  });
});

describe('docs/guide.md', () => {
  let cluster: ClusterUnderTest;
  let directory: string;
  const programs = new Map(
    [...page('guide.md').matchAll(/<!-- run: (\w+) -->\n\n```js\n([\s\S]*?)```/g)].map(([, name, code]) => [
      name!,
      code!,
    ]),
  );

  beforeAll(async () => {
    cluster = await ClusterUnderTest.start(3);
    directory = mkdtempSync(join(tmpdir(), 'haret-guide-'));
    mkdirSync(scratch, { recursive: true });
  });

  afterAll(async () => {
    await cluster.close();
    rmSync(directory, { recursive: true, force: true });
  });

  /** Runs a program of the guide with the test's own cluster. */
  async function run(name: string, before = '', after = ''): Promise<string> {
    const [one, two, three] = cluster.nodes.map(({ api }) => api);
    const code = programs
      .get(name)!
      .replace('127.0.0.1:2002', one!)
      .replace('127.0.0.1:3002', two!)
      .replace('127.0.0.1:4002', three!);
    const file = join(scratch, `${name}.mjs`);
    writeFileSync(file, `${before}${code}${after}`);
    const { stdout } = await execute(process.execPath, [file], { cwd: directory });
    return stdout;
  }

  it('begins with ten lines that run', async () => {
    expect(programs.get('first')!.trim().split('\n').filter(Boolean).length).toBeLessThanOrEqual(10);
    expect(await run('first')).toMatch(/^\{ retries: 3 \}\n\{ value: \{ retries: 4 \}, version: \d+, op: \d+ \}\n$/);
  });

  it('has a transaction that runs', async () => {
    const before = `import { connect, json } from 'haret';
      const haret = await connect({ urls: '${cluster.node(0).api}' });
      const ns = haret.namespace('test-ns');\n`;
    expect(await run('transaction', before, 'await haret.close();')).toBe('9 left\n');
  });

  it('has a test that runs', async () => {
    expect(await run('testing')).toMatch(/^2\nTimeout (unknown|definite)\n$/);
  });

  it('has a node that runs', async () => {
    expect(await run('server')).toBe("[ 'app' ]\n");
  });
});

describe('examples/guests', () => {
  it('shows a page the guests that others write, and keeps the book short', async () => {
    const data = mkdtempSync(join(tmpdir(), 'haret-guests-'));
    const service = spawn(process.execPath, [join(packageRoot, 'examples', 'guests', 'service.js')], {
      env: { ...process.env, DATA_DIR: data },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = new Promise((resolve) => service.on('exit', resolve));
    const browser = await startBrowser();
    try {
      const url = await new Promise<string>((resolve) => {
        service.stdout.once('data', (line: Buffer) => resolve(line.toString('utf8').trim()));
      });
      const [first, second] = [await browser.newPage(), await browser.newPage()];
      for (const one of [first, second]) await one.goto(url);
      const patience = { timeout: 20_000, interval: 20 };
      await expect.poll(() => first.locator('ul').getAttribute('class'), patience).toBe('live');
      for (let i = 1; i <= 11; i++) {
        await second.fill('input', `guest ${i}`);
        await second.click('button');
        const last = (): Promise<string> => first.locator('li').last().innerText();
        await expect.poll(last, patience).toMatch(new RegExp(`^guest ${i},`));
      }
      await expect.poll(() => first.locator('li').count(), patience).toBe(10);
      await expect.poll(() => first.locator('#greeted').innerText(), patience).toBe('1');
      // Browsers sometimes open a connection and ask nothing over it. It must not delay anything.
      const silent = createConnection(Number(new URL(url).port), '127.0.0.1');
      await once(silent, 'connect');
      const closed = once(silent, 'close');
      service.kill('SIGTERM');
      expect(await ended).toBe(0);
      await closed;
      await expect.poll(() => first.locator('#state').innerText(), patience).toBe('suspended');
    } finally {
      service.kill('SIGKILL');
      await browser.close();
      rmSync(data, { recursive: true, force: true });
    }
  });
});
