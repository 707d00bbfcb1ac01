/** A session with a lease is asked for a sign of life when it is silent for half of the lease (coordination §2). */

import { beforeEach, describe, expect, it } from 'vitest';
import { Prompts } from '../../core/cluster/clients/prompts.ts';
import type { PromptedConnection } from '../../core/cluster/clients/prompts.ts';

let prompts: Prompts;
let asked: string[];
const connection = (name: string): PromptedConnection => ({
  askWho: (namespaceId, session) => void asked.push(`${name} ${namespaceId}/${session}`),
});

beforeEach(() => {
  prompts = new Prompts();
  asked = [];
  prompts.tick(1000);
});

describe('prompts', () => {
  it('come once, after half of the lease, over the connection of the last keep-alive', () => {
    const [one, other] = [connection('one'), connection('other')];
    prompts.alive(one, 2, 7, 10_000);
    prompts.alive(one, 2, 8, 4000);
    prompts.tick(2999);
    expect(asked).toEqual([]);
    prompts.alive(other, 2, 7, 10_000);
    prompts.tick(6500);
    expect(asked).toEqual(['one 2/8']);
    prompts.tick(60_000);
    expect(asked).toEqual(['one 2/8', 'other 2/7']);
    prompts.tick(120_000);
    expect(asked.length).toBe(2);
    expect(prompts.size).toBe(0);
  });

  it('never come to a session that keeps itself alive every third of its lease', () => {
    const one = connection('one');
    for (let nowMs = 1000; nowMs < 60_000; nowMs += 10) {
      prompts.tick(nowMs);
      if (nowMs % 3330 === 0) prompts.alive(one, 2, 7, 10_000);
    }
    expect(asked).toEqual([]);
  });

  it('do not come to a session without a lease, nor over a connection that it has left', () => {
    const [one, other] = [connection('one'), connection('other')];
    prompts.alive(one, 2, 7, 0);
    prompts.alive(one, 2, 8, 2000);
    prompts.alive(one, 2, 9, 2000);
    prompts.alive(other, 2, 9, 2000);
    prompts.alive(other, 2, 10, 2000);
    prompts.alive(other, 2, 10, 0);
    prompts.silent(one, 2, 8);
    prompts.silent(one, 2, 9);
    prompts.tick(60_000);
    expect(asked).toEqual(['other 2/9']);
  });
});
