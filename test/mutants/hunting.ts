/** Builds a mutant outside of the work tree, and lets the simulators look for it in a separate process. */

import { build } from 'esbuild';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Mutant } from './mutant.ts';
import { edited } from './mutant.ts';

export interface Found {
  /** The rule that it broke, or null when it survived. */
  readonly what: string | null;
  /** The seed that found it. If none did, the last seed. */
  readonly seed: number;
  /** Seconds of processor time. */
  readonly seconds: number;
}

/**
 * A seed that takes this many seconds of real time hangs, however busy the machine is. Lack of progress also counts as
 * a broken rule.
 */
const hangSeconds = 240;

/** The sources of a mutant, by absolute path. @throws when the table no longer fits the sources. */
export function sourcesOf(root: string, { edits }: Pick<Mutant, 'edits'>): ReadonlyMap<string, string> {
  const sources = new Map<string, string>();
  for (const edit of edits) {
    const path = resolve(root, edit.file);
    sources.set(path, edited(sources.get(path) ?? readFileSync(path, 'utf8'), edit));
  }
  return sources;
}

/** Bundles the hunt with these sources, and with all others unchanged, and runs it. */
export async function hunt(
  root: string,
  mutant: Pick<Mutant, 'edits' | 'by' | 'damage' | 'wish'>,
  firstSeed: number,
  seconds: number,
): Promise<Found> {
  const sources = sourcesOf(root, mutant);
  const directory = mkdtempSync(join(tmpdir(), 'haret-mutant-'));
  try {
    const outfile = join(directory, 'hunt.mjs');
    await build({
      entryPoints: [join(root, 'test/mutants/hunt.ts')],
      outfile,
      bundle: true,
      platform: 'node',
      target: 'node20',
      format: 'esm',
      logLevel: 'error',
      // Here, workloads of tests run outside of vitest.
      alias: { vitest: join(root, 'test/mutants/expect.ts') },
      plugins: [
        {
          name: 'mutant',
          setup: (bundle) => {
            bundle.onLoad({ filter: /\.ts$/ }, ({ path }) => {
              const contents = sources.get(path);
              return contents === undefined ? undefined : { contents, loader: 'ts' };
            });
          },
        },
      ],
    });
    return await run(outfile, [
      mutant.by,
      String(firstSeed),
      String(seconds),
      mutant.damage ?? '',
      JSON.stringify(mutant.wish ?? {}),
    ]);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function run(program: string, args: readonly string[]): Promise<Found> {
  const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  let errors = '';
  return new Promise((done, fail) => {
    const kill = (): boolean => child.kill('SIGKILL');
    let timer = setTimeout(kill, hangSeconds * 1000);
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text;
      // Another seed has begun.
      clearTimeout(timer);
      timer = setTimeout(kill, hangSeconds * 1000);
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
    child.on('error', fail);
    child.on('close', (_code, signal) => {
      clearTimeout(timer);
      const last = out.trim().split('\n').at(-1) ?? '';
      if (last.startsWith('{')) done(JSON.parse(last) as Found);
      else if (signal === 'SIGKILL')
        done({ what: `a seed did not end in ${hangSeconds} s`, seed: Number(last), seconds: hangSeconds });
      else fail(new Error(`the hunt ended without a result: ${errors.slice(0, 2000)}`));
    });
  });
}
