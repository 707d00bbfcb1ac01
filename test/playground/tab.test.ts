/**
 * The cluster in the tab, in Chromium: typing, breaking with clicks and keys, turning back, sharing, a narrow screen,
 * and a page from a file.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { pathToFileURL } from 'node:url';
import { join } from 'node:path';
import type { Browser } from 'playwright';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { builtPlayground, PlaygroundPage, report, serveStatic, startBrowser } from './browser.ts';

/**
 * The download for a whole cluster. Two fifths of it are the terminal, and most of the rest is the code of the nodes,
 * such as the judgement of messages and the widths of characters. It would be too large with xterm.js, the tree's
 * library or superjson twice.
 */
const mostPacked = 320_000;
/** Requests that arrive together are sent together, so it takes about this many writes for enough messages. */
const loadWrites = 1200;
/*
 * An idle machine draws 60 frames and 1,300 messages a second, and runs more than 20,000 events. The tests share two
 * cores, without a graphics processor, with other clusters. So these bounds only say that the page does not stand
 * still. The report says how smooth it is.
 */
const leastFrames = 5;
const leastMessages = 100;
const leastEvents = 1000;

let browser: Browser;
let server: Awaited<ReturnType<typeof serveStatic>>;

beforeAll(async () => {
  server = await serveStatic();
  browser = await startBrowser();
}, 240_000);

afterAll(async () => {
  await browser.close();
  await server.close();
});

async function opened(options: Parameters<typeof PlaygroundPage.open>[2] = {}, path = ''): Promise<PlaygroundPage> {
  return await PlaygroundPage.open(browser, `${server.url}${path}`, options);
}

describe('the cluster in the tab', () => {
  it('answers commands, and finds a new primary when the old one is clicked away', async () => {
    const page = await opened({ colorScheme: 'dark' });
    expect(await page.type('enter test-ns')).toMatch(/Primary = name: "r\d"/);
    expect(await page.type('create set /some/set')).toMatch(/^Ok\n/);
    expect(await page.type('set insert /some/set hi')).toMatch(/^true\nVersion = 1 Epoch/);
    await expect.poll(() => page.page.locator('#tree').innerText()).toMatch(/some.*\n.*set\s+1 member\s+1/s);
    expect(await page.page.locator('#sessions').innerText()).toMatch(/op \d+/);
    await page.shoot('tab-dark');

    await page.page.locator('.node.primary').click();
    await page.untilHappened(/n\d crashes[^]*r\d suspects r\d[^]*view 2: r\d is primary/);
    await page.shoot('tab-failover');
    await page.page.locator('#terminal').click();
    expect(await page.type('set contains /some/set hi')).toMatch(/^true\n/);
    await page.page.locator('.node.down').click();
    await page.untilHappened(/n\d starts/);
    await expect.poll(() => page.nodes()).not.toContain('down');
    await page.close();
  });

  it('edits, remembers and completes as the programs do', async () => {
    const page = await opened();
    await page.type('enter test-ns');
    await page.type('create counter /some/counter');
    await page.page.keyboard.type('counter in\t/so\t\t 5');
    await page.page.keyboard.press('Enter');
    await page.untilText(/haret> counter incr \/some\/counter +5\n5\nVersion = 1[^]*haret> ?$/);
    await page.page.keyboard.press('ArrowUp');
    await page.page.keyboard.press('Control+W');
    await page.page.keyboard.type('-7\n');
    await page.untilText(/haret> counter incr \/some\/counter +-7\n-2\n[^]*haret> ?$/);
    expect(await page.type('nonsense')).toBe("Invalid Input. Type 'help' for commands\n");
    await page.close();
  });

  it('takes pasted lines one after the other', async () => {
    const page = await opened();
    await page.paste('enter test-ns\ncreate blob /a\nblob put /a pasted\nblob get /a\n');
    await page.untilText(/haret> blob get \/a\npasted\n/);
    await page.close();
  });

  it('copies what is selected, and pastes it', async () => {
    const page = await opened();
    await page.context.grantPermissions(['clipboard-read', 'clipboard-write']);
    await page.page.keyboard.type('help nowhere-near');
    const line = (await page.page.locator('.xterm-rows > div').first().boundingBox())!;
    await page.page.mouse.dblclick(line.x + 7 * 8.4 + 60, line.y + line.height / 2);
    await page.page.keyboard.press('Control+C');
    await page.page.keyboard.press('Control+U');
    await page.page.keyboard.press('Control+V');
    await page.untilText(/^haret> nowhere-near$/);
    await page.close();
  });

  it('opens a link that is clicked, in a tab of its own', async () => {
    const page = await opened();
    await page.type('enter test-ns');
    await page.type('create blob /a --value http://localhost:9/there');
    await page.type('blob get /a');
    const row = page.page.locator('.xterm-rows > div', { hasText: /^http:\/\/localhost:9\/there/ });
    const at = (await row.boundingBox())!;
    await page.page.mouse.move(at.x + 40, at.y + at.height / 2);
    await page.page.mouse.move(at.x + 50, at.y + at.height / 2);
    const other = page.context.waitForEvent('page');
    await expect.poll(() => page.page.locator('.xterm-cursor-pointer').count()).toBe(1);
    await page.page.mouse.click(at.x + 50, at.y + at.height / 2);
    expect((await other).url()).toMatch(/localhost:9|about:blank|chrome-error/);
    await page.close();
  });

  it('gives a screen reader what the terminal prints, once it is asked to', async () => {
    const page = await opened();
    await page.page.locator('#reader').click();
    await page.page.locator('#terminal').click();
    await page.type('enter test-ns');
    const told = (): Promise<string> => page.page.locator('.xterm-accessibility-tree').innerText();
    await expect.poll(told).toMatch(/Primary = name/);
    expect(await page.page.locator('.live-region').getAttribute('aria-live')).toBe('assertive');
    await page.close();
  });

  it("takes the input of a phone's keyboard, and follows the size of its window", async () => {
    const page = await opened({ viewport: { width: 390, height: 800 }, hasTouch: true, isMobile: true });
    await page.page.keyboard.insertText('enter test-ns');
    await page.page.keyboard.press('Enter');
    await page.untilText(/Primary = name[^]*haret> ?$/);
    await page.page.locator('#keys button', { hasText: 'up' }).tap();
    await page.untilText(/haret> enter test-ns$/);
    const columns = (): Promise<number> => page.page.evaluate('document.querySelector(".xterm-rows").offsetWidth');
    const before = await columns();
    await page.page.setViewportSize({ width: 800, height: 390 });
    await expect.poll(columns).toBeGreaterThan(before + 200);
    await page.untilText(/haret> enter test-ns$/);
    await page.shoot('tab-phone-lying');
    await page.close();
  });

  it('goes back in time and forward again, and a link shows another person exactly this', async () => {
    const page = await opened();
    await page.type('enter test-ns');
    await page.type('create counter /n');
    await page.type('counter incr /n');
    await page.type('sim crash primary');
    await page.untilHappened(/view 2: r\d is primary/);
    await page.page.locator('#play').click();
    await expect.poll(() => page.page.locator('#play').innerText()).toBe('play');
    const clock = await page.page.locator('.clock').innerText();
    await expect.poll(() => page.page.url()).toContain(`at=${/event (\d+)/.exec(clock)![1]}`);
    const [url, happened, text] = [page.page.url(), await page.happened(), await page.text()];

    const other = await PlaygroundPage.open(browser, url);
    expect(await other.happened()).toBe(happened);
    expect(await other.text()).toBe(text);
    expect(await other.page.locator('.clock').innerText()).toBe(clock);
    expect(await other.nodes()).toEqual(await page.nodes());
    await other.close();

    await page.page.locator('#timeline button', { hasText: 'counter incr /n' }).click();
    await expect.poll(() => page.happened()).not.toMatch(/crashes/);
    await page.untilText(/haret> create counter \/n\nOk\n[^]*Num = 1/);
    await page.shoot('tab-back-in-time');
    await page.page.locator('#play').click();
    await page.untilHappened(/counter incr \/n[^]*crashes[^]*view 2: r\d is primary/);
    expect(await page.happened()).toContain(happened);
    await page.close();
  });

  it('follows a seed of the simulator to its end', async () => {
    const page = await opened({}, '#seed=7&simulator=3000');
    expect(await page.page.locator('[aria-label=Speed]').inputValue()).toBe('1');
    await page.page.selectOption('[aria-label=Speed]', '400');
    await page.page.locator('#play').click();
    await page.untilHappened(/heal[^]*the seed passed: \d+ committed, trace [0-9a-f]{8}/);
    // From there the user gets to a cluster of his own.
    await page.page.getByRole('button', { name: 'new seed' }).click();
    await expect.poll(() => page.page.locator('#status').innerText()).toMatch(/a whole cluster in this tab/);
    await page.page.locator('#terminal').click();
    expect(await page.type('enter test-ns')).toMatch(/Primary = name/);
    await page.close();
  });

  it('says when another build made a link', async () => {
    const page = await opened({}, '#build=0.0.1-old&seed=3&nodes=5&at=10');
    await expect.poll(() => page.page.locator('#status').innerText()).toMatch(/made by build 0\.0\.1-old/);
    expect((await page.nodes()).length).toBe(5);
    await page.shoot('tab-five');
    await page.close();
  });

  it('tells its stories to their ends', async () => {
    const page = await opened();
    await page.page.selectOption('#stories', 'partition');
    await page.untilText(/blob put \/truth old\nOk\n[^]*haret> ?$/);
    await page.page.getByRole('button', { name: 'next', exact: true }).click();
    await page.untilHappened(/a partition: n\d here[^]*view 2: r\d is primary/);
    await page.page.getByRole('button', { name: 'next', exact: true }).click();
    // The old primary, which also has the value, does not answer. The terminal goes to a node that may answer, while
    // the network is still split.
    await page.untilText(/haret> blob get \/truth\nold\n[^\n]*View = 2\b/);
    expect(await page.happened()).not.toMatch(/mended/);
    await page.shoot('tab-story');
    await page.page.getByRole('button', { name: 'next', exact: true }).click();
    await page.untilHappened(/everything is mended/);
    await page.page.getByRole('button', { name: 'leave and continue' }).click();
    await page.page.locator('#terminal').click();
    expect(await page.type('blob put /truth new')).toMatch(/^Ok\n/);
    await page.close();
  });

  it('works on a narrow screen', async () => {
    const page = await opened({ viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true });
    expect(await page.type('enter test-ns')).toMatch(/Primary = name: "r\d"/);
    await page.type('create set /s');
    const wide = await page.page.evaluate<number>('document.documentElement.scrollWidth');
    expect(wide).toBeLessThanOrEqual(360);
    await page.shoot('tab-narrow');
    await page.page.locator('.node.primary').scrollIntoViewIfNeeded();
    await page.shoot('tab-narrow-picture');
    await page.page.locator('.node.primary').tap();
    await page.untilHappened(/crashes[^]*view 2: r\d is primary/);
    await page.close();
  });

  it('works with the keyboard alone', async () => {
    const page = await opened();
    await page.type('enter test-ns');
    await page.page.keyboard.press('Shift+Tab');
    const focused = (): Promise<string> => page.page.evaluate<string>('document.activeElement.innerText');
    expect(await focused()).toBe('help');
    for (let presses = 0; presses < 40 && !/^r\d\s+primary/.test(await focused()); presses++)
      await page.page.keyboard.press('Shift+Tab');
    expect(await focused()).toMatch(/^r\d\s+primary/);
    await page.page.keyboard.press('Enter');
    await page.untilHappened(/crashes[^]*view 2: r\d is primary/);
    await page.close();
  });

  it('has no serious barriers, dark or light', async () => {
    for (const colorScheme of ['dark', 'light'] as const) {
      const page = await opened({ colorScheme });
      await page.type('enter test-ns');
      await page.type('create set /some/set');
      await page.page.locator('.link').first().click();
      await page.page.locator('.node.backup').first().click();
      await page.page.locator('#mode-other').click();
      await page.page.locator('#address').fill('nowhere');
      await page.page.keyboard.press('Enter');
      await page.page.waitForTimeout(300);
      await page.shoot(`tab-broken-${colorScheme}`);
      expect(await page.barriers()).toEqual([]);
      await page.close();
    }
  });

  it('draws five nodes and a thousand messages a second smoothly, and drops no key', async () => {
    const page = await opened();
    await page.page.keyboard.type('sim nodes 5\n');
    await expect.poll(async () => (await page.nodes()).length).toBe(5);
    await page.type('enter test-ns');
    await page.type(`sim load ${loadWrites}`);
    const flights = async (): Promise<number> => (await page.drawn()).flights;
    const before = await flights();
    await expect.poll(flights, { timeout: 20_000 }).toBeGreaterThan(before + 1000);
    const began = await page.drawn();
    const beganMs = performance.now();
    const typed = 'counter get /load/1 '.repeat(3).trim();
    await page.page.keyboard.type(typed, { delay: 50 });
    const ended = await page.drawn();
    const seconds = (performance.now() - beganMs) / 1000;
    await page.untilText(new RegExp(`haret> ${typed}$`));
    await page.shoot('tab-load');
    // Even after many commits, the faults stay visible.
    expect(await page.happened()).toMatch(/clients write 1200 times a second(\n[\d.]+\s*op \d+ committed.*){1,5}$/);
    const frames = (ended.frames - began.frames) / seconds;
    const messages = (ended.flights - began.flights) / seconds;
    report(`five nodes under load: ${frames.toFixed(0)} frames and ${messages.toFixed(0)} messages a second`);
    expect(frames).toBeGreaterThan(leastFrames);
    expect(messages).toBeGreaterThan(leastMessages);
    await page.close();
  });

  it('simulates at full speed', async () => {
    const page = await opened();
    await page.type('enter test-ns');
    await page.type('sim speed 100000');
    const [began, beganMs] = [await page.event(), performance.now()];
    await expect.poll(() => page.event(), { timeout: 30_000, interval: 100 }).toBeGreaterThan(began + 150_000);
    const rate = ((await page.event()) - began) / ((performance.now() - beganMs) / 1000);
    report(`full speed: ${rate.toFixed(0)} events a second`);
    expect(rate).toBeGreaterThan(leastEvents);
    await page.close();
  });

  it('is small although the whole cluster is in it', () => {
    const page = readdirSync(builtPlayground).filter((name) => !/^(node-mode|.*worker.*)\.js$/.test(name));
    // A user who watches a run of the simulator downloads its worker, and not the worker of the cluster with a
    // terminal.
    for (const worker of ['worker.js', 'seed-worker.js']) {
      const packed = [...page, worker].map((name) => gzipSync(readFileSync(join(builtPlayground, name))).length);
      const total = packed.reduce((sum, size) => sum + size, 0);
      report(`the page with ${worker}: ${total} bytes`);
      expect(total).toBeLessThan(mostPacked);
    }
  });

  it('works from a file, and asks no server for anything', async () => {
    const page = await PlaygroundPage.open(browser, pathToFileURL(join(builtPlayground, 'index.html')).href);
    expect(await page.type('enter test-ns')).toMatch(/Primary = name: "r\d"/);
    expect(page.requests.filter((url) => !/^(file|blob|data):/.test(url))).toEqual([]);
    await page.close();
  });
});
