/** Requests behind a gap in the numbers of their session have room of their own, and never take that of others (protocol §7). */

import { describe, expect, it } from 'vitest';
import { noSecret } from '../../core/base/session-secret.ts';
import { body } from './toy-machine.ts';
import type { Outcome } from './group.ts';
import { World } from './world.ts';

const limits = { maxPendingRequests: 16 };
/** Half of the room for held requests, which is half of what may wait. */
const share = 4;

function worldOf(): { readonly world: World; readonly p: string } {
  const world = new World({ limits });
  return { world, p: world.awaitPrimary() };
}

/** Requests 2, 3, ... of a session. Request 1 never comes. */
function behindGap(world: World, p: string, session: number, count: number): Outcome[] {
  return Array.from({ length: count }, (_, i) => world.request(p, session, i + 2, `put ${session}.${i + 2}`));
}

const codes = (outcomes: readonly Outcome[]): (string | undefined)[] => outcomes.map(({ error }) => error?.code);

describe('requests that are held behind a gap', () => {
  it('take nothing from requests that can go on', () => {
    const { world, p } = worldOf();
    const greedy = Array.from({ length: 3 }, () => world.register());
    const modest = world.register();
    for (const session of greedy) behindGap(world, p, session, 3 * share);
    const all = Array.from({ length: limits.maxPendingRequests }, (_, i) => world.request(p, modest, i + 1, 'put m'));
    world.settle();
    expect(all.map(({ error }) => error)).toEqual(all.map(() => null));
    expect(all.every(({ reply }) => reply !== null)).toBe(true);
  });

  it('use up the share of their session and no more', () => {
    const { world, p } = worldOf();
    const outcomes = behindGap(world, p, world.register(), share + 2);
    expect(codes(outcomes)).toEqual([...Array<undefined>(share).fill(undefined), 'Overloaded', 'Overloaded']);
    expect(outcomes.at(-1)!.error).toMatchObject({ outcome: 'definite', details: { limit: share } });
  });

  it('make room for others when they have waited longest, and those go on as soon as their gap is closed', () => {
    const { world, p } = worldOf();
    const greedy = Array.from({ length: 3 }, () => world.register());
    const modest = world.register();
    const held = greedy.flatMap((session) => behindGap(world, p, session, share));
    // There is room for two shares. The third made the first session's go.
    expect(codes(held.slice(0, share))).toEqual(Array<string>(share).fill('Overloaded'));
    const second = world.request(p, modest, 2, 'put second');
    expect(second.error).toBeNull();
    expect(codes(held).filter((code) => code !== undefined)).toHaveLength(share + 1);
    const first = world.request(p, modest, 1, 'put first');
    world.settle();
    expect([first.reply, second.reply].every((reply) => reply !== null)).toBe(true);
    expect(world.place(p).machine.values).toEqual(['first', 'second']);
  });

  it('count by their bytes as well', () => {
    const world = new World({ limits: { maxPendingRequests: 1000, maxPendingBytes: 400 } });
    const p = world.awaitPrimary();
    const session = world.register();
    const large = (request: number): Outcome => world.request(p, session, request, `put ${'x'.repeat(56)}`);
    expect(codes([large(2), large(3)])).toEqual([undefined, 'Overloaded']);
  });

  it('leave nothing behind when no one waits for them', () => {
    const { world, p } = worldOf();
    const session = world.register();
    for (let round = 0; round < 3; round++) {
      const held = behindGap(world, p, session, share);
      expect(codes(held)).toEqual(Array<undefined>(share).fill(undefined));
      expect(world.place(p).replica!.outstanding(session)).toBe(share);
      for (const token of world.outcomes.keys()) world.input(p, { kind: 'abandon', token });
      expect(world.place(p).replica!.outstanding(session)).toBe(0);
      expect(world.place(p).replica!.view().pending).toBe(0);
    }
  });

  it('stay while one of two attempts is waited for', () => {
    const { world, p } = worldOf();
    const session = world.register();
    const two = world.request(p, session, 2, 'put 2');
    const token = [...world.outcomes.keys()].at(-1)!;
    const again = world.request(p, session, 2, 'put 2');
    world.input(p, { kind: 'abandon', token });
    expect(world.place(p).replica!.outstanding(session)).toBe(1);
    world.request(p, session, 1, 'put 1');
    world.settle();
    expect(again.reply).not.toBeNull();
    expect(two.reply).toBeNull();
    world.input(p, { kind: 'abandon', token: token + 1 });
  });

  it('wait for a session whose registration is not executed in the same room', () => {
    const { world, p } = worldOf();
    world.route = ({ message }) => (message.kind === 'prepareOk' || message.kind === 'commitOk' ? 'drop' : 'deliver');
    world.propose(p, 'register');
    world.settle();
    const session = world.place(p).replica!.view().head;
    expect(session).toBeGreaterThan(world.place(p).replica!.view().applied);
    const early = Array.from({ length: share + 1 }, (_, i) => world.request(p, session, i + 1, `put ${i}`));
    expect(codes(early)).toEqual([...Array<undefined>(share).fill(undefined), 'Overloaded']);
    const token = [...world.outcomes.keys()].at(-2)!;
    world.input(p, { kind: 'abandon', token });
    world.route = () => 'deliver';
    world.runUntil(() => early[0]!.reply !== null);
    world.settle();
    expect(early.slice(0, share - 1).every(({ reply }) => reply !== null)).toBe(true);
    expect(early[share - 1]).toMatchObject({ reply: null, error: null });
  });
});

it('a request that is far too large for the room of held ones is refused', () => {
  const world = new World({ limits: { maxPendingBytes: 100 } });
  const p = world.awaitPrimary();
  const session = world.register();
  const token = world.token();
  const large = body(`put ${'x'.repeat(80)}`);
  world.input(p, {
    kind: 'request',
    token,
    session,
    secret: noSecret,
    request: 2,
    answered: 1,
    body: large,
    refusal: null,
  });
  expect(world.outcomes.get(token)!.error?.code).toBe('Overloaded');
});
