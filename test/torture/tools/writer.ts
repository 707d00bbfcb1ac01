/** Runs {@link WriterOptions | writers} beside a trial. */

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { packageRoot } from '../../integration/programs.ts';
import type { Stage } from '../stage.ts';
import { beside } from './programs.ts';
import type { Beside } from './programs.ts';
import type { WriterLine, WriterOptions } from './writer-program.ts';

let bundled: Promise<string> | null = null;

async function bundle(): Promise<string> {
  const outfile = join(packageRoot, 'test/.output/torture-writer.mjs');
  mkdirSync(join(packageRoot, 'test/.output'), { recursive: true });
  const entry = join(packageRoot, 'test/torture/tools/writer-program.ts');
  await build({
    entryPoints: [entry],
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    outfile,
    logLevel: 'warning',
  });
  return outfile;
}

export class Writer {
  readonly #program: Beside;

  private constructor(program: Beside) {
    this.#program = program;
  }

  static async start(stage: Stage, options: WriterOptions): Promise<Writer> {
    bundled ??= bundle();
    return new Writer(beside(stage, process.execPath, [await bundled, JSON.stringify(options)]));
  }

  get lines(): WriterLine[] {
    return this.#program.lines.map((line) => JSON.parse(line) as WriterLine);
  }

  get stderr(): string {
    return this.#program.stderr;
  }

  get acknowledged(): number {
    return this.lines.filter(({ ok }) => ok).length;
  }

  stop(): void {
    this.#program.stop();
  }
}
