/**
 * The page that a node serves, in Chromium, with three real nodes: the golden sessions, the budgets, failover and
 * reconnects.
 */

import type { Browser } from 'playwright';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ClusterUnderTest } from '../integration/cluster-process.ts';
import { goldenSessions } from '../shell/golden.ts';
import { expectedTranscript, runGolden } from '../shell/transcript.ts';
import { PlaygroundPage, report, startBrowser } from './browser.ts';

const mostTransferred = 250_000;
/** An idle machine takes a tenth of this. The tests share two cores with others. */
const mostUntilPromptMs = 8000;
/** The messages of the console about nodes that are gone, or that have no status stream. */
const goneNode = /WebSocket connection to .* failed|net::ERR_CONNECTION_REFUSED/;

let browser: Browser;
let cluster: ClusterUnderTest;

beforeAll(async () => {
  browser = await startBrowser();
  cluster = await ClusterUnderTest.layOut(3);
  const origins = cluster.nodes.map((node) => `"http://${node.api}"`).join(', ');
  for (const node of cluster.nodes) node.configure(`allowed_origins = [${origins}]`);
  cluster.node(2).configure(`allowed_origins = [${origins}]\nplayground_admin = true`);
  await Promise.all(cluster.nodes.map((node) => node.start()));
  await cluster.found('test-ns');
}, 240_000);

afterAll(async () => {
  await browser.close();
  await cluster.close();
});

async function opened(node = 0, width = 1400): Promise<PlaygroundPage> {
  const options = { viewport: { width, height: 900 }, colorScheme: 'dark' } as const;
  return await PlaygroundPage.open(browser, `http://${cluster.node(node).api}/`, options, goneNode);
}

/** A new namespace with a replica on each node. */
async function freshNamespace(name: string): Promise<void> {
  const places = cluster.nodes.map((node, i) => `r${i + 1}::${node.name}@${node.cluster}`).join(',');
  const { status, stderr } = await cluster.node(0).adminRun(`vr create namespace ${name} ${places}`);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
}

/** Removes blanks at the ends of lines, because a terminal's rows end where their text ends. */
function trimmed(transcript: string): string {
  return transcript.replace(/ +$/gm, '');
}

describe('the page of a node', () => {
  for (const [index, session] of goldenSessions.entries()) {
    it(`prints ${session.name}`, async () => {
      // The first session lists the namespaces, and finds the one that it knows. The others get another empty one.
      const namespace = index === 0 ? 'test-ns' : `golden-${index}`;
      if (index > 0) await freshNamespace(namespace);
      // It is wide enough for every line of a transcript.
      const page = await opened(0, 3600);
      const transcript = await runGolden(session, (line) =>
        page.type(line.replace(/^enter test-ns$/, `enter ${namespace}`), 'pasted'),
      );
      expect(trimmed(transcript)).toBe(trimmed(expectedTranscript(session)));
      await page.close();
    });
  }

  it('is shown at once, is small, and asks no other server', async () => {
    const context = await browser.newContext();
    const page = await context.newPage();
    const sizes: Promise<number>[] = [];
    const hosts = new Set<string>();
    const policies: (string | undefined)[] = [];
    page.on('response', (response) => {
      if (response.url().startsWith('data:')) return;
      hosts.add(new URL(response.url()).host);
      policies.push(response.headers()['content-security-policy']);
      sizes.push(
        response
          .request()
          .sizes()
          .then((all) => all.responseBodySize + all.responseHeadersSize),
      );
    });
    const startedAt = performance.now();
    await page.goto(`http://${cluster.node(0).api}/`);
    // It is asked from outside. A predicate that waits within the page is code from text, which the page's policy
    // refuses.
    const prompted = () => page.evaluate<boolean>('window.haretTerminalText?.().startsWith("haret>") === true');
    await expect.poll(prompted, { interval: 10, timeout: 10_000 }).toBe(true);
    const untilPromptMs = performance.now() - startedAt;
    const transferred = (await Promise.all(sizes)).reduce((total, size) => total + size, 0);
    report(`the first prompt after ${untilPromptMs.toFixed(0)} ms, and ${transferred} bytes`);
    expect(untilPromptMs).toBeLessThan(mostUntilPromptMs);
    expect(transferred).toBeLessThan(mostTransferred);
    expect([...hosts]).toEqual([cluster.node(0).api]);
    expect(policies.every((policy) => policy?.includes("default-src 'none'; script-src 'self';") === true)).toBe(true);
    await context.close();
  });

  it('shows the replicas, the events and the tree, and continues when the primary dies', async () => {
    const page = await opened();
    const entered = await page.type('enter test-ns');
    const primary = /node_name: "dev(\d)"/.exec(entered)![1]!;
    await expect.poll(async () => (await page.nodes()).join('\n')).toMatch(/r1[^]*primary[^]*r3/);
    await page.type('create set /shown/set');
    await page.type('set insert /shown/set hi');
    await expect.poll(() => page.page.locator('#tree').innerText()).toMatch(/set\s+1 member\s+1/);
    await page.untilHappened(/op \d+ committed by r\d and r\d/);
    // The legend shows the number of messages, and the list shows whose session it is.
    await expect.poll(() => page.page.locator('#legend').innerText()).toMatch(/heartbeat [1-9]\d*\/s/);
    await expect.poll(() => page.page.locator('#sessions').innerText()).toMatch(/playground\/\S+\s+op \d+/);
    await page.shoot('node-dark');
    expect(await page.barriers()).toEqual([]);

    // The page's own node is not the one that dies.
    const home = await opened(primary === '1' ? 1 : 0);
    await home.type('enter test-ns');
    const dead = cluster.node(Number(primary) - 1);
    await dead.kill();
    await home.untilHappened(/view \d+: r\d is primary/);
    await expect.poll(async () => (await home.nodes()).join('\n')).toMatch(new RegExp(`r${primary}\\s+down`));
    expect(await home.type('set contains /shown/set hi')).toMatch(/^true\n/);
    await home.shoot('node-failover');
    await dead.start();
    await dead.untilHttp('/ready');
    await expect.poll(async () => (await home.nodes()).join('\n')).not.toMatch(/down|unseen/);
    await home.close();
    await page.close();
  });

  it('says that its node is gone, and reconnects on its own', async () => {
    const page = await opened(2);
    await page.type('enter test-ns');
    const status = (): Promise<string> => page.page.locator('#status').innerText();
    // The page updates it ten times a second. The terminal may have been answered before that.
    await expect.poll(status).toBe('connected to dev3');
    await cluster.node(2).kill();
    await expect.poll(status).toMatch(/^reconnecting to /);
    await page.page.keyboard.type('create counter /after\n');
    await cluster.node(2).start();
    await expect.poll(status).toBe('connected to dev3');
    await page.untilText(/haret> create counter \/after\nOk\n[^]*haret> ?$/);
    await page.close();
  });

  it('shows the node of another address, and says in words why one cannot be reached', async () => {
    const page = await opened(0);
    await page.page.keyboard.type(`connect ${cluster.node(1).api}\n`);
    const status = (): Promise<string> => page.page.locator('#status').innerText();
    await expect.poll(status).toBe('connected to dev2');
    expect(page.page.url()).toContain(`?node=${encodeURIComponent(cluster.node(1).api)}`);
    expect(await page.type('enter test-ns')).toMatch(/Primary/);
    await page.page.locator('#mode-other').click();
    await page.page.keyboard.type('nowhere\n');
    await expect.poll(() => page.page.locator('#address-problem').innerText()).toMatch(/lacks the port/);
    await page.page.locator('#address').fill('127.0.0.1:9');
    await page.page.keyboard.press('Enter');
    await page.untilText(/No node answers at 127\.0\.0\.1:9[^]*allowed_origins = \["http:\/\/127\.0\.0\.1:\d+"\]/);
    await page.page.keyboard.type('connect tab\n');
    await expect.poll(status).toMatch(/a whole cluster in this tab/);
    await page.close();
  });

  it('takes admin commands from its page only when the configuration says so', async () => {
    const page = await opened(0);
    expect(await page.type('cluster status')).toMatch(
      /^Error: This node does not let a page administer it\. Set playground_admin = true/,
    );
    await page.page.keyboard.type(`connect ${cluster.node(2).api}\n`);
    await expect.poll(() => page.page.locator('#status').innerText()).toBe('connected to dev3');
    await expect.poll(() => page.type('cluster status')).toMatch(/^cluster [0-9a-f]{32}\ndev1@/);
    expect(await page.type('vr primary test-ns')).toMatch(/^test-ns::r\d::dev\d@/);
    await page.close();
  });

  it('tells nothing about itself when the configuration says so', async () => {
    const [node] = cluster.nodes;
    await node!.stop();
    node!.configure('status_stream = false');
    await node!.start();
    const page = await opened(0);
    expect(await page.type('enter test-ns')).toMatch(/Primary/);
    expect(await page.nodes()).toEqual([]);
    await page.close();
  });
});
