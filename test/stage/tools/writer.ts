/** Runs {@link WriterOptions | writers} beside a trial. */

import type { Stage } from '../stage.ts';
import { bundleOfTest } from './bundles.ts';
import { beside } from './programs.ts';
import type { Beside } from './programs.ts';
import type { WriterLine, WriterOptions } from './writer-program.ts';

export class Writer {
  readonly #program: Beside;

  private constructor(program: Beside) {
    this.#program = program;
  }

  static async start(stage: Stage, options: WriterOptions): Promise<Writer> {
    const program = await bundleOfTest('test/stage/tools/writer-program.ts');
    return new Writer(beside(stage, process.execPath, [program, JSON.stringify(options)]));
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
