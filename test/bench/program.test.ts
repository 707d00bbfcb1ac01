import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const program = 'test/.output/bench/bench.js';
let directory: string;

/** Runs the bench where none of the other systems can be found. */
function bench(...args: string[]): { status: number | null; out: string; err: string } {
  const env = { ...process.env, PATH: directory };
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, '--dir', directory, ...args], {
    env,
    encoding: 'utf8',
    timeout: 20_000,
  });
  return { status, out: stdout, err: stderr };
}

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'haret-bench-test-'));
  await build({
    entryPoints: ['bench/bench.ts'],
    outfile: program,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    packages: 'external',
  });
});

afterAll(() => rmSync(directory, { recursive: true }));

describe('the program', () => {
  it('leaves out what is not installed and says so', () => {
    const { status, out, err } = bench('--only', 'etcd,zookeeper', '--zookeeper-jar', join(directory, 'none.jar'));
    expect(err).toContain('etcd is left out: it is not installed');
    expect(out).toContain('etcd: left out, it is not installed');
    expect(out).toContain('zookeeper: left out, there is no');
    expect(err).toContain('none of the systems is installed');
    expect(status).toBe(1);
  });

  it('says in one line what is wrong with a node that does not start, and leaves nothing behind', () => {
    const broken = join(import.meta.dirname, 'broken-node.mjs');
    const { status, err } = bench('--only', 'haret', '--haret', broken, '--quick');
    expect(err).toMatch(/haret's node \d ended before it was asked to/);
    expect(err).toContain('this program never works');
    expect(status).toBe(1);
    expect(readdirSync(directory)).toEqual([]);
  });

  it('explains itself', () => {
    expect(bench('--help')).toMatchObject({ status: 0, err: '' });
    const { status, err } = bench('--outstanding', 'many');
    expect(status).toBe(2);
    expect(err).toContain("bench: --outstanding: 'many' is not a number from 1 to 100000");
  });
});
