/** Many idle groups cost their nodes little, and react at once when something happens. @module-tag slow */

import { describe, expect, it } from 'vitest';
import { Story } from './story.ts';

const nodes = ['n1', 'n2', 'n3'];
const names = Array.from({ length: 20 }, (_, i) => `tenant${i}`);

function idle(): Story {
  const story = new Story(3);
  story.world.found([]);
  for (const name of names) story.done(story.create(name, nodes));
  story.settle();
  story.pass(3000);
  return story;
}

/** Which replica is the primary of which group, according to the replicas themselves. */
function primaries(story: Story): string[] {
  return story.world.nodes.flatMap(({ name, node }) =>
    (node?.view().replicas ?? []).filter((one) => one.isPrimary).map((one) => `${one.identity.namespace} ${name}`),
  );
}

describe('idle groups', () => {
  it('send their heartbeats together, and no more frames than one group would', () => {
    const story = idle();
    const { counters } = story.world.network;
    const before = counters.delivered;
    story.pass(10_000);
    // Each node sends ten a second to each of the two others, however many primaries it has. The answers go with them
    // or separately.
    expect(counters.delivered - before).toBeLessThan(10 * 1.5 * 60);
  });

  it('keep their primaries', () => {
    const story = idle();
    const before = primaries(story);
    story.pass(60_000);
    expect(primaries(story)).toEqual(before);
    expect(before.filter((lead) => lead !== '')).toHaveLength(names.length + 1);
  });

  it('notice that a primary is gone as soon as busy groups do', () => {
    const story = idle();
    const [id, name] = primaries(story)
      .find((lead) => !lead.startsWith('0 '))!
      .split(' ') as [string, string];
    story.node(name).pause();
    // Suspicion takes a second and up to half a second more. A vote, a round trip and a sync take much less than
    // another second.
    story.until('another primary', () => primaries(story).filter((lead) => lead.startsWith(`${id} `)).length > 1, 2500);
  });
});
