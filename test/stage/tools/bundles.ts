/** Bundles a program that runs beside a trial. */

import { mkdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { build } from 'esbuild';
import { packageRoot } from '../../integration/programs.ts';

const bundled = new Map<string, Promise<string>>();

/** The bundle of a TypeScript file, which is named from the root of the package. It is made once. */
export function bundleOfTest(source: string): Promise<string> {
  const known = bundled.get(source);
  if (known !== undefined) return known;
  const made = bundle(source);
  bundled.set(source, made);
  return made;
}

async function bundle(source: string): Promise<string> {
  const directory = join(packageRoot, 'test/.output');
  const outfile = join(directory, `${basename(source, '.ts')}.mjs`);
  mkdirSync(directory, { recursive: true });
  await build({
    entryPoints: [join(packageRoot, source)],
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    outfile,
    logLevel: 'warning',
  });
  return outfile;
}
