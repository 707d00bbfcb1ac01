/**
 * A replica that was away meets a group that has forgotten what it committed, because another was given an old copy of its
 * directory. Here the two histories are two groups of the same name: what a replica of the one hears from the other.
 */

import { describe, expect, it } from 'vitest';
import type { Message } from '../../core/vr/messages.ts';
import type { Effect } from '../../core/vr/ports.ts';
import { World } from './world.ts';

type Small = ConstructorParameters<typeof World>[0];
const small: Small = { checkpointBytes: 300 };

/** A group that has committed `values`, the last of them in a later view when it is to be `later`. */
function group(values: readonly string[], later: boolean, options: Small = {}): World {
  const world = new World(options);
  world.awaitPrimary();
  for (const [index, value] of values.entries()) {
    if (later && index === 1) world.restart(world.awaitPrimary());
    world.awaitPrimary();
    world.put(value);
  }
  world.awaitAgreement();
  // The log behind a quorum's checkpoint goes.
  world.run(2000);
  return world;
}

/** What `name` says to its input, without the rest of its world. */
function effectsOf(world: World, name: string, message: Message): readonly Effect[] {
  const { replica } = world.place(name);
  return [...replica!.step({ kind: 'message', message }, world.now), ...replica!.step({ kind: 'flush' }, world.now)];
}

function alarms(effects: readonly Effect[]): string[] {
  return effects.flatMap((effect) =>
    effect.kind === 'event' && effect.event.kind === 'alarm' ? [effect.event.reason] : [],
  );
}

/** The answer of `world`'s primary to a question that `to` asks with the commit number of another history. */
function answerOf(world: World, to: string, kind: Message['kind'], question: object): Message {
  const primary = world.awaitPrimary();
  const { view } = world.place(primary).view.view;
  const { member } = world.place(to);
  const envelope = { cluster: 'c'.repeat(32), namespace: 7, ...member, to: primary, epoch: 1, view };
  const effects = effectsOf(world, primary, { ...envelope, ...question } as unknown as Message);
  const sent = effects.flatMap((effect) =>
    effect.kind === 'send' && effect.message.kind === kind ? [effect.message] : [],
  );
  expect(sent).toHaveLength(1);
  return sent[0]!;
}

const told =
  /^two histories: the log that the other replicas go on with lacks what is committed here\. .*keep the data directories/;

describe('a replica that has committed what the others have forgotten', () => {
  const away = group(['one', 'two', 'three'], false);
  const name = away.names.find((one) => one !== away.primary)!;
  const { commit } = away.place(name).view;

  it('does not take their checkpoint instead of its log, and says so', () => {
    const others = group(['one', ...Array.from({ length: 60 }, (_, i) => `other ${i}`)], true, small);
    const newState = answerOf(others, name, 'newState', {
      kind: 'getState',
      nonce: 5,
      from: 1,
      through: 1000,
      // Nothing of that op is there to compare.
      commit: 100_000,
      checksum: '0'.repeat(32),
    });
    expect(newState.kind === 'newState' && (newState.checkpoint?.op ?? 0) > commit).toBe(true);
    const effects = effectsOf(away, name, newState);
    expect(alarms(effects)).toEqual([expect.stringMatching(told)]);
    expect(effects.some(({ kind }) => kind === 'persist' || kind === 'send')).toBe(false);
    expect(away.place(name).view).toMatchObject({ commit, head: commit });
  });

  it('does not begin their view, whether or not it has heard of it', () => {
    for (const heard of [false, true]) {
      const fresh = group(['one', 'two', 'three'], false);
      const others = group(['one', 'other', 'another', 'more'], true);
      const startView = answerOf(others, name, 'startView', { kind: 'getStartView', nonce: 0 });
      if (heard) {
        const viewNow = { ...startView, kind: 'viewNow' } as Message;
        expect(alarms(effectsOf(fresh, name, viewNow))).toEqual([]);
      }
      const effects = effectsOf(fresh, name, startView);
      expect(alarms(effects)).toEqual([expect.stringMatching(told)]);
      expect(effects.some(({ kind }) => kind === 'persist')).toBe(false);
    }
  });

  it('does not begin a view that it has heard of and that ends below its checkpoint, where it knows no entry any more', () => {
    const fresh = group(
      Array.from({ length: 60 }, (_, i) => `own ${i}`),
      false,
      small,
    );
    const others = group(['one', 'other', 'another'], true);
    const startView = answerOf(others, name, 'startView', { kind: 'getStartView', nonce: 0 });
    const { checkpointOp, logFirst } = fresh.place(name).view;
    expect(startView.kind === 'startView' && startView.log.head < Math.min(checkpointOp, logFirst)).toBe(true);
    expect(alarms(effectsOf(fresh, name, { ...startView, kind: 'viewNow' }))).toEqual([]);
    const effects = effectsOf(fresh, name, startView);
    expect(alarms(effects)).toEqual([expect.stringMatching(told)]);
    expect(effects.some(({ kind }) => kind === 'persist')).toBe(false);
  });

  it('takes a checkpoint of its own history, however far it is ahead', () => {
    const world = new World(small);
    world.awaitPrimary();
    world.put('one');
    world.awaitAgreement();
    const third = world.names.find((one) => one !== world.primary)!;
    world.partition(
      world.names.filter((one) => one !== third),
      [third],
    );
    for (let i = 0; i < 60; i++) world.put(`more ${i}`);
    world.run(500);
    world.heal();
    world.awaitAgreement();
    expect(world.place(third).events.filter(({ kind }) => kind === 'alarm')).toEqual([]);
    expect(world.place(third).events.some((event) => event.kind === 'transfer' && event.by === 'checkpoint')).toBe(
      true,
    );
  });
});
