/**
 * The next type of leaf is only its own files and one line in each registry. The test adds one to a copy of the
 * sources. It works, and it does not compile without any one of the lines, nor with half of an operation.
 * @module-tag slow
 */

import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, describe, expect, it } from 'vitest';
import { Copy, mistakes, registries } from './copy.ts';

const copy = new Copy();
afterAll(() => copy.remove());

const patienceMs = 300_000;

describe('a new type of leaf', () => {
  it(
    'compiles with a line in each registry',
    () => {
      expect(copy.problems(false)).toEqual([]);
    },
    patienceMs,
  );

  it(
    'works in the service, in a snapshot, in the shell and in the SDK',
    async () => {
      const outfile = join(copy.directory, 'run.mjs');
      const entryPoints = [join(copy.directory, 'run.ts')];
      await build({ entryPoints, bundle: true, format: 'esm', platform: 'node', packages: 'external', outfile });
      expect(JSON.parse(execFileSync(process.execPath, [outfile], { encoding: 'utf8' }))).toEqual({
        replies: ['result', 'result', 'result', 'result', 'WrongType'],
        numbers: [7, 5],
        sameAgain: true,
        lines: [
          '0 Ok',
          '0 4',
          '0 4',
          '0 path:           /top',
          '0   max raise PATH N                             Raise the number at PATH to N, and print what it is then.',
        ],
        sdk: [0, 6, 6, 6, 6],
      });
    },
    patienceMs,
  );

  it(
    'does not compile without any one of the lines',
    () => {
      for (const addition of registries) {
        const putBack = copy.without(addition);
        expect(copy.problems(true), JSON.stringify(addition)).not.toEqual([]);
        putBack();
      }
    },
    patienceMs,
  );

  it(
    'does not compile when it is half built',
    () => {
      for (const mistake of mistakes) {
        const putBack = copy.spoil(mistake);
        expect(copy.problems(true), mistake.what).not.toEqual([]);
        putBack();
      }
    },
    patienceMs,
  );
});
