/** A node whose log has lost every copy of the node's record, while replicas are still in it (V29). */

import { describe, expect, it } from 'vitest';
import { sectorBytes } from '../../core/store/format.ts';
import type { MemoryDisk } from '../../core/store/memory-disk.ts';
import { loseRecord } from './recordless.ts';
import { Story, codeOf, createBlob, get, valueOf } from './story.ts';

function bytesOf(disk: MemoryDisk): unknown {
  return disk.list().map(({ name, size }) => {
    const sectors = Array.from({ length: Math.ceil(size / sectorBytes) }, (_, i) => {
      try {
        return Buffer.from(disk.read(name, i * sectorBytes, sectorBytes)).toString('base64');
      } catch {
        return 'cannot be read';
      }
    });
    return [name, sectors];
  });
}

describe('a node whose record is lost with all its copies, and not its replicas', () => {
  it('says that they are there, serves nobody, and changes nothing in its directory', () => {
    const names = ['n1', 'n2', 'n3'];
    const story = Story.founded(3, 'ns', names);
    const user = story.client(names, { requestTimeoutMs: 3000 });
    story.enter(user, 'ns');
    story.ask(user, createBlob('/needle'));
    story.pass(500);
    const node = story.node('n3');
    story.world.crash(node);
    loseRecord(node.disk, story.world.store);
    const before = bytesOf(node.disk);
    for (let start = 0; start < 2; start++) {
      story.world.start(node);
      story.pass(3000);
      const told = node.node!.health().problems.join();
      expect(told).toContain('the log of this node no longer says to which cluster the node belongs');
      expect(told).toMatch(/and \d+ replicas? with them\. .* keep a copy of it/);
      expect(told).not.toContain('only its identity is left');
      expect(node.node!.ready().ok).toBe(false);
      expect(node.hosts).toEqual([]);
      story.world.crash(node);
      expect(bytesOf(node.disk)).toEqual(before);
    }
    // The others go on, and do not take it in again as it was.
    story.world.start(node);
    story.pass(3000);
    expect(valueOf(story.ask(user, get('/needle')))).toBeDefined();
    expect(codeOf(story.ask(user, createBlob('/after')))).toBe('ok');
    expect(codeOf(story.join('n3'))).toBe('NodeRefused');
    expect(codeOf(story.create('mine', ['n3'], 'n3'))).toBe('NodeRefused');
    expect(story.node('n1').node!.health().problems.join()).toContain(
      'node n3 is of this cluster and has lost its log',
    );
  });
});
