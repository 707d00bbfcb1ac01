/**
 * The SDK in real Chromium: the built bundle in a page, with real nodes that die, and a page that goes offline, sleeps
 * and comes back.
 */

import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename, join } from 'node:path';
import { build } from 'esbuild';
import type { Browser, BrowserContext, Page } from 'playwright';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { connect, text } from '../../browser-client/index.ts';
import type { Hold } from '../../browser-client/index.ts';
import { ClusterUnderTest } from '../integration/cluster-process.ts';
import type { NodeUnderTest } from '../integration/cluster-process.ts';
import { packageRoot } from '../integration/programs.ts';
import { startBrowser } from '../playground/browser.ts';
import type { Account, Scenario } from './scenario.ts';
import { faults } from './scenario.ts';

const built = join(packageRoot, 'dist', 'browser');
const patience = { timeout: 20_000, interval: 20 };

/** The values that the page's script leaves for the test. */
interface Told {
  readonly scenario: Scenario;
  held: Hold;
  readonly error?: string;
}
declare const globalThis: Told;

/** The script of a page without a bundler. */
const plainPage = `
  import { connect, text } from '/haret/index.js';
  const haret = await connect({ urls: new URLSearchParams(location.search).get('node').replace('ws:', 'http:') });
  const greeting = haret.namespace('test-ns').blob('/greeting', text);
  await greeting.put('hello from the page');
  document.title = await greeting.get();
  await haret.close();
`;

const scenarioPage = `
  import * as sdk from 'haret';
  import { Scenario } from '../../test/sdk/scenario.ts';
  const urls = new URLSearchParams(location.search).getAll('node');
  const haret = await sdk.connect({ urls });
  globalThis.sdk = sdk;
  globalThis.scenario = new Scenario(haret);
  document.title = haret.state;
  haret.on('state', (state) => (document.title = state));
`;

const reactPage = `
  import { StrictMode, createElement as h } from 'react';
  import { createRoot } from 'react-dom/client';
  import { open, text } from 'haret';
  import { useConnection, useLeader, useLock, useValue, useWatch } from 'haret/react';
  const haret = open({ urls: new URLSearchParams(location.search).getAll('node') });
  const ns = haret.namespace('test-ns');
  function Guests() {
    const { status, value = [] } = useValue(ns.set('/guests', text));
    const tree = useWatch(ns, '/guests');
    const add = () => void ns.set('/guests', text).insert('from the page');
    return h('main', null,
      h('p', { id: 'state' }, useConnection(haret)),
      h('p', { id: 'status' }, status),
      h('p', { id: 'lock' }, useLock(ns.lock('/edit')).status),
      h('p', { id: 'leader' }, useLeader(ns.election('/boss', text)).leader?.value ?? 'nobody'),
      h('p', { id: 'tree' }, [...(tree.value ?? new Map()).keys()].join(' ')),
      h('ul', null, value.map((name) => h('li', { key: name }, name))),
      h('button', { onClick: add }, 'add'));
  }
  createRoot(document.body).render(h(StrictMode, null, h(Guests)));
`;

async function bundle(contents: string): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: join(packageRoot, 'test', 'sdk'), sourcefile: 'page.ts', loader: 'ts' },
    bundle: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    define: { 'process.env.NODE_ENV': '"development"' },
    write: false,
    logLevel: 'silent',
  });
  return outputFiles[0]!.text;
}

/**
 * A page that can be told that it is hidden. Its timers are then as slow as Chromium makes those of hidden pages after
 * a while: one a minute, and all that are due when the page is shown.
 */
const hideable = `{
  const [begin, end] = [setTimeout, clearTimeout];
  const asleep = new Map();
  let hidden = false;
  globalThis.setTimeout = (work, ms = 0) => {
    if (!hidden) return begin(work, ms);
    const id = begin(() => asleep.delete(id) && work(), Math.max(ms, 60_000));
    asleep.set(id, work);
    return id;
  };
  globalThis.clearTimeout = (id) => {
    asleep.delete(id);
    end(id);
  };
  Object.defineProperty(document, 'visibilityState', { get: () => (hidden ? 'hidden' : 'visible') });
  globalThis.hide = (wish) => {
    hidden = wish;
    document.dispatchEvent(new Event('visibilitychange'));
    if (hidden) return;
    for (const [id, work] of asleep) {
      clearTimeout(id);
      begin(work, 0);
    }
  };
}`;

describe('in Chromium', () => {
  let browser: Browser;
  let server: Server;
  let origin: string;
  let cluster: ClusterUnderTest;
  let context: BrowserContext;
  let page: Page;
  const problems: string[] = [];

  beforeAll(async () => {
    const scripts = new Map([
      ['/plain.js', plainPage],
      ['/scenario.js', await bundle(scenarioPage)],
      ['/react.js', await bundle(reactPage)],
    ]);
    server = createServer((request, response) => {
      const { pathname } = new URL(request.url ?? '/', 'http://page');
      const file = join(built, basename(pathname));
      if (pathname.startsWith('/haret/') && existsSync(file)) {
        response.writeHead(200, { 'Content-Type': 'text/javascript' }).end(readFileSync(file));
      } else if (scripts.has(pathname)) {
        response.writeHead(200, { 'Content-Type': 'text/javascript' }).end(scripts.get(pathname));
      } else {
        const script = `${pathname}.js`;
        response.writeHead(200, { 'Content-Type': 'text/html' });
        response.end(`<!doctype html><title>page</title><body><script type="module" src="${script}"></script>`);
      }
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    [browser, cluster] = await Promise.all([
      startBrowser(),
      ClusterUnderTest.start(3, 'test-ns', `allowed_origins = ["${origin}"]`),
    ]);
  }, 240_000);

  afterAll(async () => {
    await browser.close();
    await cluster.close();
    server.close();
  });

  beforeEach(async () => {
    problems.length = 0;
    context = await browser.newContext();
    page = await context.newPage();
    page.on('pageerror', (error) => problems.push(error.message));
  });

  afterEach(async () => {
    await context.close();
    expect(problems).toEqual([]);
  });

  async function open(path: string, nodes: readonly NodeUnderTest[] = cluster.nodes): Promise<void> {
    const query = nodes.map(({ api }) => `node=ws://${api}`).join('&');
    await page.goto(`${origin}${path}?${query}`);
  }

  async function untilTitle(title: string): Promise<void> {
    await expect.poll(() => page.title(), patience).toBe(title);
  }

  async function begin(): Promise<void> {
    await open('/scenario');
    await untilTitle('ready');
    // The counter may exist from another story.
    await page.evaluate(async () => {
      await globalThis.scenario.haret.namespace('test-ns').delete('/scenario', { recursive: true });
      await globalThis.scenario.begin();
    });
    await progress();
  }

  function acknowledged(): Promise<number> {
    return page.evaluate(() => globalThis.scenario.acknowledged);
  }

  /** Waits until the page has written more. */
  async function progress(): Promise<void> {
    const before = await acknowledged();
    await expect.poll(acknowledged, patience).toBeGreaterThan(before + 5);
  }

  async function end(): Promise<Account> {
    return page.evaluate(() => globalThis.scenario.end());
  }

  async function serving(): Promise<NodeUnderTest> {
    const address = await page.evaluate(() => globalThis.scenario.haret.server!.address);
    return cluster.nodes.find(({ api }) => address.includes(api))!;
  }

  it('a page imports the client as it is, without a bundler', async () => {
    await open('/plain');
    await untilTitle('hello from the page');
  });

  it('the node that serves it dies and comes back: nothing is lost, doubled or left out, and the page shows it', async () => {
    await begin();
    const node = await serving();
    await node.kill();
    await progress();
    await node.start();
    await progress();
    const account = await end();
    expect(faults(account)).toEqual([]);
    expect(account.states).toContain('suspended');
    expect(account.states.at(-1)).toBe('ready');
  });

  it('the primary moves, wherever the page is connected', async () => {
    await begin();
    await using haret = await connect({ urls: cluster.nodes.map(({ api }) => api) });
    await haret.namespace('test-ns').ready();
    const primary = cluster.nodes.find(({ api }) => haret.server!.address === api)!;
    await primary.kill();
    await progress();
    await primary.start();
    await progress();
    expect(faults(await end())).toEqual([]);
  });

  it('all nodes die and come back', async () => {
    await begin();
    await Promise.all(cluster.nodes.map((node) => node.kill()));
    await untilTitle('suspended');
    await Promise.all(cluster.nodes.map((node) => node.start()));
    await progress();
    expect(faults(await end())).toEqual([]);
  });

  it('the page goes offline and online again', async () => {
    await begin();
    await context.setOffline(true);
    await untilTitle('suspended');
    const before = await acknowledged();
    await context.setOffline(false);
    await untilTitle('ready');
    await progress();
    expect(await acknowledged()).toBeGreaterThan(before);
    expect(faults(await end())).toEqual([]);
  });

  it('the page that goes offline with a lock keeps it if it is back in time, and else knows that it has lost it', async () => {
    await open('/scenario');
    await untilTitle('ready');
    await page.evaluate(async () => {
      const ns = globalThis.scenario.haret.namespace('test-ns');
      globalThis.held = await ns.lock('/page').acquire({ leaseMs: 3000 });
    });
    const held = (): Promise<boolean> => page.evaluate(() => globalThis.held.held);
    await context.setOffline(true);
    await untilTitle('suspended');
    await context.setOffline(false);
    await untilTitle('ready');
    expect(await held()).toBe(true);
    await using haret = await connect({ urls: cluster.nodes.map(({ api }) => api) });
    const next = haret.namespace('test-ns').lock('/page').acquire();
    await context.setOffline(true);
    await using theirs = await next;
    const lost = await page.evaluate(() => {
      const { held, lost, token } = globalThis.held;
      return { held, token, reason: lost?.details['reason'] };
    });
    expect([lost.held, lost.reason, theirs.token > lost.token]).toEqual([false, 'lapsed', true]);
    await context.setOffline(false);
    await untilTitle('ready');
    expect(theirs.held).toBe(true);
  });

  it('the tab is hidden and holds a lock: it keeps the lock, because its node asks for a sign of life', async () => {
    await page.addInitScript({ content: hideable });
    await open('/scenario');
    await untilTitle('ready');
    await page.evaluate(async () => {
      const ns = globalThis.scenario.haret.namespace('test-ns');
      globalThis.held = await ns.lock('/hidden').acquire({ leaseMs: 3000 });
    });
    await page.evaluate('hide(true)');
    await using haret = await connect({ urls: cluster.nodes.map(({ api }) => api) });
    const other = haret.namespace('test-ns').lock('/hidden').acquire({ waitMs: 9000 });
    await expect(other).rejects.toMatchObject({ code: 'WaitOver' });
    expect(await page.evaluate(() => globalThis.held.held)).toBe(true);
    await page.evaluate('hide(false)');
    expect(await page.evaluate(() => globalThis.held.release())).toBe(true);
  });

  it('the page sleeps while its node dies, and catches up with what others wrote', async () => {
    await begin();
    const session = await context.newCDPSession(page);
    await session.send('Page.setWebLifecycleState', { state: 'frozen' });
    const node = cluster.nodes[0]!;
    await node.kill();
    await using haret = await connect({ urls: cluster.nodes.slice(1).map(({ api }) => api) });
    const note = haret.namespace('test-ns').blob('/note', text);
    for (let i = 0; i < 5; i++) await note.put(`${i}`);
    await node.start();
    await session.send('Page.setWebLifecycleState', { state: 'active' });
    await progress();
    expect(faults(await end())).toEqual([]);
  });

  it('the tab is hidden while its node dies, and continues as soon as it is shown', async () => {
    await page.addInitScript({ content: hideable });
    await begin();
    await page.evaluate('hide(true)');
    const node = await serving();
    await node.kill();
    // An event reports that the connection broke. To reconnect takes a timer, and timers sleep.
    await untilTitle('suspended');
    await node.start();
    expect(await page.title()).toBe('suspended');
    await page.evaluate('hide(false)');
    await untilTitle('ready');
    await progress();
    expect(faults(await end())).toEqual([]);
  });

  it('React components follow a set, a tree, a leader and the connection, and hold a lock', async () => {
    await open('/react');
    const list = (): Promise<string> => page.locator('ul').innerText();
    await expect.poll(() => page.locator('#status').innerText(), patience).toBe('live');
    expect(await page.locator('#state').innerText()).toBe('ready');
    await using haret = await connect({ urls: cluster.nodes.map(({ api }) => api) });
    const guests = haret.namespace('test-ns').set('/guests', text);
    await guests.insert('Ada');
    await expect.poll(list, patience).toBe('Ada');
    await page.locator('button').click();
    await expect.poll(list, patience).toBe('Ada\nfrom the page');
    expect(await guests.members().toArray()).toEqual(['Ada', 'from the page']);
    await guests.remove('Ada');
    await expect.poll(list, patience).toBe('from the page');
    expect(await page.locator('#tree').innerText()).toBe('/guests');
    const lock = (): Promise<string> => page.locator('#lock').innerText();
    const leader = (): Promise<string> => page.locator('#leader').innerText();
    await expect.poll(lock, patience).toBe('held');
    const thief = await haret.namespace('test-ns').lock('/edit').acquire({ steal: true });
    await expect.poll(lock, patience).toBe('waiting');
    await thief.release();
    await expect.poll(lock, patience).toBe('held');
    expect(await leader()).toBe('nobody');
    const term = await haret.namespace('test-ns').election('/boss', text).campaign({ value: 'Grace' });
    await expect.poll(leader, patience).toBe('Grace');
    await term.resign();
    await expect.poll(leader, patience).toBe('nobody');
    await Promise.all(cluster.nodes.map((node) => node.kill()));
    await expect.poll(() => page.locator('#status').innerText(), patience).toBe('stale');
    expect(await list()).toBe('from the page');
    expect(await page.locator('#state').innerText()).toBe('suspended');
    await Promise.all(cluster.nodes.map((node) => node.start()));
    await expect.poll(() => page.locator('#status').innerText(), patience).toBe('live');
  });
});
