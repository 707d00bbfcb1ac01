/**
 * Chromium for the playground's tests, as packaged by Debian, and a page as its user sees it: what is typed, and what
 * the terminal shows.
 */

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import axe from 'axe-core';
import type { AxeResults } from 'axe-core';
import { chromium } from 'playwright';
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright';
import { expect } from 'vitest';
import { packageRoot } from '../integration/programs.ts';

export const builtPlayground = join(packageRoot, 'dist', 'playground');
const executablePath = '/usr/bin/chromium';
const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
const patienceMs = 20_000;
const prompt = 'haret> ';
const shots = join(packageRoot, 'test', '.output', 'playground');

/** Starts Chromium. If a machine lacks it, and we are root there, it is installed from the distribution. */
export async function startBrowser(): Promise<Browser> {
  if (!existsSync(executablePath)) {
    const options = { stdio: 'ignore' as const, env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } };
    execFileSync('apt-get', ['update'], options);
    execFileSync('apt-get', ['install', '-y', '--no-install-recommends', 'chromium'], options);
  }
  return await chromium.launch({ executablePath, args: flags });
}

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.woff2': 'font/woff2',
};

/** Serves only the built files, like a web server that does not know haret. */
export async function serveStatic(): Promise<{ readonly url: string; close(): Promise<void> }> {
  const server: Server = createServer((request, response) => {
    const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
    const file = join(builtPlayground, path === '/' ? 'index.html' : path.slice(1));
    if (!existsSync(file)) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, { 'Content-Type': types[extname(file)] ?? 'application/octet-stream' });
    response.end(readFileSync(file));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        // A browser opens connections that it does not use, and `close` alone waits a minute for each.
        server.closeAllConnections();
      }),
  };
}

/** Measurements are for people who read the log of the tests. */
export function report(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** A page of the playground. Errors in the page make its test fail. */
export class PlaygroundPage {
  readonly page: Page;
  /** Errors of scripts and of the console, and requests that the policy refused. */
  readonly problems: string[] = [];
  readonly requests: string[] = [];

  private constructor(page: Page, expected: RegExp) {
    this.page = page;
    page.on('pageerror', (error) => this.problems.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error' && !expected.test(message.text())) this.problems.push(message.text());
    });
    page.on('request', (request) => this.requests.push(request.url()));
  }

  /** @param expected errors of the console that the test expects, such as of a node that is gone. */
  static async open(
    browser: Browser,
    url: string,
    options: BrowserContextOptions = {},
    expected = /^$/,
  ): Promise<PlaygroundPage> {
    const context = await browser.newContext({ viewport: { width: 1400, height: 860 }, ...options });
    const opened = new PlaygroundPage(await context.newPage(), expected);
    await opened.page.goto(url);
    await opened.untilText(/haret> ?$/);
    return opened;
  }

  get context(): BrowserContext {
    return this.page.context();
  }

  async text(): Promise<string> {
    return await this.page.evaluate<string>('window.haretTerminalText?.() ?? ""');
  }

  async untilText(pattern: RegExp, timeoutMs = patienceMs): Promise<void> {
    await expect.poll(() => this.text(), { timeout: timeoutMs, interval: 20 }).toMatch(pattern);
  }

  /** Pastes into the terminal, from a clipboard for which the test needs no permission. */
  async paste(text: string): Promise<void> {
    await this.page.evaluate(`{
      const clipboardData = new DataTransfer();
      clipboardData.setData('text/plain', ${JSON.stringify(text)});
      const target = document.querySelector('.xterm-helper-textarea');
      target.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true }));
    }`);
  }

  /** Enters a line, key by key or as one paste, and returns what it printed. */
  async type(line: string, how: 'keys' | 'pasted' = 'keys'): Promise<string> {
    const before = await this.text();
    const prompts = before.split('\n').filter((row) => row.startsWith(prompt.trim())).length;
    if (how === 'keys') await this.page.keyboard.type(`${line}\n`);
    else await this.paste(`${line}\n`);
    const done = async (): Promise<boolean> => {
      const rows = (await this.text()).split('\n');
      const now = rows.filter((row) => row.startsWith(prompt.trim())).length;
      return now > prompts && rows.at(-1)?.trim() === prompt.trim();
    };
    await expect.poll(done, { timeout: patienceMs, interval: 20 }).toBe(true);
    const after = await this.text();
    const start = after.lastIndexOf(`\n${prompt}${line}`.trimEnd(), after.lastIndexOf(`\n${prompt.trim()}`) - 1);
    const typedAt = start < 0 ? 0 : start + 1;
    const firstBreak = after.indexOf('\n', typedAt);
    return after.slice(firstBreak + 1, after.lastIndexOf('\n') + 1);
  }

  /** What was drawn so far: frames of the picture, and messages in them. */
  async drawn(): Promise<{ readonly frames: number; readonly flights: number }> {
    return await this.page.evaluate('window.haretDrawn()');
  }

  /** The present event of the tab's cluster. */
  async event(): Promise<number> {
    return Number(/event (\d+)/.exec(await this.page.locator('.clock').innerText())![1]);
  }

  /** The texts of the nodes in the picture, in their order. */
  async nodes(): Promise<readonly string[]> {
    return await this.page.locator('.node').allInnerTexts();
  }

  async happened(): Promise<string> {
    return (await this.page.locator('#timeline li').allInnerTexts()).join('\n');
  }

  async untilHappened(pattern: RegExp): Promise<void> {
    await expect.poll(() => this.happened(), { timeout: patienceMs, interval: 50 }).toMatch(pattern);
  }

  /** Saves a screenshot for people, in a folder that git ignores. */
  async shoot(name: string): Promise<void> {
    mkdirSync(shots, { recursive: true });
    await this.page.screenshot({ path: join(shots, `${name}.png`) });
  }

  /** The problems that axe finds serious or worse. */
  async barriers(): Promise<readonly string[]> {
    await this.page.evaluate(axe.source);
    const { violations } = await this.page.evaluate<AxeResults>('axe.run(document)');
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html.slice(0, 120)).join(' | ')}`);
  }

  async close(): Promise<void> {
    await this.page.context().close();
    expect(this.problems).toEqual([]);
  }
}
