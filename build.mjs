// Builds what `npm ci` and `npm pack` need: the programs in dist/bin, the playground in dist/playground, and the
// package's entry points in dist/lib (Node) and dist/browser, with their types.
import { build } from 'esbuild';
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { relative, resolve } from 'node:path';
import { buildPlayground } from './playground/build.mjs';

const programs = {
  haret: 'node-server/haret.ts',
  'haret-admin': 'node-server/haret-admin.ts',
  'haret-cli-client': 'node-server/haret-cli-client.ts',
  sim: 'node-server/sim.ts',
  bench: 'bench/bench.ts',
};

const present = Object.entries(programs).filter(([, source]) => existsSync(source));

await build({
  entryPoints: Object.fromEntries(present),
  outdir: 'dist/bin',
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'esm',
  packages: 'external',
  sourcemap: true,
  banner: { js: '#!/usr/bin/env node' },
  logLevel: 'warning',
});

// npx runs a clone's own programs as files.
for (const [name] of present) chmodSync(`dist/bin/${name}.js`, 0o755);

await buildPlayground('dist/playground');

// The names of shared files change with their content, so the files of the last build must not be packed.
for (const old of ['dist/lib', 'dist/browser']) rmSync(old, { recursive: true, force: true });

// The SDK's entry points. A module over the core connection is a line here (CONTRIBUTING.md, "An entry point of the SDK").
const library = {
  index: 'browser-client/index.ts',
  core: 'browser-client/core.ts',
  coordination: 'browser-client/coordination.ts',
  react: 'browser-client/react.ts',
  testing: 'browser-client/testing.ts',
};

// What entry points share is in files of its own, so that a HaretError is the same class in all of them.
const shared = { bundle: true, splitting: true, format: 'esm', sourcemap: true, logLevel: 'warning' };

await build({
  ...shared,
  entryPoints: { ...library, server: 'node-server/server.ts' },
  outdir: 'dist/lib',
  platform: 'node',
  target: 'node20',
  packages: 'external',
});

/** Replaces modules by others, given by their names or paths from here. An object goes to esbuild as it is. */
function inPlaceOf(modules) {
  return {
    name: 'in place of',
    setup({ onResolve }) {
      onResolve({ filter: /./ }, ({ path, resolveDir }) => {
        const name = path.startsWith('.') ? relative(import.meta.dirname, resolve(resolveDir, path)) : path;
        const instead = modules[name];
        return typeof instead === 'string' ? { path: resolve(import.meta.dirname, instead) } : instead;
      });
    },
  };
}

// Everything that it needs is in it, so that a page without a bundler can import it; but a page has a React of its own.
const page = {
  ...shared,
  outdir: 'dist/browser',
  platform: 'browser',
  target: 'es2022',
  external: ['react'],
  minify: true,
};

// Names between our own classes, which are in no message, no answer and no interface of the browser: shortened (400 bytes gzip).
const onlyOurs = new RegExp(
  '^(\\w+AtMs|arrived|avoid|bytesAt|channel|continuedIn|deadlineMs|defaultRead|disconnected|doubt|earlyMessages|endAll|endSoon|' +
    'engine|enqueue|estimate|executor|failures|finished|hurry|idIn|isCurrent|lastRefusal|limitFrames|look|lostBy|maxFrameMessages|mayTry|moveOn|' +
    'moveTo|newId|onDown|onLost|onMoveFailed|onOversized|onSettled|onWake|oversized|paging|queued|recheck|registering|releaseUpTo|' +
    'requestNumber|requestTimeoutMs|resetting|resting|retireOthers|sendAll|sendPing|sentAnswered|takeUp|timed|timeoutOf|torn|unreachable|' +
    'unresolved|violation|writeSession)$',
);

const { testing, react, ...pages } = library;
await build({
  ...page,
  entryPoints: { ...pages, errors: 'core/base/errors.ts' },
  // Fields are assigned, not defined: there is nothing between here and Object that would see the difference (100 bytes gzip).
  tsconfigRaw: { compilerOptions: { useDefineForClassFields: false } },
  mangleProps: onlyOurs,
  // A page speaks text. The binary forms are left out: they would be a seventh of what a page with one blob loads. What is made for thousands
  // of calls a second is left out too (600 bytes gzip). test/base/pages.test.ts compares what takes its place.
  plugins: [
    inPlaceOf({
      'core/base/schema.ts': 'core/base/checks.ts',
      'core/base/error-schema.ts': 'core/base/error-checks.ts',
      'core/base/numbered.ts': 'core/base/numbered-page.ts',
      'core/base/base64.ts': 'browser-client/page-base64.ts',
      'core/base/utf8-length.ts': 'browser-client/page-utf8-length.ts',
      'core/client/deadlines.ts': 'core/client/deadlines-page.ts',
      'browser-client/host.ts': 'browser-client/page-host.ts',
    }),
  ],
});

/** Has an entry point stand as a file of its own, which another one imports. */
const apart = (name) => ({ path: `./${name}.js`, external: true });

// Hooks and the simulated cluster are built apart. Sharing chunks with them would put what a page loads into an order that packs worse
// (260 bytes gzip); and the cluster speaks everything. Their live values are core's, and their errors the page's.
await build({
  ...page,
  entryPoints: { react },
  plugins: [inPlaceOf({ 'browser-client/core.ts': apart('core'), 'core/base/errors.ts': apart('errors') })],
});
await build({ ...page, entryPoints: { testing }, plugins: [inPlaceOf({ 'core/base/errors.ts': apart('errors') })] });

const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
const types = spawnSync(process.execPath, [tsc, '-b', 'browser-client', 'node-server'], { stdio: 'inherit' });
if (types.status !== 0) process.exit(types.status ?? 1);
