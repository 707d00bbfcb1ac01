// Bundles the playground into a directory of static files: plain scripts, so that the page also works from a file.
import { build } from 'esbuild';
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** The browsers of the last two years. */
const target = ['chrome120', 'firefox120', 'safari17'];

/** Replaces the SDK's host by the one for pages. */
const inPages = {
  name: 'in pages',
  setup({ onResolve }) {
    onResolve({ filter: /^\.\/host\.ts$/ }, ({ resolveDir }) => ({ path: resolve(resolveDir, 'page-host.ts') }));
  },
};

/** @param {string} outdir Its files are replaced one by one, because a node may serve them at the same time. */
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
  // A run is the same only with the same simulator, so its code names the build.
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
    // xterm.js is most of this script, and long private names are a fifth of it. All its code is in this script, so
    // they can be shortened.
    mangleProps: /^_[^_]/,
  });
  await build({
    ...common,
    // The SDK as pages use it, with the text codec.
    plugins: [inPages],
    entryPoints: { 'node-mode': 'playground/node-mode.ts', style: 'playground/playground.css' },
    outdir,
    loader: { '.woff2': 'file' },
    assetNames: '[name]',
  });
  copyFileSync('playground/index.html', join(outdir, 'index.html'));
}
