/** The stories are true. Each is played to its end, while the reader presses next at different moments. */

import { describe, expect, it } from 'vitest';
import { stories } from '../../playground/stories.ts';
import { emptyScript } from '../../playground/cluster/script.ts';
import { Driver } from './driver.ts';

/** What the last command of a story prints first, and what must have happened before. */
const ends: Readonly<Record<string, { readonly prints: string; readonly happens: RegExp }>> = {
  write: { prints: '1', happens: /op \d+ committed by r\d and r\d/ },
  failover: { prints: '42', happens: /n\d crashes[^]*view 2: r\d is primary[^]*n\d starts/ },
  partition: { prints: 'old', happens: /a partition[^]*view 2: r\d is primary[^]*everything is mended/ },
  power: { prints: '2', happens: /n1 loses its power[^]*n3 starts[^]*is primary/ },
  disk: { prints: 'Ok', happens: /the disk of n3 is slow[^]*op \d+ committed by r1 and r2/ },
  once: { prints: '1', happens: /the connection of the terminal breaks/ },
};

describe('the stories', () => {
  for (const story of stories) {
    it(`play to their end: ${story.title}`, async () => {
      const end = ends[story.id];
      expect(end, `what ${story.id} comes to`).toBeDefined();
      for (const patienceEvents of [40, 150, 400]) {
        const driver = new Driver(emptyScript(story.seed, story.nodes));
        for (const [index, { types, breaks }] of story.steps.entries()) {
          for (const line of types ?? []) await driver.begin(line);
          for (const line of breaks ?? []) await driver.sim(line);
          // Where the next step breaks something, the reader did not wait until this step had ended.
          const inTheMiddle = story.steps[index + 1]?.breaks !== undefined && (types ?? []).length === 1;
          // A command does not wait for ever. A reader who takes more than ten seconds of virtual time sees it time
          // out.
          await driver.run(inTheMiddle ? patienceEvents : driver.cluster.busy ? 400 : 3000);
        }
        await driver.idle();
        expect(driver.printed().at(-1)).toMatch(new RegExp(`^${end!.prints}\n`));
        expect(driver.said().join('\n')).toMatch(end!.happens);
      }
    });
  }
});
