/**
 * The page: it makes its parts and decides which cluster they show. A link with a run, or a page without a node, shows
 * the cluster in the tab.
 */

import type { ITheme } from '@xterm/xterm';
import { LineHistory } from '../core/shell/history.ts';
import { readAddress } from './address.ts';
import { readFragment } from './cluster/script.ts';
import { tabAddress } from './connect-command.ts';
import { makeButton } from './elements.ts';
import { Legend } from './legend.ts';
import { LogStrips } from './log-strips.ts';
import { byId } from './parts.ts';
import type { Mode, Parts } from './parts.ts';
import { Picture } from './picture.ts';
import { SessionList } from './session-list.ts';
import { TabMode } from './tab-mode.ts';
import { TerminalPane } from './terminal-pane.ts';
import { Timeline } from './timeline.ts';
import { TreeView } from './tree-view.ts';

/** The build sets its name, and the address of the worker or its source. */
declare const haretBuild: string;
declare global {
  interface Window {
    /** The sources of the workers by their names, for a page that was opened from a file and may not load any. */
    haretWorkerSources?: Record<string, string>;
    /** Shows a real cluster. It comes from its own script, which only a page with a node loads. */
    haretShowNode?: (parts: Parts, address: string, build: string, connect: (address: string) => void) => Mode;
    /** For tests: the terminal's text. */
    haretTerminalText?: () => string;
    /** For tests: how many frames were drawn, and how many messages in them. */
    haretDrawn?: () => { readonly frames: number; readonly flights: number };
  }
}

const historyKey = 'haret.history';
const themeKey = 'haret.theme';
const readerKey = 'haret.reader';
const keptLines = 500;
const fontPatienceMs = 400;

/** Storage of the browser. A page that may not store anything works without it. */
const kept = {
  get: (key: string): string | null => {
    try {
      return localStorage.getItem(key);
    } catch {
      return null;
    }
  },
  set: (key: string, value: string): void => {
    try {
      localStorage.setItem(key, value);
    } catch {
      // Private windows and full disks store nothing.
    }
  },
};

function openHistory(): LineHistory {
  const history = new LineHistory(keptLines);
  for (const line of (kept.get(historyKey) ?? '').split('\n')) history.add(line);
  history.onAdd = () => kept.set(historyKey, history.lines.join('\n'));
  return history;
}

function themeOf(): ITheme {
  const style = getComputedStyle(document.documentElement);
  const of = (name: string): string => style.getPropertyValue(`--${name}`).trim();
  return {
    background: of('ground'),
    foreground: of('text'),
    cursor: of('primary'),
    cursorAccent: of('ground'),
    selectionBackground: of('selection'),
    red: of('bad'),
    brightBlack: of('quiet'),
  };
}

async function start(): Promise<void> {
  const darkWanted = matchMedia('(prefers-color-scheme: dark)').matches;
  document.documentElement.dataset['theme'] = kept.get(themeKey) ?? (darkWanted ? 'dark' : 'light');
  const parts = await makeParts();
  const node = document.querySelector<HTMLMetaElement>('meta[name="haret-node"]')?.content ?? '';
  const wanted = new URLSearchParams(location.search).get('node');
  const given = wanted === null ? null : readAddress(wanted, location);
  const address = given !== null && 'address' in given ? given.address : node === '' ? null : location.host;
  let mode: Mode | null = null;
  const show = (next: () => Mode, name: string): void => {
    mode?.stop();
    mode = next();
    for (const [id, shown] of [
      ['mode-node', 'node'],
      ['mode-tab', 'tab'],
    ] as const) {
      byId(id).setAttribute('aria-pressed', String(name === shown));
    }
    byId('share').hidden = name !== 'tab';
    document.body.dataset['mode'] = name;
  };
  const showTab = (): void => {
    const shared = readFragment(location.hash);
    show(() => new TabMode(parts, { build: haretBuild, shared, startWorker, connect }), 'tab');
  };
  const showNode = async (at: string): Promise<void> => {
    if (window.haretShowNode === undefined) await load('node-mode.js');
    const showing = window.haretShowNode;
    if (showing === undefined) return;
    show(() => showing(parts, at, haretBuild, connect), 'node');
    nameNode(at);
  };
  /** Shows the cluster at an address that a user typed. @returns the problem in words, or null. */
  const connectTo = (text: string): string | null => {
    if (text.trim() === tabAddress) {
      showTab();
      return null;
    }
    const read = readAddress(text, location);
    if ('problem' in read) return read.problem;
    void showNode(read.address).then(() => parts.terminal.focus());
    return null;
  };
  const connect = (text: string): void => {
    // The command that asked for it must end first, because its terminal may then be gone.
    setTimeout(() => {
      const problem = connectTo(text);
      if (problem !== null) parts.terminal.interject(problem);
    }, 0);
  };
  makeConnecting(connectTo);
  byId('mode-tab').onclick = showTab;
  byId('share').onclick = () => {
    if (mode instanceof TabMode) void mode.link().then((link) => copy(link, byId('share')));
  };
  window.addEventListener('hashchange', () => {
    if (readFragment(location.hash) !== null) showTab();
  });
  byId('mode-node').onclick = (event) => {
    const { address: named } = (event.currentTarget as HTMLElement).dataset;
    if (named !== undefined) void showNode(named);
  };
  if (address !== null) nameNode(address);
  if (address === null || readFragment(location.hash) !== null) showTab();
  else await showNode(address);
  if (given !== null && 'problem' in given) parts.terminal.interject(given.problem);
  parts.terminal.focus();
}

/** Names the button that leads to a node, and the node in the page's address. */
function nameNode(address: string): void {
  const button = byId('mode-node');
  const own = address === location.host;
  button.hidden = false;
  button.textContent = own ? 'this node' : address;
  button.dataset['address'] = address;
  const query = new URLSearchParams(location.search);
  if (own) query.delete('node');
  else query.set('node', address);
  const search = query.size === 0 ? '' : `?${query.toString()}`;
  history.replaceState(null, '', location.pathname + search + location.hash);
}

/** The field for the address of another node. */
function makeConnecting(connectTo: (text: string) => string | null): void {
  const open = byId('mode-other');
  const form = byId('connecting') as HTMLFormElement;
  const field = byId('address') as HTMLInputElement;
  const problem = byId('address-problem');
  const show = (shown: boolean): void => {
    form.hidden = !shown;
    open.setAttribute('aria-expanded', String(shown));
    problem.textContent = '';
  };
  open.onclick = () => {
    const shown = form.hidden === false;
    show(!shown);
    if (!shown) field.focus();
  };
  form.onkeydown = (event) => {
    if (event.key !== 'Escape') return;
    show(false);
    open.focus();
  };
  form.onsubmit = (event) => {
    event.preventDefault();
    const why = connectTo(field.value);
    if (why === null) show(false);
    else problem.textContent = why;
  };
}

async function copy(text: string, button: HTMLElement): Promise<void> {
  const before = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = 'copied';
  } catch {
    button.textContent = 'it is in the address';
  }
  setTimeout(() => (button.textContent = before), 1500);
}

function startWorker(looks: boolean): Worker {
  const name = looks ? 'seed-worker' : 'worker';
  // A page from a file may not load a worker, but may run one whose source it has.
  const source = window.haretWorkerSources?.[name];
  if (source === undefined) return new Worker(`${name}.js`);
  return new Worker(URL.createObjectURL(new Blob([source], { type: 'text/javascript' })));
}

/** Runs another script of the build. Resolves when it ran, or cannot be loaded. */
async function load(source: string): Promise<void> {
  await new Promise<void>((resolve) => {
    const script = document.createElement('script');
    script.src = source;
    script.onload = () => resolve();
    script.onerror = () => resolve();
    document.head.append(script);
  });
}

async function makeParts(): Promise<Parts> {
  // The terminal measures its font once, when it opens.
  const font = document.fonts.load('14px "IBM Plex Mono"');
  await Promise.race([font, new Promise((resolve) => setTimeout(resolve, fontPatienceMs))]);
  if (location.protocol === 'file:') await Promise.all([load('worker-source.js'), load('seed-worker-source.js')]);
  const history = openHistory();
  const terminal = new TerminalPane(byId('terminal'), history, themeOf());
  window.haretTerminalText = () => terminal.text();
  const picture = new Picture(byId('picture'), byId('flights') as HTMLCanvasElement);
  window.haretDrawn = () => ({ ...picture.drawn });
  const logs = new LogStrips(byId('log-strips') as HTMLCanvasElement);
  const draw = (): void => {
    picture.draw();
    requestAnimationFrame(draw);
  };
  requestAnimationFrame(draw);
  makeKeys(terminal);
  makeSwitches(terminal, picture, logs);
  const status = byId('status');
  const sentence = byId('headline');
  return {
    terminal,
    history,
    picture,
    logs,
    legend: new Legend(byId('legend')),
    sessions: new SessionList(byId('sessions')),
    timeline: new Timeline(byId('timeline')),
    tree: new TreeView(byId('tree')),
    stage: byId('stage'),
    story: byId('story'),
    playback: byId('playback'),
    treeOf: byId('tree-of'),
    how: byId('how'),
    status: (text, bad) => {
      status.textContent = text;
      status.classList.toggle('bad', bad);
    },
    headline: (headline) => {
      const text = headline?.text ?? '';
      if (sentence.textContent === text) return;
      sentence.textContent = text;
      sentence.classList.toggle('bad', headline?.bad === true);
    },
    hints: (lines, type, first) => {
      const buttons = lines.map((line) =>
        makeButton(line, () => {
          type(line);
          terminal.focus();
        }),
      );
      const leading = makeButton(first.text, () => first.act());
      leading.className = 'primary';
      byId('hints').replaceChildren(leading, 'or type', ...buttons);
    },
  };
}

/** Keys that a phone lacks. */
function makeKeys(terminal: TerminalPane): void {
  const keys = [
    ['tab', '\t'],
    ['up', '\u001b[A'],
    ['down', '\u001b[B'],
    ['ctrl-c', '\u0003'],
    ['/', '/'],
  ] as const;
  for (const [name, sends] of keys) {
    byId('keys').append(makeButton(name, () => terminal.press(sends)));
  }
}

function makeSwitches(terminal: TerminalPane, picture: Picture, logs: LogStrips): void {
  const theme = byId('theme');
  const root = document.documentElement;
  const other = (): string => (root.dataset['theme'] === 'dark' ? 'light' : 'dark');
  theme.textContent = other();
  theme.onclick = () => {
    root.dataset['theme'] = other();
    kept.set(themeKey, root.dataset['theme'] ?? 'dark');
    theme.textContent = other();
    terminal.setTheme(themeOf());
    picture.readColours();
    logs.readColours();
  };
  const reader = byId('reader');
  const read = (on: boolean): void => {
    terminal.screenReader = on;
    reader.setAttribute('aria-pressed', String(on));
    kept.set(readerKey, on ? 'on' : 'off');
  };
  read(kept.get(readerKey) === 'on');
  reader.onclick = () => read(reader.getAttribute('aria-pressed') !== 'true');
}

void start();
