/** A reader leaves a watch in the middle of its snapshot, and goes on where `watch.op` says. */

import { text } from '../../../browser-client/index.ts';
import { namespaceName } from '../../stage/stage.ts';
import { within } from '../../stage/tools/waiting.ts';
import type { Trial } from '../../stage/trial.ts';

const keys = 600;
const bytes = 4000;

export const trial = {
  name: 'snapshot-resumed',
  sentence:
    'A watch that is left after the first page of its snapshot, and resumed where its `op` says, misses nothing, or says that there is nothing to resume.',
  short: true,
  limitMs: 120_000,
  async play(stage) {
    const cluster = await stage.cluster(1);
    const haret = await stage.client(cluster.nodes);
    const namespace = haret.namespace(namespaceName);
    const paths = Array.from({ length: keys }, (_, i) => `/k${i}`);
    await Promise.all(paths.map((path) => namespace.blob(path, text).create('x'.repeat(bytes))));
    stage.acknowledged = keys;
    // At every place where a reader may leave, including after a mark of progress, which does not end the snapshot.
    let left = 0;
    for (const pages of [1, 2, 3]) {
      const known = new Set<string>();
      const before: (number | null)[] = [];
      const watch = namespace.watch('/', { from: 'snapshot', progress: true });
      let whole = false;
      before.push(watch.op);
      for (let page = 0; page < pages && !whole; page++) {
        const { value } = await within('a page', 10_000, watch.next());
        if (value?.kind === 'snapshot') {
          for (const { path } of value.changes) known.add(path);
          whole = value.last;
        }
        before.push(watch.op);
      }
      await watch.return();
      if (whole) break;
      left++;
      const { op } = watch;
      stage.step(`left after ${pages} pages with ${known.size} of ${keys} keys; watch.op was ${before.join(', ')}`);
      if (op === null) continue;
      // It may be resumed. Then what is missing must come before a write that is made now.
      const resumed = namespace.watch('/', { from: { after: op } });
      const marker = `/marker-${pages}`;
      await namespace.blob(marker, text).create('m');
      while (!known.has(marker)) {
        const { value } = await within('the marker', 10_000, resumed.next());
        if (value !== undefined) for (const { path } of value.changes) known.add(path);
      }
      await resumed.return();
      const missed = paths.filter((path) => !known.has(path)).length;
      stage.demand(missed === 0, `resumed after op ${op}: ${missed} of ${keys} keys were never told`);
    }
    stage.demand(left > 0, 'the snapshot has several pages');
    const found = await Promise.all(paths.map((path) => namespace.blob(path, text).size()));
    stage.present = found.filter((size) => size === bytes).length;
  },
} as const satisfies Trial;
