/** Two living processes have the same whole identity, because a volume was copied or a deployment overlaps. */

import { counterCheck } from '../../stage/tools/counting.ts';
import { namespaceName, shown } from '../../stage/stage.ts';
import { Writer } from '../../stage/tools/writer.ts';
import { comes } from '../../stage/tools/waiting.ts';
import type { Trial } from '../../stage/trial.ts';

const path = '/n';
const clientId = { id: 'the-one', incarnation: '5a'.repeat(16) };
/** Long enough for a claim, its answer and whatever follows. */
const settleMs = 8000;
const watchedMs = 4000;

export const trial = {
  name: 'one-identity',
  sentence:
    'Of two living processes with one identity, one goes on undisturbed, and the other is told so, for good and with what to do.',
  short: false,
  limitMs: 120_000,
  async play(stage) {
    const cluster = await stage.cluster(1);
    const haret = await stage.client(cluster.nodes);
    await haret.namespace(namespaceName).counter(path).create();
    const options = {
      urls: cluster.nodes.map(({ api }) => api),
      namespace: namespaceName,
      path,
      clientId,
      stallMs: 0,
      callTimeoutMs: 5000,
    };
    const first = await Writer.start(stage, options);
    await comes(15_000, () => Promise.resolve(first.acknowledged > 20));
    const alone = first.acknowledged;
    stage.demand(alone > 20, `the first process writes: ${shown(first.stderr)}`);
    stage.step('a second process begins with the same identity');
    const second = await Writer.start(stage, options);
    await comes(15_000, () => Promise.resolve(second.lines.length > 0));
    const settled = Date.now() + settleMs;
    await comes(settleMs + 5000, () => Promise.resolve(Date.now() > settled));
    const end = settled + watchedMs;
    await comes(watchedMs + 5000, () => Promise.resolve(Date.now() > end));
    const writers = [first, second].map(({ lines }) => ({
      all: lines.filter(({ ok }) => ok).length,
      late: lines.filter(({ at, ok }) => ok && at > settled && at <= end).length,
      errors: lines.filter(({ ok }) => !ok),
    }));
    for (const [i, { all, late, errors }] of writers.entries()) {
      for (const { code, outcome, message } of errors) stage.noteRefusal(`${code} (${outcome}): ${message}`);
      stage.step(
        `process ${i + 1}: ${all} writes, ${late} of them in the last ${watchedMs / 1000} s, ${errors.length} refusals`,
      );
    }
    first.stop();
    second.stop();
    stage.acknowledged = writers.reduce((sum, { all }) => sum + all, 0);
    const going = writers.filter(({ late }) => late > 0);
    stage.demand(
      going.length === 1,
      `after ${settleMs / 1000} s ${going.length} of the two processes write; it should be one`,
    );
    const undisturbed = Math.max(...writers.map(({ late }) => late));
    stage.demand(
      undisturbed > 40,
      `the process that has the identity made ${undisturbed} writes in ${watchedMs / 1000} s`,
    );
    const told = writers.find(({ late }) => late === 0)?.errors.at(-1);
    stage.demand(told !== undefined && told.outcome !== 'unknown', 'the other one is told so, definitely');
    stage.present = await counterCheck(
      stage,
      cluster.nodes,
      path,
      writers.map(({ all }) => all),
      writers.map(({ errors }) => errors.filter(({ outcome }) => outcome === 'unknown').length),
    );
  },
} as const satisfies Trial;
