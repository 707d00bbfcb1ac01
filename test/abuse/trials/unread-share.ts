/** Many connections that read nothing, each of them within what one connection may leave unread. */

import { bytes } from '../../../browser-client/index.ts';
import { namespaceName } from '../../stage/stage.ts';
import { trialOf, wait } from '../attack.ts';
import { Raw } from '../tools/raw.ts';

const connections = 30;
const reads = 50;

export const trial = trialOf({
  name: 'unread-share',
  sentence: `${connections} connections ask for ${reads} MiB each and read nothing: what waits for all of them together has a bound.`,
  short: false,
  clue: /does not read|slow|wait to be read|memory/i,
  async prepare({ stage, nodes }) {
    const haret = await stage.client(nodes);
    await haret
      .namespace(namespaceName)
      .blob('/large', bytes)
      .put(new Uint8Array(1024 * 1024 - 100));
    await haret.close();
  },
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
