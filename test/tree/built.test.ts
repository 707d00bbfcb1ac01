import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';

// Loaders differ on the default import of `sorted-btree`. So we try each way in which haret is built, where it runs.
const program = `
  import { Tree, treeLimitsOf } from './core/tree/tree.ts';
  import { defaultLimits } from './core/base/limits.ts';
  let tree = Tree.empty(treeLimitsOf(defaultLimits));
  for (let i = 0; i < 100; i++)
    tree = tree.apply({ kind: 'create', path: '/d/' + i, type: 'blob', value: null }, i + 1).tree;
  export const keys = tree.keys;
`;

describe('the built tree', () => {
  for (const packages of ['external', 'bundle'] as const) {
    it(`works in plain Node with packages: ${packages}`, async () => {
      const built = await build({
        stdin: { contents: program, resolveDir: process.cwd(), loader: 'ts' },
        bundle: true,
        format: 'esm',
        platform: 'node',
        packages,
        write: false,
      });
      const directory = mkdtempSync(
        join(packages === 'bundle' ? tmpdir() : join(process.cwd(), 'node_modules'), 'tree-'),
      );
      try {
        const file = join(directory, 'tree.mjs');
        writeFileSync(file, built.outputFiles[0]!.contents);
        const script = `import(${JSON.stringify(pathToFileURL(file).href)}).then((m) => process.stdout.write(String(m.keys)))`;
        expect(execFileSync(process.execPath, ['-e', script], { encoding: 'utf8' })).toBe('101');
      } finally {
        rmSync(directory, { recursive: true });
      }
    });
  }
});
