/** The entry points: each is built, exported and described, and has every type of node. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import * as haret from '../../browser-client/index.ts';
import { handles, makers } from '../../browser-client/kinds/index.ts';
import { packageRoot } from '../integration/programs.ts';
import { coreMakers, withoutHandle } from './exported.ts';

const read = (file: string): string => readFileSync(join(packageRoot, file), 'utf8');

describe('entry points', () => {
  it('have the handles of every type of node', () => {
    const exported: ReadonlySet<unknown> = new Set(Object.values(haret));
    for (const [type, one] of Object.entries(handles)) expect(exported.has(one), type).toBe(true);
    expect(withoutHandle).toEqual({});
    expect(coreMakers).toMatchObject(makers);
  });

  it('are built, exported for Node and browsers with their types, and in the reference', () => {
    const library = /const library = \{([\s\S]*?)\};/.exec(read('build.mjs'))![1]!;
    const built = [...library.matchAll(/(\w+): 'browser-client\/(\w+)\.ts'/g)].map(([, name, file]) => {
      expect(file).toBe(name);
      return name!;
    });
    expect(built).toContain('core');
    const { exports } = JSON.parse(read('package.json')) as { readonly exports: Record<string, unknown> };
    const { entryPoints } = JSON.parse(read('docs/typedoc.json')) as { readonly entryPoints: readonly string[] };
    for (const name of built) {
      expect(exports[name === 'index' ? '.' : `./${name}`], name).toEqual({
        types: `./dist/types/browser-client/${name}.d.ts`,
        browser: `./dist/browser/${name}.js`,
        default: `./dist/lib/${name}.js`,
      });
      expect(entryPoints).toContain(`../browser-client/${name}.ts`);
    }
  });
});
