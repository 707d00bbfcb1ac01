/**
 * The catalog decides once which nodes are in the cluster and which namespaces exist, however often and by whichever
 * node it is asked.
 */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MalformedError } from '../../core/base/errors.ts';
import { defaultLimits } from '../../core/base/limits.ts';
import type { NodeInfo } from '../../core/wire/node-info.ts';
import type { CatalogEntry, CatalogReply } from '../../core/cluster/catalog/catalog-messages.ts';
import { decodeCatalogReply, encodeCatalogEntry } from '../../core/cluster/catalog/catalog-messages.ts';
import { Catalog, foundingConfiguration } from '../../core/cluster/catalog/catalog.ts';
import { serviceLimitsOf } from '../../core/service/limits.ts';
import type { Member } from '../../core/vr/configuration.ts';
import type { Entry } from '../../core/vr/entry.ts';

const cluster = 'c1'.repeat(16);
const limits = serviceLimitsOf(defaultLimits, 1000);
const id = (seed: string): string => seed.repeat(32).slice(0, 32);

function node(name: string, incarnation = id(name.slice(-1)), host = '127.0.0.1'): NodeInfo {
  return {
    name,
    incarnation,
    clusterAddress: `${host}:2000`,
    apiAddress: `${host}:2001`,
    adminAddress: `${host}:2002`,
  };
}

function replica(name: string, on: string): Member {
  return { replica: name, node: on, incarnation: id(on.slice(-1)), address: '127.0.0.1:2000' };
}

function wish(name: string, nonce: string, replicas: readonly Member[], allowSmall = false): CatalogEntry {
  return { kind: 'createNamespace', name, nonce: id(nonce), replicas, limits, allowSmall };
}

function entryOf(op: number, body: Uint8Array): Entry {
  return {
    op,
    epoch: 1,
    view: 0,
    commit: op - 1,
    timestamp: op,
    session: 0,
    request: 0,
    answered: 0,
    body,
    bytes: body,
    checksum: id('0'),
    parent: id('0'),
  };
}

class Root {
  catalog = new Catalog();
  readonly log: Entry[] = [];

  apply(entry: CatalogEntry): CatalogReply {
    return this.bytes(encodeCatalogEntry(entry));
  }

  bytes(body: Uint8Array): CatalogReply {
    const entry = entryOf(this.log.length + 1, body);
    this.log.push(entry);
    return decodeCatalogReply(this.catalog.apply(entry));
  }

  get op(): number {
    return this.log.length;
  }
}

const three = [replica('r1', 'dev1'), replica('r2', 'dev2'), replica('r3', 'dev3')];

/** A cluster of dev1, dev2 and dev3, founded by the first. */
function founded(): Root {
  const root = new Root();
  root.apply({ kind: 'found', cluster, node: node('dev1') });
  root.apply({ kind: 'addNode', node: node('dev2') });
  root.apply({ kind: 'addNode', node: node('dev3') });
  return root;
}

function piecesOf(catalog: Catalog, bytes = 4096): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  const snapshot = catalog.snapshot();
  for (let piece = snapshot.next(bytes); piece !== null; piece = snapshot.next(bytes)) pieces.push(piece);
  return pieces;
}

function errorOf(reply: CatalogReply): string {
  return reply.kind === 'error' ? `${reply.error.code}: ${reply.error.message}` : `done ${reply.id}`;
}

describe('the founding', () => {
  it('names the cluster and its first node, once', () => {
    const root = founded();
    expect(root.catalog.cluster).toBe(cluster);
    expect(root.catalog.founding).toEqual({ cluster, node: 'dev1' });
    expect(errorOf(root.apply({ kind: 'found', cluster, node: node('dev1') }))).toBe('done 1');
    expect(errorOf(root.apply({ kind: 'found', cluster: id('d'), node: node('dev2') }))).toMatch(
      /^WrongCluster: .*c1c1.* by dev1$/,
    );
    expect(errorOf(root.apply({ kind: 'found', cluster: id('d'), node: node('dev1') }))).toMatch(/^WrongCluster/);
  });

  it('comes before any other command', () => {
    const root = new Root();
    expect(errorOf(root.apply({ kind: 'addNode', node: node('dev1') }))).toMatch(/^NotAllowed/);
    expect(errorOf(root.apply({ kind: 'found', cluster: '0'.repeat(32), node: node('dev1') }))).toMatch(/^BadArgument/);
    expect(root.catalog.founding).toBeNull();
    expect(root.catalog.version).toBe(0);
  });
});

describe('nodes', () => {
  it('are added once, and get another address when they report it', () => {
    const root = founded();
    const { version } = root.catalog;
    expect(errorOf(root.apply({ kind: 'addNode', node: node('dev2') }))).toBe('done 2');
    expect(root.catalog.version, 'nothing changed').toBe(version);
    expect(errorOf(root.apply({ kind: 'updateNode', node: node('dev2', id('2'), '10.0.0.2') }))).toBe('done 2');
    expect(root.catalog.node('dev2')).toMatchObject({ clusterAddress: '10.0.0.2:2000', added: 2 });
    expect(root.catalog.version).toBe(root.op);
    expect(root.catalog.nodes.map((one) => one.name)).toEqual(['dev1', 'dev2', 'dev3']);
  });

  it('are refused as another incarnation of a known name, and as a known incarnation of another name', () => {
    const root = founded();
    expect(errorOf(root.apply({ kind: 'addNode', node: node('dev2', id('9')) }))).toMatch(
      /^NodeRefused: .*dev2.* another data directory/,
    );
    expect(errorOf(root.apply({ kind: 'updateNode', node: node('dev2', id('9')) }))).toMatch(/^NodeRefused/);
    expect(errorOf(root.apply({ kind: 'addNode', node: node('copy', id('2')) }))).toMatch(
      /^NodeRefused: .*copy.* of node dev2/,
    );
    expect(errorOf(root.apply({ kind: 'updateNode', node: node('dev7') }))).toBe(
      'NodeNotFound: Node is not in the cluster: dev7',
    );
    expect(errorOf(root.apply({ kind: 'addNode', node: node('-x') }))).toMatch(/^BadName/);
  });

  it('are unknown, surplus, participating and ejected', () => {
    const root = founded();
    expect(root.catalog.nodeState('dev9')).toBe('unknown');
    expect(root.catalog.nodeState('dev3')).toBe('surplus');
    root.apply(wish('ns', 'a', three));
    expect(root.catalog.nodeState('dev3')).toBe('participating');
    const eject = (name: string): string =>
      errorOf(root.apply({ kind: 'ejectNode', name, incarnation: id(name.slice(-1)) }));
    expect(eject('dev3')).toBe('NotAllowed: Node dev3 still runs 1 replicas');
    root.apply({ kind: 'addNode', node: node('dev4') });
    expect(eject('dev4')).toMatch(/^done/);
    expect(eject('dev4')).toMatch(/^done/);
    expect(root.catalog.nodeState('dev4')).toBe('ejected');
    expect(errorOf(root.apply({ kind: 'addNode', node: node('dev4') })), 'that store is out for good').toMatch(
      /^NodeRefused/,
    );
    expect(errorOf(root.apply(wish('other', 'b', [replica('r1', 'dev4')], true)))).toMatch(/^NodeNotFound/);
    expect(errorOf(root.apply({ kind: 'addNode', node: node('dev4', id('e')) }))).toBe(`done ${root.op}`);
    expect(root.catalog.nodeState('dev4')).toBe('surplus');
  });
});

describe('a namespace', () => {
  it('gets the op of its entry as its id, and its founding configuration', () => {
    const root = founded();
    expect(errorOf(root.apply(wish('test-ns', 'a', three)))).toBe('done 4');
    const namespace = root.catalog.namespaceByName('test-ns')!;
    expect(namespace).toBe(root.catalog.namespaceById(4));
    expect(namespace).toMatchObject({ id: 4, name: 'test-ns', replicas: three, limits });
    expect(foundingConfiguration(namespace)).toEqual({ epoch: 1, voters: three, learners: [] });
    expect(root.catalog.replicasOf('dev2', id('2'))).toEqual([{ namespace, replica: 'r2' }]);
    expect(root.catalog.replicasOf('dev2', id('9')), 'another store runs nothing of it').toEqual([]);
    expect(root.catalog.namespaceByName('test')).toBeUndefined();
    expect(root.catalog.namespaceById(3)).toBeUndefined();
  });

  it('is made once: a retry of the same wish gets the same id, another wish for the name is refused', () => {
    const root = founded();
    const wanted = wish('test-ns', 'a', three);
    expect(errorOf(root.apply(wanted))).toBe('done 4');
    expect(errorOf(root.apply(wanted))).toBe('done 4');
    expect(root.catalog.version).toBe(4);
    expect(errorOf(root.apply(wish('test-ns', 'b', three)))).toBe('NamespaceExists: Namespace already exists: test-ns');
    expect(errorOf(root.apply(wish('next', 'c', three)))).toBe('done 7');
    expect(root.catalog.namespaces.map((one) => [one.id, one.name])).toEqual([
      [4, 'test-ns'],
      [7, 'next'],
    ]);
  });

  it('needs a good name, three replicas unless told otherwise, and nodes that are in the cluster', () => {
    const root = founded();
    const asked = (name: string, replicas: readonly Member[], allowSmall = false): string =>
      errorOf(root.apply(wish(name, 'a', replicas, allowSmall)));
    expect(asked('no good', three)).toMatch(/^BadName: .*no good/);
    expect(asked('a', three.slice(1))).toBe('NotEnoughReplicas: Not enough replicas');
    expect(asked('a', [], true)).toBe('NotEnoughReplicas: Not enough replicas');
    expect(asked('a', [three[0]!, three[1]!, replica('r1', 'dev3')])).toMatch(/^BadArgument: .*r1/);
    expect(asked('a', [three[0]!, three[1]!, replica('r 3', 'dev3')])).toMatch(/^BadName/);
    expect(asked('a', [three[0]!, three[1]!, replica('r3', 'dev8')])).toBe(
      'NodeNotFound: Node is not in the cluster: dev8',
    );
    expect(asked('a', [three[0]!, three[1]!, { ...three[2]!, incarnation: id('f') }])).toMatch(/^NodeRefused: .*dev3/);
    expect(root.catalog.namespaces).toEqual([]);
    expect(asked('small', [three[0]!], true)).toMatch(/^done/);
    expect(asked('one-node', [replica('r1', 'dev1'), replica('r2', 'dev1'), replica('r3', 'dev1')])).toMatch(/^done/);
  });
});

describe('the catalog as a state machine', () => {
  it('has no sessions and no deadlines, and refuses what it cannot decode', () => {
    const root = founded();
    expect(root.catalog.request()).toBe('gone');
    expect(root.catalog.deadline()).toBeNull();
    expect(root.catalog.validate(new Uint8Array([99]))?.code).toBe('BadFrame');
    expect(root.catalog.validate(encodeCatalogEntry(wish('a', 'a', three)))).toBeNull();
    expect(errorOf(root.bytes(new Uint8Array([99])))).toMatch(/^BadFrame/);
  });

  it('is whole after a restore, and unchanged by bytes that are not a snapshot', () => {
    const root = founded();
    root.apply(wish('test-ns', 'a', three));
    const whole = Buffer.concat(piecesOf(root.catalog));
    for (let cut = 0; cut < whole.length; cut++) {
      expect(() => root.catalog.restore([new Uint8Array(whole.subarray(0, cut))])).toThrow(MalformedError);
    }
    expect(Buffer.concat(piecesOf(root.catalog))).toEqual(whole);
    const copy = new Catalog();
    copy.restore([...whole].map((byte) => new Uint8Array([byte])));
    expect(copy.nodes).toEqual(root.catalog.nodes);
    expect(copy.namespaces).toEqual(root.catalog.namespaces);
    expect([copy.version, copy.op, copy.cluster, copy.size()]).toEqual([4, 4, cluster, root.catalog.size()]);
    expect(copy.nodeState('dev1')).toBe('participating');
    expect(copy.namespaceByName('test-ns')?.id).toBe(4);
  });

  const names = fc.constantFrom('dev1', 'dev2', 'dev3', 'dev4', '.');
  const nodes = fc
    .tuple(names, fc.constantFrom('1', '2', '3', '4', '5'), fc.constantFrom('a', 'b'))
    .map(([name, seed, host]) => node(name, id(seed), host));
  const entries: fc.Arbitrary<CatalogEntry> = fc.oneof(
    fc.record({ kind: fc.constant('addNode' as const), node: nodes }),
    fc.record({ kind: fc.constant('updateNode' as const), node: nodes }),
    nodes.map((one) => ({ kind: 'ejectNode' as const, name: one.name, incarnation: one.incarnation })),
    fc
      .tuple(
        fc.constantFrom('x', 'y', 'z'),
        fc.constantFrom('a', 'b'),
        fc.uniqueArray(fc.constantFrom('dev1', 'dev2', 'dev3', 'dev4'), { maxLength: 4 }),
        fc.boolean(),
      )
      .map(([name, nonce, on, small]) =>
        wish(
          name,
          nonce,
          on.map((one, i) => replica(`r${i}`, one)),
          small,
        ),
      ),
  );

  it('answers equal entries alike, and its snapshot is its state, whatever is applied meanwhile', () => {
    fc.assert(
      fc.property(
        fc.array(entries, { maxLength: 40, size: 'max' }),
        fc.array(entries, { maxLength: 40, size: 'max' }),
        fc.integer({ min: 1, max: 300 }),
        (first, then, pieceBytes) => {
          const root = new Root();
          root.apply({ kind: 'found', cluster, node: node('dev1') });
          for (const entry of first) root.apply(entry);
          const held = root.catalog.snapshot();
          const before = Buffer.concat(piecesOf(root.catalog, pieceBytes));
          const copy = new Catalog();
          copy.restore([new Uint8Array(before)]);
          const twin = new Catalog();
          for (const entry of root.log) twin.apply(entry);
          for (const entry of then) {
            root.apply(entry);
            const last = root.log[root.log.length - 1]!;
            const reply = twin.apply(last);
            expect(copy.apply(last)).toEqual(reply);
          }
          const after = Buffer.concat(piecesOf(root.catalog));
          expect(Buffer.concat(piecesOf(copy))).toEqual(after);
          expect(Buffer.concat(piecesOf(twin, pieceBytes))).toEqual(after);
          const pieces: Uint8Array[] = [];
          for (let piece = held.next(50); piece !== null; piece = held.next(50)) pieces.push(piece);
          expect(Buffer.concat(pieces)).toEqual(before);
          const ids = root.catalog.namespaces.map((one) => one.id);
          expect(new Set(ids).size).toBe(ids.length);
        },
      ),
      { numRuns: 80 },
    );
  });
});
