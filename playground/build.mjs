// Bundles the playground into a directory of static files: plain scripts, so that the page also works from a file.
import { build } from 'esbuild';
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** What runs in a page of the last two years. */
const target = ['chrome120', 'firefox120', 'safari17'];

/** What the SDK has of its own in a page, in the place of what it has anywhere. */
const inPages = {
  name: 'in pages',
  setup({ onResolve }) {
    onResolve({ filter: /^\.\/host\.ts$/ }, ({ resolveDir }) => ({ path: resolve(resolveDir, 'page-host.ts') }));
  },
};

/** @param {string} outdir its files are replaced one by one: a node may serve them meanwhile. */
export async function buildPlayground(outdir) {
  mkdirSync(outdir, { recursive: true });
  const common = { bundle: true, minify: true, target, format: 'iife', legalComments: 'none', logLevel: 'warning' };
  const sources = {};
  for (const worker of ['worker', 'seed-worker']) {
    const built = await build({
      ...common,
      entryPoints: [`playground/cluster/${worker}.ts`],
      alias: { superjson: './playground/cluster/no-superjson.ts' },
      write: false,
    });
    sources[worker] = built.outputFiles[0].text;
  }
  // A run is the same only under the same simulator: its code names the build.
  const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
  const hash = createHash('sha256').update(Object.values(sources).join('\n'));
  const name = `${version}-${hash.digest('hex').slice(0, 8)}`;
  for (const [worker, source] of Object.entries(sources)) {
    writeFileSync(join(outdir, `${worker}.js`), source);
    const kept = `(window.haretWorkerSources??={})[${JSON.stringify(worker)}]=${JSON.stringify(source)};\n`;
    writeFileSync(join(outdir, `${worker}-source.js`), kept);
  }
  await build({
    ...common,
    entryPoints: { playground: 'playground/main.ts' },
    outdir,
    define: { haretBuild: JSON.stringify(name) },
    // xterm.js is most of this script, and long private names are a fifth of it: it is all in here, so they can be shortened.
    mangleProps: /^_[^_]/,
  });
  await build({
    ...common,
    // The SDK as pages have it: it speaks text.
    plugins: [inPages],
    entryPoints: { 'node-mode': 'playground/node-mode.ts', style: 'playground/playground.css' },
    outdir,
    loader: { '.woff2': 'file' },
    assetNames: '[name]',
  });
  copyFileSync('playground/index.html', join(outdir, 'index.html'));
}
