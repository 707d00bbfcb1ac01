/** The report of every node: which nodes are missing, and which groups lack voters because of it. */

import { describe, expect, it } from 'vitest';
import { Attendance } from '../../core/cluster/admin/attendance.ts';
import { Problems } from '../../core/cluster/base/problems.ts';
import type { Catalog } from '../../core/cluster/catalog/catalog.ts';
import { Outsiders } from '../../core/cluster/peers/outsiders.ts';
import type { Peers } from '../../core/cluster/peers/peers.ts';
import type { Groups } from '../../core/cluster/replicas/groups.ts';
import type { Configuration } from '../../core/vr/configuration.ts';
import type { NodeInfo } from '../../core/wire/node-info.ts';
import { Story } from './story.ts';

const incarnation = 'a'.repeat(32);
const info = (name: string, host = name): NodeInfo => {
  return { name, incarnation, clusterAddress: `${host}:1`, adminAddress: `${host}:2`, apiAddress: `${host}:3` };
};
const voters = (...nodes: string[]): Configuration['voters'] =>
  nodes.map((node, i) => ({ replica: `r${i + 1}`, node, incarnation, address: `${node}:1` }));

/** What a node `a` sees of `b`, `c` and nodes that were added later. */
function seen(later: readonly NodeInfo[], connected: readonly string[]) {
  const problems = new Problems();
  const quiet = { write: () => undefined };
  const clock = { now: () => 0, wall: () => 0, soon: () => undefined };
  const outsiders = new Outsiders({ problems, log: quiet, clock, connected: () => true, hearsayMs: 5000 });
  const nodes = [info('a'), info('b'), info('c'), ...later].map((node, i) => {
    return { ...node, added: i + 1, ejected: false };
  });
  const namespaces = [{ name: 'ns', replicas: voters('a', 'b', 'c') }];
  const catalog = { nodes, namespaces } as unknown as Catalog;
  const record = { root: { epoch: 1, voters: voters('a'), learners: [] }, nodes: [] };
  const attendance = new Attendance({
    groups: { catalog, record } as unknown as Groups,
    peers: {
      connected: (node: string) => connected.includes(node),
      awaySince: (node: string) => (connected.includes(node) ? null : 0),
    } as unknown as Peers,
    outsiders,
    self: 'a',
    now: () => 1000,
    absentMs: 30_000,
  });
  return { attendance, outsiders, problems };
}

describe('a node whose address was given to another node', () => {
  it('is reported as replaced, and earlier warnings about it end: its operator did what it asked for', () => {
    const before = seen([], ['c']);
    before.outsiders.lostItsLog(info('b'));
    expect(before.attendance.of('b')).toBe('emptied');
    before.attendance.catalogChanged();
    expect(before.problems.texts).toHaveLength(1);

    const after = seen([info('x', 'b')], ['c', 'x']);
    after.outsiders.lostItsLog(info('b'));
    after.attendance.catalogChanged();
    expect(after.problems.texts).toEqual([]);
    expect(after.attendance.of('b')).toBe('replaced');
    expect(after.attendance.of('x')).toBeNull();
    expect(after.attendance.warnings()).toEqual([
      'namespace ns has 2 of 3 voters: r2 on b is missing (another node was joined at its address); it survives no further failure',
    ]);
  });

  it('is reported as replaced by a node that has only its catalog, as after a restart', () => {
    const { attendance } = seen([info('x', 'b')], ['c', 'x']);
    expect(attendance.of('b')).toBe('replaced');
    expect(attendance.warnings()).toHaveLength(1);
  });

  it('is not replaced while it is connected: its addresses are about to change', () => {
    const { attendance } = seen([info('x', 'b')], ['b', 'c', 'x']);
    expect(attendance.of('b')).toBeNull();
    expect(attendance.warnings()).toEqual([]);
  });
});

describe('a namespace with an absent voter', () => {
  const lacks =
    'namespace ns has 2 of 3 voters: r3 on n3 is missing (it has not been connected with this node for 30 s); it survives no further failure';

  function warnings(story: Story, at: string): readonly string[] {
    const status = story.done(story.admin(at, { kind: 'clusterStatus' }));
    const told = story.node(at).node!.health();
    expect(told.ok).toBe(true);
    if (status.kind !== 'clusterStatus') throw new Error(status.kind);
    expect(told.problems).toEqual(expect.arrayContaining([...status.warnings]));
    return status.warnings;
  }

  it('is reported by every node after a long absence, until the voter is back', () => {
    const story = Story.founded(4, 'ns', ['n1', 'n2', 'n3']);
    story.world.crash(story.node('n3'));
    story.pass(20_000);
    expect(warnings(story, 'n1')).toEqual([]);
    story.pass(11_000);
    for (const at of ['n1', 'n2', 'n4']) expect(warnings(story, at)).toEqual([lacks]);
    story.world.crash(story.node('n2'));
    story.world.start(story.node('n2'));
    story.pass(31_000);
    expect(warnings(story, 'n2')).toEqual([lacks]);
    story.world.start(story.node('n3'));
    story.settle();
    for (const at of ['n1', 'n2', 'n3', 'n4']) expect(warnings(story, at)).toEqual([]);
  });

  it('is reported to have no quorum when two are absent, and so is the root group without its founder', () => {
    const story = Story.founded(3, 'ns', ['n1', 'n2', 'n3']);
    for (const name of ['n1', 'n3']) story.world.crash(story.node(name));
    story.pass(32_000);
    expect(warnings(story, 'n2')).toEqual([
      expect.stringMatching(/^the root group has 0 of 1 voters: n1 on n1 is missing .* not a quorum/),
      expect.stringMatching(/^namespace ns has 1 of 3 voters: r1 on n1 is missing .*, r3 on n3 .* not a quorum/),
    ]);
  });
});

describe('a command that needs the root group', () => {
  it('says, while the founder is absent, that the founder has the only voter, and why it is absent', () => {
    const story = Story.founded(3, 'ns', ['n1', 'n2', 'n3']);
    story.world.crash(story.node('n1'));
    story.node('n1').disk.wipe();
    story.world.start(story.node('n1'));
    story.pass(3000);
    const joined = story.join('n1', 'n2');
    expect(joined).toMatchObject({ ok: false, error: { code: 'NodeUnreachable' } });
    expect(joined.ok ? '' : joined.error.message).toMatch(
      /^node n1 is not connected \(what answers .*\): it founded the cluster and has the only voter of the root group, /,
    );
    // Its operator is not told to empty it and join it again, because no node could take it in.
    expect(story.node('n1').node!.health().problems.join()).toContain('and this node did not found the cluster');
  });
});
