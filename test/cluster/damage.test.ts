/** What damage to a log does to a node, told by its operator's means: the log lines, `/health`, `/ready`, and what users get. */

import { describe, expect, it } from 'vitest';
import { utf8 } from '../../core/base/bytes.ts';
import type { MemoryDisk } from '../../core/store/memory-disk.ts';
import { sectorBytes } from '../../core/store/format.ts';
import type { SimClient } from '../../core/sim/world.ts';
import { Story, codeOf, createBlob, get, valueOf } from './story.ts';

const writes = 20;

/** Where `text` is in the files of a disk. */
function places(disk: MemoryDisk, text: string): { readonly file: string; readonly at: number }[] {
  const needle = utf8(text);
  return disk.list().flatMap(({ name, size }) => {
    const bytes = disk.read(name, 0, size);
    const found: { file: string; at: number }[] = [];
    for (let at = bytes.indexOf(needle[0]!); at >= 0; at = bytes.indexOf(needle[0]!, at + 1)) {
      if (needle.every((byte, i) => bytes[at + i] === byte)) found.push({ file: name, at });
    }
    return found;
  });
}

/** A cluster with some writes in it, whose node `name` is off. */
function written(nodes: number, name: string): { story: Story; user: SimClient; disk: MemoryDisk } {
  const names = Array.from({ length: nodes }, (_, i) => `n${i + 1}`);
  const story = Story.founded(nodes, 'ns', names);
  const user = story.client(names, { requestTimeoutMs: 3000 });
  story.enter(user, 'ns');
  for (let i = 0; i < writes; i++) story.ask(user, createBlob(`/needle${i}x`));
  story.pass(500);
  story.world.crash(story.node(name));
  return { story, user, disk: story.node(name).disk };
}

function logged(story: Story, name: string): string {
  return story.log.filter((line) => line.includes(`"node":"${name}"`) && / (warn|error) /.test(line)).join('\n');
}

function hasAll(story: Story, at: string): void {
  const reader = story.client([at], { followRedirects: false });
  story.enter(reader, 'ns');
  for (let i = 0; i < writes; i++) {
    expect(valueOf(story.ask(reader, get(`/needle${i}x`), { consistency: 'local' }))).toBe('first');
  }
}

describe('one of three', () => {
  it('repairs an entry from the others, when a byte is flipped in the middle of its log', () => {
    const { story, disk } = written(3, 'n3');
    for (const { file, at } of places(disk, '/needle10x')) disk.corrupt(file, at);
    story.world.start(story.node('n3'));
    story.settle();
    story.pass(1000);
    expect(logged(story, 'n3')).toContain('a batch of the log is damaged');
    expect(story.log.join('\n')).toContain('replica repaired');
    expect(story.node('n3').node!.health()).toEqual({ ok: true, problems: [] });
    hasAll(story, 'n3');
  });

  it('repairs what lies in a sector that cannot be read', () => {
    const { story, disk } = written(3, 'n3');
    for (const { file, at } of places(disk, '/needle10x')) disk.breakSector(file, Math.floor(at / sectorBytes));
    story.world.start(story.node('n3'));
    story.settle();
    story.pass(1000);
    expect(logged(story, 'n3')).toContain('sectors of the log cannot be read');
    expect(story.node('n3').node!.health()).toEqual({ ok: true, problems: [] });
    hasAll(story, 'n3');
  });

  it('catches up before it votes, when its tail is cut off, and says so until it has', () => {
    const { story, disk } = written(3, 'n3');
    const [first] = places(disk, '/needle10x');
    disk.cut(first!.file, first!.at);
    story.part('n3', 'n1');
    story.part('n3', 'n2');
    story.world.start(story.node('n3'));
    story.pass(3000);
    const { ok, problems } = story.node('n3').node!.health();
    expect(ok).toBe(false);
    expect(problems).toEqual([
      'replica ns::r3: part of its log is lost: it catches up from the other replicas before it votes again',
    ]);
    expect(story.node('n3').node!.ready().ok).toBe(false);
    story.world.network.mendAll();
    story.settle();
    story.pass(1000);
    expect(story.node('n3').node!.health()).toEqual({ ok: true, problems: [] });
    hasAll(story, 'n3');
  });
});

describe('the only voter of the root group', () => {
  it('is mended by the nodes that follow it', () => {
    const story = Story.founded(3, 'ns', ['n1', 'n2', 'n3']);
    story.done(story.create('needle', ['n2']));
    story.done(story.create('other', ['n2']));
    story.settle();
    story.pass(1000);
    story.world.crash(story.node('n1'));
    const { disk } = story.node('n1');
    for (const { file, at } of places(disk, 'needle')) disk.corrupt(file, at);
    story.world.start(story.node('n1'));
    story.settle();
    story.pass(2000);
    expect(story.node('n1').node!.health()).toEqual({ ok: true, problems: [] });
    expect(codeOf(story.create('more', ['n2']))).toBe('ok');
    const known = story.done(story.admin('n1', { kind: 'namespaces' }));
    expect(known.kind === 'namespaces' && known.namespaces.map(({ namespace }) => namespace)).toEqual([
      'ns',
      'needle',
      'other',
      'more',
    ]);
  });

  it('does not go on when its tail is lost, says what to do, and the groups of three go on without it', () => {
    const { story, user, disk } = written(3, 'n1');
    disk.cut(disk.list().find(({ name }) => name.startsWith('log-'))!.name, 4 * sectorBytes);
    story.world.start(story.node('n1'));
    story.pass(3000);
    const { ok, problems } = story.node('n1').node!.health();
    expect(ok).toBe(false);
    expect(problems.join()).toContain('restore the data directory from a copy');
    expect(codeOf(story.ask(user, createBlob('/after'), { timeoutMs: 10_000 }))).toBe('ok');
    expect(['NoPrimary', 'Timeout']).toContain(codeOf(story.create('more', ['n2'], 'n2')));
  });
});

describe('a single replica', () => {
  it('serves what lies before an entry that nobody can read, and says what is wrong', () => {
    const { story, user, disk } = written(1, 'n1');
    for (const { file, at } of places(disk, '/needle10x')) disk.corrupt(file, at);
    story.world.start(story.node('n1'));
    story.pass(3000);
    const { ok, problems } = story.node('n1').node!.health();
    expect(ok).toBe(false);
    expect(problems).toEqual([
      expect.stringMatching(/^replica ns::r1: entry 12 cannot be read, and no other node has it/),
    ]);
    expect(story.node('n1').node!.ready()).toEqual({
      ok: false,
      waitingFor: ['ns::r1 cannot read entry 12 of its log'],
    });
    expect(valueOf(story.ask(user, get('/needle3x'), { consistency: 'local' }))).toBe('first');
    expect(codeOf(story.ask(user, get('/needle3x')))).toBe('Timeout');
  });

  it('does not serve when its tail is lost: what it acknowledged may be gone', () => {
    const { story, user, disk } = written(1, 'n1');
    const [first] = places(disk, '/needle10x');
    disk.cut(first!.file, first!.at);
    story.world.start(story.node('n1'));
    story.pass(3000);
    expect(logged(story, 'n1')).toContain('shorter than it was made');
    expect(story.node('n1').node!.health().ok).toBe(false);
    expect(story.node('n1').node!.ready().ok).toBe(false);
    expect(codeOf(story.ask(user, createBlob('/more')))).toBe('Timeout');
    expect(valueOf(story.ask(user, get('/needle3x'), { consistency: 'local' }))).toBe('first');
  });
});
