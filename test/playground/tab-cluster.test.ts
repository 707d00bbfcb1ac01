/**
 * The cluster in the tab, without a page. It prints what every terminal prints, and the same script gives the same run.
 */

import { describe, expect, it } from 'vitest';
import { NobleHash } from '../../core/base/noble-hash.ts';
import { runSeed } from '../../core/sim/run.ts';
import { emptyScript, fragmentOf, readFragment } from '../../playground/cluster/script.ts';
import { SeedCluster } from '../../playground/cluster/seed-cluster.ts';
import { Driver } from './driver.ts';
import { goldenSessions } from '../shell/golden.ts';
import { expectedTranscript, runGolden } from '../shell/transcript.ts';

describe('the cluster in the tab', () => {
  it('prints what every terminal prints', async () => {
    for (const session of goldenSessions) {
      const driver = new Driver(emptyScript(1, 3));
      const transcript = await runGolden(session, (line) => driver.type(line));
      expect(transcript).toBe(expectedTranscript(session));
    }
  });

  it('loses its primary, finds another one, and keeps what was written', async () => {
    const driver = new Driver(emptyScript(7, 3));
    await driver.type('enter test-ns');
    await driver.type('create blob /a');
    await driver.type('blob put /a hello');
    expect(await driver.type('sim crash primary')).toMatch(/^n\d crashes\n$/);
    expect(await driver.type('blob get /a')).toMatch(/^hello\n/);
    const said = driver.said().join('\n');
    expect(said).toMatch(/r\d suspects r\d/);
    expect(said).toMatch(/view \d+: r\d is primary/);
    expect(said).toMatch(/op \d+ committed by r\d and r\d/);
  });

  it('runs the same script as the same run, from a link, and back and forth', async () => {
    const first = new Driver(emptyScript(42, 5));
    await first.type('enter test-ns');
    await first.type('create counter /n');
    await first.sim('sim partition primary');
    await first.type('counter incr /n');
    await first.run(500);
    await first.sim('sim heal');
    await first.run(3000);

    const link = fragmentOf({ script: first.cluster.script, at: first.cluster.events, build: 'test' });
    const shared = readFragment(link)!;
    expect(shared.script).toEqual(first.cluster.script);
    const again = new Driver(shared.script);
    await again.until(() => again.cluster.events >= shared.at);
    expect(again.said()).toEqual(first.said());
    expect(again.cluster.transcript).toEqual(first.cluster.transcript);
    expect(again.cluster.frame().nodes).toEqual(first.cluster.frame().nodes);
    expect(await again.type('counter get /n')).toBe(await first.type('counter get /n'));
  });

  it('obeys typed commands about its time, except while a script is played again', async () => {
    const driver = new Driver(emptyScript(7, 3));
    expect(await driver.type('sim speed 25')).toBe('done: speed\n');
    expect(await driver.type('sim nodes 5')).toBe('done: nodes\n');
    await driver.type('connect 127.0.0.1:2002');
    expect(driver.asked.map((action) => action.kind)).toEqual(['speed', 'nodes', 'connect']);
    const again = new Driver(driver.cluster.script);
    await again.until(() => again.cluster.transcript.length === 3 && !again.cluster.busy);
    expect(again.asked).toEqual([]);
  });

  it('takes admin commands, as every node does', async () => {
    const driver = new Driver(emptyScript(7, 3));
    expect(await driver.type('cluster status')).toMatch(
      /^cluster [0-9a-f]{32}\n(n\d@n\d:1 +api n\d:3 +participating.*\n){3}/,
    );
    expect(await driver.type('vr primary test-ns')).toMatch(/^test-ns::r\d::n\d@n\d:1\n/);
    expect(await driver.type('vr replica test-ns::r2::n2')).toMatch(/^replica: +test-ns::r2::n2@n2:1\nprimary: /);
    expect(await driver.type('vr create namespace more r1::n1@n1:1,r2::n2@n2:1,r3::n3@n3:1')).toBe('ok\n');
    expect(await driver.type('enter more')).toMatch(/Primary = name/);
    const again = new Driver(driver.cluster.script);
    await again.until(() => again.cluster.events >= driver.cluster.events && !again.cluster.busy);
    expect(again.cluster.transcript).toEqual(driver.cluster.transcript);
  });

  it('completes without touching the run', async () => {
    const driver = new Driver(emptyScript(3, 3));
    await driver.type('enter test-ns');
    await driver.type('create set /some/set');
    const events = driver.cluster.events;
    const { candidates } = await driver.cluster.complete('set insert /so', 14);
    expect(candidates.map((one) => one.insert)).toEqual(['/some/']);
    expect((await driver.cluster.tree()).map((row) => row.path)).toEqual(['/some', '/some/set']);
    expect(driver.cluster.events).toBe(events);
  });

  it('follows a run of the simulator to its end, event for event', () => {
    // In the first two of these, all nodes heal at once. In the last two, some node stays dead for a while.
    for (const seed of [1, 5, 2, 3]) {
      const lines: string[] = [];
      const report = runSeed({ seed, events: 4000, hash: new NobleHash(), trace: (line) => lines.push(line) });
      const { script } = readFragment(`#seed=${seed}&simulator=4000`)!;
      const cluster = new SeedCluster(script, script.simulator!);
      while (cluster.report === null) cluster.step();
      expect(cluster.report).toEqual(report);
      const struck = lines.map((line) => line.slice(line.indexOf(' ') + 1));
      const faults = struck.filter((text) => !/^(debug|info|warn|error) /.test(text));
      const seen = cluster.notes.filter((note) => note.kind === 'fault').map((note) => note.text);
      expect(seen.length).toBeGreaterThan(0);
      // Before that the simulator starts its nodes, which is not shown here.
      expect(seen).toEqual(faults.slice(-seen.length));
      expect(cluster.notes.at(-1)!.text).toBe(
        `the seed passed: ${report.committed} committed, trace ${report.trace.toString(16).padStart(8, '0')}`,
      );
    }
  });

  it('takes nothing from a link that is not valid', () => {
    expect(readFragment('')).toBeNull();
    expect(readFragment('#seed=x')).toBeNull();
    expect(readFragment('#seed=1&do=nonsense')).toBeNull();
    expect(readFragment('#seed=5&nodes=4')?.script).toEqual(emptyScript(5, 3));
  });
});
