/** A client whose own event loop stalls, at a node that falls silent. */

import { namespaceName, shown } from '../../stage/stage.ts';
import { counterCheck } from '../../stage/tools/counting.ts';
import { primaryNode } from '../../stage/tools/nodes.ts';
import { comes } from '../../stage/tools/waiting.ts';
import { Writer } from '../../stage/tools/writer.ts';
import type { Trial } from '../../stage/trial.ts';

const path = '/n';
const progressMs = 15_000;

export const trial = {
  name: 'stalling-client',
  sentence:
    'A client whose event loop stalls for 350 ms of each second gives up a node that went silent, and goes on through the others.',
  short: false,
  limitMs: 180_000,
  async play(stage) {
    const cluster = await stage.cluster(3);
    const haret = await stage.client(cluster.nodes);
    await haret.namespace(namespaceName).counter(path).create();
    const primary = await primaryNode(cluster);
    const urls = [primary, ...cluster.nodes.filter((node) => node !== primary)].map(({ api }) => api);
    const writer = await Writer.start(stage, {
      urls,
      namespace: namespaceName,
      path,
      stallMs: 350,
      callTimeoutMs: 5000,
    });
    await comes(20_000, () => Promise.resolve(writer.acknowledged > 10));
    stage.demand(writer.acknowledged > 10, `the client writes: ${shown(writer.stderr)}`);
    primary.pause();
    const before = writer.acknowledged;
    const began = performance.now();
    stage.step(`${primary.name}, where the client is, is paused after ${before} writes`);
    const goesOn = await comes(progressMs, () => Promise.resolve(writer.acknowledged > before + 5));
    stage.step(
      `${writer.acknowledged - before} writes in the ${((performance.now() - began) / 1000).toFixed(1)} s since then`,
    );
    stage.demand(goesOn, `a client that stalls has not gone on in ${progressMs / 1000} s, though two nodes serve`);
    primary.resume();
    writer.stop();
    const { lines } = writer;
    for (const { ok, code, outcome, message } of lines) if (!ok) stage.noteRefusal(`${code} (${outcome}): ${message}`);
    const unknown = lines.filter(({ outcome }) => outcome === 'unknown').length;
    stage.acknowledged = writer.acknowledged;
    stage.present = await counterCheck(stage, cluster.nodes, path, [writer.acknowledged], [unknown]);
  },
} as const satisfies Trial;
