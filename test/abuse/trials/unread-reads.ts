/** One small frame asks for gigabytes, and nobody reads them. */

import { comes } from '../../stage/tools/waiting.ts';
import { trialOf } from '../attack.ts';
import { putLarge } from '../tools/filling.ts';
import { Raw } from '../tools/raw.ts';

const reads = 4000;

export const trial = trialOf({
  name: 'unread-reads',
  sentence: `One frame asks ${reads} times for a value of a mebibyte and reads no answer: that connection is closed, and nobody else notices.`,
  short: false,
  clue: /does not read|slow/i,
  prepare: ({ stage, nodes }) => putLarge(stage, nodes),
  async attack({ stage, nodes }) {
    const raw = await Raw.open(stage, nodes[1]!.api);
    raw.pause();
    const messages = Array.from({ length: reads }, () => raw.readMessage({ kind: 'blobGet', path: '/large' }));
    stage.step(`a frame of ${raw.say(messages)} bytes asks for ${reads} MiB`);
    // A socket that is paused does not hear that the other end has closed.
    await comes(8000, async () => ((await nodes[1]!.metric('haret_api_refused_total')) ?? 0) > 0);
    raw.resume();
    await comes(4000, () => Promise.resolve(raw.closed !== null));
    stage.step(raw.closed === null ? 'the connection is open' : `the connection was closed with ${raw.closed}`);
    stage.demand(raw.closed !== null, 'a connection that asks for gigabytes and reads nothing stays');
  },
});
