/** Runs haret's built programs as users do: with arguments, input and exit status, and collects their output. */

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const packageRoot = resolve(dirname(fileURLToPath(import.meta.url)), '../..');

export interface Ran {
  readonly status: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The bundle of a program. @throws when it is not built, because integration tests run what users run. */
export function bundleOf(program: 'haret' | 'haret-admin' | 'haret-cli-client'): string {
  const file = join(packageRoot, 'dist', 'bin', `${program}.js`);
  if (!existsSync(file)) throw new Error(`${file} is not there; run npm run build first`);
  return file;
}

/** Runs a program to its end. It is killed when that takes longer than `timeoutMs`. */
export async function run(
  program: 'haret' | 'haret-admin' | 'haret-cli-client',
  args: readonly string[],
  options: { readonly input?: string; readonly cwd?: string; readonly timeoutMs?: number } = {},
): Promise<Ran> {
  const child = spawn(process.execPath, [bundleOf(program), ...args], {
    cwd: options.cwd ?? packageRoot,
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, NO_COLOR: '1' },
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString('utf8')));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString('utf8')));
  child.stdin.on('error', () => undefined);
  child.stdin.end(options.input ?? '');
  const timeout = setTimeout(() => child.kill('SIGKILL'), options.timeoutMs ?? 30_000);
  return new Promise((resolveRan, reject) => {
    child.on('error', reject);
    child.on('close', (status, signal) => {
      clearTimeout(timeout);
      resolveRan({ status, signal, stdout, stderr });
    });
  });
}
