/**
 * What damage to its log does to a node, as its operator sees it: the log lines, `/health`, `/ready`, and the answers
 * to users.
 */

import { describe, expect, it } from 'vitest';
import { utf8 } from '../../core/base/bytes.ts';
import type { AdminResult } from '../../core/wire/admin.ts';
import type { MemoryDisk } from '../../core/store/memory-disk.ts';
import { sectorBytes } from '../../core/store/format.ts';
import type { SimNodeSettings } from '../../core/sim/sim-node.ts';
import type { SimClient } from '../../core/sim/world.ts';
import { Story, codeOf, createBlob, get, valueOf } from './story.ts';

const writes = 20;

/** Where `text` occurs in the files of a disk. */
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
function written(
  nodes: number,
  name: string,
  settings: Partial<SimNodeSettings> = {},
): { story: Story; user: SimClient; disk: MemoryDisk } {
  const names = Array.from({ length: nodes }, (_, i) => `n${i + 1}`);
  const story = Story.founded(nodes, 'ns', names, { settings });
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

describe('one node of three', () => {
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
    expect(ok).toBe(true);
    expect(problems).toEqual([
      'replica root::n3: part of its log is lost: it catches up from the other replicas',
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

/**
 * The segments of a disk: those that took a batch, and those that wait for one and may still hold data of an earlier
 * life.
 */
function segmentsOf(disk: MemoryDisk): { readonly used: readonly string[]; readonly spare: readonly string[] } {
  const names = disk.list().flatMap(({ name }) => (name.startsWith('log-') ? [name] : []));
  const holds = (name: string): boolean =>
    new DataView(disk.read(name, 0, 64).buffer).getUint32(32, true) === Number(name.slice(4, 12));
  return { used: names.filter(holds), spare: names.filter((name) => !holds(name)) };
}

/** The state of another node in `cluster status` of one node. */
function statusAt(story: Story, at: string): Extract<AdminResult, { kind: 'clusterStatus' }> {
  const status = story.done(story.admin(at, { kind: 'clusterStatus' }));
  if (status.kind !== 'clusterStatus') throw new Error(status.kind);
  return status;
}

function stateAt(story: Story, at: string, of: string): string | undefined {
  return statusAt(story, at).members.find(({ node }) => node === of)?.state;
}

describe('V29: one node of three that has lost its log and has its identity', () => {
  const ways: readonly (readonly [string, boolean, (disk: MemoryDisk) => void])[] = [
    [
      'removed',
      true,
      (disk) => {
        for (const { name } of disk.list()) if (name.startsWith('log-')) disk.lose(name);
      },
    ],
    [
      'removed, and whatever else is not the identity',
      false,
      (disk) => {
        for (const { name } of disk.list()) if (name !== 'store') disk.lose(name);
      },
    ],
    [
      'zeros',
      true,
      (disk) => {
        for (const name of segmentsOf(disk).used) {
          const { size } = disk.list().find((file) => file.name === name)!;
          for (let sector = 0; sector < size / sectorBytes; sector++) disk.erase(name, sector);
        }
      },
    ],
  ];
  it.each(ways)(
    'says so everywhere, serves no client, and is not taken in again as it was: %s',
    (_how, proves, damage) => {
      const { story, user, disk } = written(3, 'n3');
      damage(disk);
      story.world.start(story.node('n3'));
      story.pass(3000);
      const n3 = story.node('n3').node!;
      const gone = 'the log of this node is gone from its data directory, and only its identity is left';
      expect(logged(story, 'n3')).toContain(gone);
      // A restart would not mend anything.
      expect(n3.health().ok).toBe(true);
      expect(n3.health().problems.join()).toContain(gone);
      expect(n3.ready()).toEqual({ ok: false, waitingFor: ['this node has lost its log; see /health'] });
      // If it still has its secret, its peers know it and tell their operators. Otherwise they only report what answers
      // there.
      const told = proves
        ? 'node n3 is of this cluster and has lost its log'
        : "what answers at n3:1 cannot prove the cluster's secret and says that it is node n3 with an emptied or other";
      expect(logged(story, 'n1')).toContain(told);
      const { ok, problems } = story.node('n1').node!.health();
      expect(ok).toBe(true);
      const why = proves ? 'it has lost its log' : 'what answers at its address cannot prove itself';
      const lacks = `namespace ns has 2 of 3 voters: r3 on n3 is missing (${why}); it survives no further failure`;
      expect(problems).toEqual([expect.stringContaining(told), lacks]);
      expect(statusAt(story, 'n1').warnings).toEqual([lacks]);
      expect(stateAt(story, 'n1', 'n3')).toBe(proves ? 'emptied' : 'unproven');
      expect(stateAt(story, 'n3', 'n3')).toBe('emptied');
      // A client that knows only this node is not told that the namespace does not exist.
      const lost = story.client(['n3'], { requestTimeoutMs: 1000 });
      expect(codeOf(story.enter(lost, 'ns'))).not.toBe('UnknownNamespace');
      const more = story.client(['n3', 'n1', 'n2']);
      story.enter(more, 'ns');
      expect(valueOf(story.ask(more, get('/needle3x')))).toBe('first');
      // It is not joined again under the incarnation that has forgotten its promises, and it does not found a cluster.
      const join = { kind: 'clusterJoin', node: 'n3', address: story.node('n3').clusterAddress } as const;
      expect(codeOf(story.admin('n1', join))).toBe('NodeRefused');
      expect(codeOf(story.create('mine', ['n3'], 'n3'))).toBe('NodeRefused');
      expect(codeOf(story.ask(user, createBlob('/after')))).toBe('ok');
      expect(story.node('n3').hosts).toEqual([]);
      // It also knows this after its next starts.
      story.world.crash(story.node('n3'));
      story.world.start(story.node('n3'));
      story.pass(1000);
      expect(story.node('n3').node!.health().problems.join()).toContain(gone);
    },
  );

  it('is refused by its peers when a copy of its directory from before it joined is put back', () => {
    const story = new Story(2);
    for (const node of story.world.nodes) story.world.start(node);
    story.pass(300);
    const { disk } = story.node('n2');
    const copy = disk.list().map(({ name, size }) => ({ name, size, bytes: disk.read(name, 0, size) }));
    story.world.found(['ns']);
    story.settle();
    story.world.crash(story.node('n2'));
    disk.wipe();
    for (const { name, size, bytes } of copy) {
      disk.create(name, size, () => undefined);
      disk.write(name, 0, [bytes], true, () => undefined);
    }
    story.pass(10);
    story.world.start(story.node('n2'));
    story.pass(3000);
    // It was in no cluster then, so it has no secret of this one with which it could prove itself.
    expect(logged(story, 'n1')).toContain("what answers at n2:1 cannot prove the cluster's secret");
    expect(stateAt(story, 'n1', 'n2')).toBe('unproven');
    const join = { kind: 'clusterJoin', node: 'n2', address: story.node('n2').clusterAddress } as const;
    expect(codeOf(story.admin('n1', join))).toBe('NodeRefused');
  });
});

describe('V29: one node of three whose newest segments are gone', () => {
  it('catches up before it votes, and no acknowledged write is lost', () => {
    const { story, user, disk } = written(3, 'n3', { segmentBytes: 64 * 1024 });
    const { used, spare } = segmentsOf(disk);
    expect(used.length).toBeGreaterThan(1);
    for (const name of [...spare, used.at(-1)!]) disk.lose(name);
    // The others have everything, and one of them is away. Only one of the two that are left can prove its log.
    story.world.crash(story.node('n2'));
    story.world.start(story.node('n3'));
    story.pass(3000);
    expect(logged(story, 'n3')).toContain('the newest segments of the log are missing or empty');
    expect(story.node('n3').node!.health().problems.join()).toContain('catches up from the other replicas before it');
    expect(story.node('n3').node!.ready().ok).toBe(false);
    story.world.start(story.node('n2'));
    story.settle();
    story.pass(1000);
    expect(story.node('n3').node!.health()).toEqual({ ok: true, problems: [] });
    hasAll(story, 'n3');
    expect(codeOf(story.ask(user, createBlob('/after')))).toBe('ok');
  });
});

describe('a node that belongs to no cluster', () => {
  it('does not deny a namespace: it cannot know', () => {
    const story = new Story(1);
    const user = story.client(['n1'], { requestTimeoutMs: 1000 });
    expect(codeOf(story.enter(user, 'ns'))).not.toBe('UnknownNamespace');
  });
});

describe('the only voter of the root group', () => {
  it('is repaired by the nodes that follow it', () => {
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

  it('stops when its tail is lost, says what to do, and the groups of three continue without it', () => {
    const { story, user, disk } = written(3, 'n1');
    disk.cut(disk.list().find(({ name }) => name.startsWith('log-'))!.name, 4 * sectorBytes);
    story.world.start(story.node('n1'));
    story.pass(3000);
    const { ok, problems } = story.node('n1').node!.health();
    expect(ok).toBe(true);
    expect(problems.join()).toContain('too few voters of other nodes can tell');
    expect(codeOf(story.ask(user, createBlob('/after'), { timeoutMs: 10_000 }))).toBe('ok');
    expect(['NoPrimary', 'Timeout']).toContain(codeOf(story.create('more', ['n2'], 'n2')));
  });
});

describe('a single replica', () => {
  it('serves the entries before one that no replica can read, and says what is wrong', () => {
    const { story, user, disk } = written(1, 'n1');
    for (const { file, at } of places(disk, '/needle10x')) disk.corrupt(file, at);
    story.world.start(story.node('n1'));
    story.pass(3000);
    const { ok, problems } = story.node('n1').node!.health();
    expect(ok).toBe(true);
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
    const { ok, problems } = story.node('n1').node!.health();
    expect(ok).toBe(true);
    expect(problems.join()).toContain('part of its log is lost and too few voters');
    expect(story.node('n1').node!.ready().ok).toBe(false);
    expect(codeOf(story.ask(user, createBlob('/more')))).toBe('Timeout');
    expect(valueOf(story.ask(user, get('/needle3x'), { consistency: 'local' }))).toBe('first');
  });
});
