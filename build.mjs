// Builds what `npm ci` and `npm pack` need: the programs in dist/bin, the playground in dist/playground, and the
// package's entry points in dist/lib (Node) and dist/browser, with their types.
import { build } from 'esbuild';
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readFileSync, rmSync } from 'node:fs';
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

const library = {
  index: 'browser-client/index.ts',
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

/**
 * What a page does not need of a library that it carries: instances and names that nothing here uses, and addresses for
 * the library's developers.
 */
const spared = {
  'superjson/dist/index.js': [
    [/SuperJSON\.defaultInstance = [\s\S]*?(?=export default)/, ''],
    [/export const serialize = [\s\S]*$/, ''],
    [/stringify\(object\)[\s\S]*?(?=registerCustom\()/, ''],
    [/allowErrorProps\(\.\.\.props\)[\s\S]*?\}/, ''],
    [/this\.allowedErrorProps = \[\];/, ''],
  ],
  'superjson/dist/transformer.js': [
    [/ - check https:[^`]*/, ''],
    [/superJson\.allowedErrorProps\.forEach\(.*\s.*\s*\}\);/, ''],
    [/superJson\.allowedErrorProps\.forEach\(.*\s.*\s*\}\);/, ''],
    [/\(clazz, superJson\) => \{\s*const identifier[\s\S]*?\}(?=,)/, 'null'],
    [/\(clazz, superJson\) => \{\s*const allowedProps[\s\S]*?return result;\s*\}/, 'null'],
    // An engine that knows this client's syntax has BigInt, Object.values and find.
    [/if \(typeof BigInt [\s\S]*?(return BigInt\(v\);)[\s\S]*?return v;/, '$1'],
  ],
  'superjson/dist/util.js': [
    [/function valuesOfObj[\s\S]*?(?=export function find)/, ''],
    [/const values = valuesOfObj\(record\);[\s\S]*?return undefined;/, 'return Object.values(record).find(predicate);'],
  ],
  // No class and no symbol is ever registered, so none is written. When something read names one, it is refused.
  'superjson/dist/class-registry.js': [
    [/this\.classToAllowedProps = new Map\(\);/, ''],
    [/register\(value, options\)[\s\S]*?getAllowedProps\(value\) \{[^}]*\}/, ''],
  ],
  'superjson/dist/registry.js': [[/register\(value, identifier\)[\s\S]*?(?=getIdentifier)/, '']],
  'superjson/dist/double-indexed-kv.js': [
    [/set\(key, value\)[\s\S]*?(?=getByKey)/, ''],
    [/clear\(\) \{[^}]*\}/, ''],
  ],
  'superjson/dist/plainer.js': [[/\. This is a prototype pollution risk[^`]*/, '']],
};
const spare = {
  name: 'spare',
  setup({ onLoad }) {
    onLoad({ filter: /superjson.dist.\w+\.js$/ }, ({ path }) => {
      let contents = readFileSync(path, 'utf8');
      const [, edits = []] = Object.entries(spared).find(([file]) => path.replaceAll('\\', '/').endsWith(file)) ?? [];
      for (const [what, instead] of edits) {
        if (!what.test(contents)) throw new Error(`${path} has no ${what}: this is another release of the library, so adapt build.mjs to it`);
        contents = contents.replace(what, instead);
      }
      return { contents };
    });
  },
};

// The page's file contains everything that it needs, so that a page without a bundler can import it. Only React comes
// from the page.
const page = {
  ...shared,
  outdir: 'dist/browser',
  platform: 'browser',
  target: 'es2022',
  external: ['react'],
  minify: true,
};

const { testing, ...small } = library;
const privateNames = JSON.parse(readFileSync('browser-client/page/private-names.json', 'utf8'));
await build({
  ...page,
  entryPoints: { ...small, errors: 'core/base/errors.ts' },
  // Fields are assigned, not defined. No class between here and Object would see the difference.
  tsconfigRaw: { compilerOptions: { useDefineForClassFields: false } },
  // Properties that no user, message or browser knows by name get short names. isomorphic-ws looks for a WebSocket in
  // all of these places. Where it is not a global, it is in none of them either. Our code says `globalThis`.
  define: Object.fromEntries(['MozWebSocket', 'global', 'window', 'self'].map((name) => [name, 'undefined'])),
  mangleProps: new RegExp(`^(${Object.values(privateNames).flat().join('|')})$`),
  // A page speaks text, so the binary forms stay out.
  plugins: [
    spare,
    inPlaceOf({
      'core/base/schema.ts': 'core/base/checks.ts',
      'core/base/error-schema.ts': 'core/base/error-checks.ts',
      'core/base/base64.ts': 'browser-client/page/base64.ts',
      'core/base/error-details.ts': 'browser-client/page/error-details.ts',
      'core/base/hex.ts': 'browser-client/page/hex.ts',
      'core/base/numbered.ts': 'browser-client/page/numbered.ts',
      'core/base/utf8.ts': 'browser-client/page/utf8.ts',
      'browser-client/host.ts': 'browser-client/page/host.ts',
      'copy-anything': 'browser-client/page/copy.ts',
    }),
  ],
});

await build({
  ...page,
  // The simulated cluster speaks all codecs. Its errors are still the page's.
  entryPoints: { testing },
  plugins: [inPlaceOf({ 'core/base/errors.ts': { path: './errors.js', external: true } })],
});

const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
const types = spawnSync(process.execPath, [tsc, '-b', 'browser-client', 'node-server'], { stdio: 'inherit' });
if (types.status !== 0) process.exit(types.status ?? 1);
