/** Many connections that read nothing, each of them within what one connection may leave unread. */

import { wait } from '../../stage/tools/waiting.ts';
import { trialOf } from '../attack.ts';
import { putLarge } from '../tools/filling.ts';
import { Raw } from '../tools/raw.ts';

const connections = 30;
const reads = 50;

export const trial = trialOf({
  name: 'unread-share',
  sentence: `${connections} connections ask for ${reads} MiB each and read nothing: what waits for all of them together has a bound.`,
  short: false,
  clue: /does not read|slow|wait to be read|memory/i,
  prepare: ({ stage, nodes }) => putLarge(stage, nodes),
  async attack({ stage, nodes, afterwards }) {
    const raws: Raw[] = [];
    for (let i = 0; i < connections; i++) {
      const raw = await Raw.open(stage, nodes[1]!.api);
      raw.pause();
      raw.say(Array.from({ length: reads }, () => raw.readMessage({ kind: 'blobGet', path: '/large' })));
      raws.push(raw);
    }
    stage.step(`${connections} connections have asked for ${connections * reads} MiB`);
    afterwards(() => {
      for (const raw of raws) raw.close();
    });
    await wait(3000);
  },
});
