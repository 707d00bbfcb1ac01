import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import type { Results } from '../../bench/results.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const programs = 'test/.output/bench';
const program = `${programs}/bench.js`;
let directory: string;

/** Runs the bench where none of the other systems can be found. */
function bench(...args: string[]): { status: number | null; out: string; err: string } {
  const env = { ...process.env, PATH: directory };
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, '--dir', directory, ...args], {
    env,
    encoding: 'utf8',
    timeout: 50_000,
  });
  return { status, out: stdout, err: stderr };
}

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'haret-bench-test-'));
  await build({
    entryPoints: { bench: 'bench/bench.ts', haret: 'node-server/haret.ts' },
    outdir: programs,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    packages: 'external',
  });
});

afterAll(() => rmSync(directory, { recursive: true }));

describe('the program', () => {
  it('leaves out a system that is not installed, and says so', () => {
    const { status, out, err } = bench('--only', 'etcd,zookeeper', '--zookeeper-jar', join(directory, 'none.jar'));
    expect(err).toContain('etcd is left out: it is not installed');
    expect(out).toContain('etcd: left out, it is not installed');
    expect(out).toContain('zookeeper: left out, there is no');
    expect(err).toContain('none of the systems is installed');
    expect(status).toBe(1);
  });

  it('says in one line why a node does not start, and leaves no files or processes', () => {
    const broken = join(import.meta.dirname, 'broken-node.mjs');
    const { status, err } = bench('--only', 'haret', '--haret', broken, '--quick');
    expect(err).toMatch(/haret's node \d ended before it was asked to/);
    expect(err).toContain('this program never works');
    expect(status).toBe(1);
    expect(readdirSync(directory)).toEqual([]);
  });

  it('loads three nodes of haret with all workloads, reports what it measured, and ends them', () => {
    const json = 'test/.output/bench/results.json';
    const { status, out, err } = bench(
      ...['--only', 'haret', '--measures', 'load', '--json', json, '--keys', '50', '--value-bytes', '100'],
      ...['--outstanding', '16', '--connections', '2', '--rounds', '1', '--seconds', '0.1', '--heat', '0'],
    );
    expect(err).toContain('3 of 3: local-get, 16 outstanding over 2');
    expect(status).toBe(0);
    expect(out).toContain('haret: haret, default settings');
    const { load } = JSON.parse(readFileSync(json, 'utf8')) as Results;
    expect(load.map((point) => [point.target, point.workload, point.medians.errors])).toEqual([
      ['haret', 'put', 0],
      ['haret', 'get', 0],
      ['haret', 'local-get', 0],
    ]);
    for (const point of load) expect(point.medians.throughput).toBeGreaterThan(0);
    expect(readdirSync(directory)).toEqual([]);
  });

  it('explains itself', () => {
    expect(bench('--help')).toMatchObject({ status: 0, err: '' });
    const { status, err } = bench('--outstanding', 'many');
    expect(status).toBe(2);
    expect(err).toContain("bench: --outstanding: 'many' is not a number from 1 to 100000");
  });
});
