/** The package as its users get it: packed, installed in an empty project, imported by Node, type-checked, and bundled for a browser. */

import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../integration/programs.ts';

const execute = promisify(execFile);

/** Bytes of gzip that a page pays for all of the client, React apart, if it uses every part. */
const maxBundleBytes = 25_000;

interface Ran {
  readonly stdout: string;
  readonly stderr: string;
}

async function run(cwd: string, program: string, ...args: readonly string[]): Promise<Ran> {
  try {
    return await execute(program, args, { cwd, maxBuffer: 64 * 1024 * 1024 });
  } catch (error) {
    // The message of a failed program is its output, not that it failed.
    const { stdout = '', stderr = '' } = error as Partial<Ran>;
    throw new Error(`${program} ${args.join(' ')}\n${stdout}${stderr}`, { cause: error });
  }
}

describe('the packed package', () => {
  let project: string;
  let tarball: string;

  beforeAll(async () => {
    const root = mkdtempSync(join(tmpdir(), 'haret-package-'));
    // What is packed is what was built: the test command builds first.
    const { stdout } = await run(packageRoot, 'npm', 'pack', '--ignore-scripts', '--json', '--pack-destination', root);
    const [packed] = JSON.parse(stdout) as { readonly filename: string }[];
    tarball = join(root, packed!.filename);
    project = join(root, 'project');
    mkdirSync(project);
    writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'user', private: true, type: 'module' }));
    await run(project, 'npm', 'install', '--prefer-offline', '--no-audit', '--no-fund', tarball);
  }, 120_000);

  afterAll(() => {
    rmSync(join(project, '..'), { recursive: true, force: true });
  });

  it('holds the programs, the entry points with their types, and no source of a test', async () => {
    const { stdout } = await run(project, 'tar', '-tzf', tarball);
    const files = stdout.split('\n');
    for (const file of ['dist/bin/haret.js', 'dist/lib/index.js', 'dist/browser/index.js', 'LICENSE', 'README.md']) {
      expect(files).toContain(`package/${file}`);
    }
    expect(files.filter((file) => /\/(test|bench)\//.test(file))).toEqual([]);
  });

  it('is well made, as publint and arethetypeswrong see it', async () => {
    await run(packageRoot, 'npx', 'publint', 'run', tarball, '--strict');
    await run(packageRoot, 'npx', 'attw', tarball, '--profile', 'esm-only');
  });

  it('works in Node: one class of errors in all entry points, a node, a client, a simulated cluster', async () => {
    writeFileSync(
      join(project, 'main.js'),
      `import { HaretError, connect, text } from 'haret';
       import { inProcess, startServer } from 'haret/server';
       import { simulate } from 'haret/testing';
       const world = simulate();
       const simulated = await world.connect();
       await simulated.namespace('test').blob('/x', text).put('simulated');
       console.log(await simulated.namespace('test').blob('/x', text).get());
       const refused = await simulated.namespace('none').counter('/n').add().catch((error) => error);
       console.log(refused instanceof HaretError, refused.code);
       await world.close();
       const server = await startServer({ nodeName: 'one', dataDir: 'data' });
       await server.createNamespace('test');
       await server.createNamespace('test');
       for (const transport of [undefined, inProcess(server.accept)]) {
         const haret = await connect({ urls: server.addresses.api, transport });
         const counter = haret.namespace('test').counter('/n');
         console.log(await counter.add());
         await haret.close();
       }
       console.log(await server.stop());
      `,
    );
    const { stdout } = await run(project, process.execPath, 'main.js');
    expect(stdout).toBe('simulated\ntrue UnknownNamespace\n1\n2\ntrue\n');
  });

  it('is typed for those who check everything', async () => {
    writeFileSync(
      join(project, 'main.ts'),
      `import { connect, json } from 'haret';
       import type { Versioned } from 'haret';
       import { simulate } from 'haret/testing';
       const haret = await connect({ urls: ['ws://127.0.0.1:2002'] });
       const blob = haret.namespace('test').blob('/x', json<{ n: number }>());
       export const read: Versioned<{ n: number }> | undefined = await blob.read({ signal: AbortSignal.timeout(5) });
       export const cluster = simulate({ nodes: 3 });
      `,
    );
    const compilerOptions = {
      target: 'es2022',
      module: 'nodenext',
      lib: ['es2023', 'esnext.disposable', 'dom'],
      types: [],
      strict: true,
      noEmit: true,
    };
    writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['main.ts'] }));
    await run(project, process.execPath, join(packageRoot, 'node_modules/typescript/bin/tsc'), '-p', '.');
  });

  it('bundles for a browser, and is small there', async () => {
    writeFileSync(join(project, 'page.js'), `import * as haret from 'haret'; console.log(haret);`);
    const { outputFiles } = await build({
      entryPoints: [join(project, 'page.js')],
      bundle: true,
      minify: true,
      format: 'esm',
      platform: 'browser',
      target: 'es2022',
      write: false,
      logLevel: 'silent',
    });
    const [bundle] = outputFiles;
    expect(bundle!.text.includes('"node:')).toBe(false);
    const size = gzipSync(bundle!.contents, { level: 9 }).length;
    expect(size).toBeLessThan(maxBundleBytes);
    // Also without a bundler: what a page imports refers to nothing by a bare name.
    const page = readFileSync(join(project, 'node_modules/haret/dist/browser/index.js'), 'utf8');
    expect([...page.matchAll(/from\s*"([^"]+)"/g)].filter(([, name]) => !name!.startsWith('./'))).toEqual([]);
  });
});
