// Bundles the programs into dist/bin. Types are checked by `tsc -b`; this only has to be quick, because `npm ci` runs it.
import { build } from 'esbuild';
import { chmodSync, existsSync } from 'node:fs';

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

// npx runs the clone's own programs as files.
for (const [name] of present) chmodSync(`dist/bin/${name}.js`, 0o755);
