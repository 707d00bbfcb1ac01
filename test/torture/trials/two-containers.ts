/**
 * Two containers are given one volume. The second has a process namespace of its own, and cannot see the first's
 * process.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../../integration/cluster-process.ts';
import { bundleOf, run } from '../../integration/programs.ts';
import { namespaceName, shown, Unplayable } from '../../stage/stage.ts';
import { Ledger } from '../../stage/tools/ledger.ts';
import { beside } from '../../stage/tools/programs.ts';
import { within } from '../../stage/tools/waiting.ts';
import type { Trial } from '../../stage/trial.ts';

const unshare = ['--pid', '--fork', '--kill-child', '--mount-proc'];

export const trial = {
  name: 'two-containers',
  sentence:
    'A second process, in another process namespace, cannot see that the first is alive. It does not take the data directory.',
  short: true,
  limitMs: 120_000,
  async play(stage) {
    const probe = beside(stage, 'unshare', [...unshare, 'true']);
    if ((await probe.ended).status !== 0) throw new Unplayable(`unshare needs root: ${shown(probe.stderr)}`);
    const cluster = await stage.cluster(1);
    const first = cluster.node(0);
    const ledger = new Ledger(stage);
    const haret = await stage.client([first]);
    await ledger.writeMany(haret.namespace(namespaceName), 20);

    const file = join(first.directory, 'second.toml');
    const api = `127.0.0.1:${await freePort()}`;
    const config = readFileSync(first.configFile, 'utf8')
      .replace(first.cluster, `127.0.0.1:${await freePort()}`)
      .replace(first.admin, `127.0.0.1:${await freePort()}`)
      .replace(first.api, api);
    writeFileSync(file, config);
    stage.step('a second process is started on the same directory, in a process namespace of its own');
    const second = beside(stage, 'unshare', [
      ...unshare,
      process.execPath,
      bundleOf('haret'),
      'start',
      '--config',
      file,
    ]);
    const started = async (): Promise<boolean> => {
      for (;;) {
        const { status } = await run('haret-cli-client', [api, '--ns', namespaceName, '--timeout', '1s', '-e', 'ls']);
        if (status === 0) return true;
      }
    };
    const outcome = await within(
      'the second process',
      20_000,
      Promise.race([started(), second.ended.then(({ status }) => status)]),
    );
    if (outcome === true) {
      stage.fault('the second process runs and serves on a directory that the first one holds');
      const put = ['--ns', namespaceName, '-e', 'create blob /second --value x'];
      const { status } = await run('haret-cli-client', [api, ...put]);
      if (status === 0) stage.step('and both acknowledge writes');
      second.stop();
    } else {
      stage.step(`the second process ended with status ${outcome}`);
      stage.noteRefusal(second.stderr.trim());
      stage.demand(outcome === 1, 'the second process ends with status 1');
      stage.demand(
        second.stderr.includes('data directory'),
        'the second process says that it is about the data directory',
      );
    }
    await ledger.writeMany(haret.namespace(namespaceName), 20);
    stage.step('the first process is killed and started again');
    await first.kill();
    await first.start();
    await first.untilHttp('/ready');
    await ledger.check(cluster.nodes);
    await stage.judgeProcesses(cluster.nodes);
  },
} as const satisfies Trial;
