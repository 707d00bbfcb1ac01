/** What a store keeps in two copies (its identity, its floor): one that is damaged is told, and both are whole after the next start. */

import { describe, expect, it } from 'vitest';
import { floorFile, identityFile } from '../../core/store/format.ts';
import { World } from './world.ts';

function stored(): World {
  const world = new World();
  world.store.setNodeRecord(new Uint8Array([7]), () => undefined);
  world.create(1);
  world.settle();
  world.disk.processCrash();
  return world;
}

const told = (world: World): readonly string[] =>
  world.lines.filter(({ message }) => message.includes('in one of its two copies')).map(({ message }) => message);

describe('a file that is kept in two copies', () => {
  for (const file of [identityFile, floorFile]) {
    for (const copy of [0, 1]) {
      it.each([
        ['holds nothing', (world: World) => world.disk.erase(file, copy)],
        ['cannot be read', (world: World) => world.disk.breakSector(file, copy)],
      ])(`is repaired, and the log says which copy was bad, when copy ${copy} of "${file}" %s`, (_what, damage) => {
        const world = stored();
        const { incarnation } = world.store;
        damage(world);
        world.open();
        world.settle();
        expect(told(world)).toEqual([expect.stringContaining(`the file "${file}" of the data directory was damaged`)]);
        expect(world.failures).toEqual([]);
        // It bears the loss of the other copy now, and says nothing while both are whole.
        world.restart();
        world.settle();
        expect(told(world)).toHaveLength(1);
        world.disk.processCrash();
        world.disk.erase(file, 1 - copy);
        world.open();
        expect(world.store.incarnation).toBe(incarnation);
        expect(world.store.emptied).toBe(false);
        expect(told(world)).toHaveLength(2);
      });
    }
  }

  it('is not changed in a store that has lost its log, which writes nothing', () => {
    const world = stored();
    for (const name of world.segments()) world.disk.lose(name);
    world.disk.erase(identityFile, 0);
    for (const times of [1, 2]) {
      world.open();
      world.settle();
      expect(world.store.emptied).toBe(true);
      expect(told(world)).toHaveLength(times);
      world.disk.processCrash();
    }
  });
});
