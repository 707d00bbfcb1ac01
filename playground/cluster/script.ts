/**
 * The inputs of a run of the cluster in the tab: its seed, its size, and what was typed and broken at which event.
 * Together with the build they decide the whole run, so a link contains them.
 */

/** `typed` goes to the terminal's shell, and `sim` past it. `interrupt` is Ctrl-C. */
export interface ScriptEntry {
  /** How many events of the world ran before it. */
  readonly at: number;
  readonly kind: 'typed' | 'sim' | 'interrupt';
  readonly line: string;
}

export interface Script {
  readonly seed: number;
  readonly nodes: number;
  readonly entries: readonly ScriptEntry[];
  /** For a run of the simulator: its events until everything heals. Its seed decides everything else. */
  readonly simulator?: number;
}

export const defaultNodes = 3;
export const maxNodes = 5;
/** How many characters of a link's fragment are read. A longer one is not a link of ours. */
const maxFragment = 64 * 1024;
const maxEntries = 4096;

export function emptyScript(seed: number, nodes: number): Script {
  return { seed, nodes, entries: [] };
}

/** A link: a run, the event to show, and the build that made it. */
export interface Shared {
  readonly script: Script;
  readonly at: number;
  readonly build: string;
}

const kindLetters = { typed: 't', sim: 's', interrupt: 'i' } as const;
const letterKinds = { t: 'typed', s: 'sim', i: 'interrupt' } as const;

/** The fragment of a link, without its `#`. It is plain text, so that a person can read what it does. */
export function fragmentOf(shared: Shared): string {
  const { script, at, build } = shared;
  const parameters = new URLSearchParams({
    build,
    seed: String(script.seed),
    nodes: String(script.nodes),
    at: String(at),
  });
  if (script.simulator !== undefined) parameters.set('simulator', String(script.simulator));
  for (const { at: event, kind, line } of script.entries)
    parameters.append('do', `${event}${kindLetters[kind]}${line}`);
  return parameters.toString();
}

/** Reads a link's fragment. Null when it is not one of ours. */
export function readFragment(fragment: string): Shared | null {
  if (fragment.length > maxFragment) return null;
  const parameters = new URLSearchParams(fragment.replace(/^#/, ''));
  const seed = whole(parameters.get('seed'));
  if (seed === null) return null;
  const nodes = whole(parameters.get('nodes')) ?? defaultNodes;
  const entries: ScriptEntry[] = [];
  for (const text of parameters.getAll('do').slice(0, maxEntries)) {
    const [, event, letter, line] = /^(\d{1,15})([tsi])(.*)$/s.exec(text) ?? [];
    if (event === undefined || letter === undefined) return null;
    entries.push({ at: Number(event), kind: letterKinds[letter as keyof typeof letterKinds], line: line ?? '' });
  }
  entries.sort((a, b) => a.at - b.at);
  const simulator = whole(parameters.get('simulator'));
  const size = nodes === maxNodes ? maxNodes : defaultNodes;
  return {
    script: simulator === null ? { seed, nodes: size, entries } : { seed, nodes: size, entries: [], simulator },
    at: whole(parameters.get('at')) ?? 0,
    build: parameters.get('build') ?? '',
  };
}

function whole(text: string | null): number | null {
  return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : null;
}
