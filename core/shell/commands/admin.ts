/** Commands of the admin interface: the cluster, its namespaces and their replicas, and the node itself. */

import { invariant } from '../../base/assert.ts';
import { isName } from '../../base/ids.ts';
import type { AdminResult, Placement, ReplicaStatusInfo } from '../../wire/admin.ts';
import { describeJson } from '../json.ts';
import { lines } from '../outcome.ts';
import type { Outcome } from '../outcome.ts';
import { UsageError } from '../status.ts';
import type { CommandSpec } from '../table.ts';
import { columns } from './arguments.ts';

const namespace = { name: 'NAMESPACE', kind: 'namespace' } as const;
const levels = ['debug', 'info', 'warn', 'error'] as const;

/** Reads `NAME@HOST:PORT`. */
function readNode(text: string): { readonly node: string; readonly address: string } {
  const [, node, address] = /^([^@]+)@(.+:\d{1,5})$/.exec(text) ?? [];
  if (node === undefined || address === undefined || !isName(node)) {
    throw new UsageError(`a node is written NAME@HOST:PORT, not ${JSON.stringify(text)}`);
  }
  return { node, address };
}

/** Reads `NS::r1::NAME@HOST:PORT`. The address, and the node with it, may be left out. */
function readReplica(text: string): { readonly namespace: string; readonly replica: string; readonly node: string } {
  const parts = text.split('::');
  const [inNamespace, replica, place] = parts;
  const node = place?.split('@')[0] ?? '';
  const named = inNamespace !== undefined && replica !== undefined && isName(inNamespace) && isName(replica);
  if (!named || parts.length > 3 || (place !== undefined && !isName(node))) {
    throw new UsageError(
      `a replica is written NAMESPACE::r1::NAME, or NAMESPACE::r1::NAME@HOST:PORT, not ${JSON.stringify(text)}`,
    );
  }
  return { namespace: inNamespace, replica, node };
}

function describePlacement(placement: Placement): string {
  return `${placement.replica}::${placement.node}@${placement.address}`;
}

function replicaLines(replica: ReplicaStatusInfo): readonly string[] {
  const name = `${replica.namespace}::${replica.replica}::${replica.node}@${replica.address}`;
  const rows: readonly (readonly [string, string | number])[] = [
    ['replica', name],
    ['primary', replica.primary ?? 'None'],
    ['state', replica.isPrimary ? 'primary' : replica.status === 'normal' ? 'backup' : replica.status],
    ['status', replica.status],
    ['epoch', replica.epoch],
    ['view', replica.view],
    ['log epoch', replica.logEpoch],
    ['log view', replica.logView],
    ['head op', replica.head],
    ['commit number', replica.commit],
    ['applied op', replica.applied],
    ['checkpoint op', replica.checkpointOp],
    ['first op in log', replica.logFirst],
    ['sessions', replica.sessions],
    ['keys', replica.keys],
    ['bytes', replica.bytes],
    ['namespace id', replica.namespaceId],
  ];
  return rows.map(([label, value]) => `${`${label}:`.padEnd(16)} ${value}`);
}

/** How the answer of an admin command is shown. */
export function showAdmin(result: AdminResult): Outcome {
  switch (result.kind) {
    case 'ok':
      return lines(['ok'], null);
    case 'clusterStatus': {
      const rows = result.members.map((member) => [
        `${member.node}@${member.address}`,
        `api ${member.apiAddress}`,
        member.state,
        member.self ? 'this node' : member.connected ? 'connected' : 'not connected',
      ]);
      const warnings = result.warnings.map((warning) => `warning: ${warning}`);
      return lines([`cluster ${result.cluster ?? 'None'}`, ...columns(rows), ...warnings], describeJson(result));
    }
    case 'namespaces':
      return lines(
        result.namespaces.flatMap((one) => [
          `${one.namespace} (id ${one.namespaceId})`,
          ...one.replicas.map((placement) => {
            const text = describePlacement(placement);
            return `  ${text}${one.primary === `${one.namespace}::${text}` ? ' primary' : ''}`;
          }),
          ...(one.primary === null ? ['  primary: None'] : []),
        ]),
        describeJson(result.namespaces),
      );
    case 'replica':
      return lines(replicaLines(result.replica), describeJson(result.replica));
    case 'primary':
      return lines([result.primary ?? 'None'], result.primary);
    case 'pairs':
      return lines(
        result.pairs.map((pair) => `${pair.name} = ${pair.value}`),
        result.pairs.map((pair) => ({ ...pair })),
      );
    case 'text':
      return lines(result.text.replace(/\n$/, '').split('\n'), result.text);
  }
}

export const adminCommands: readonly CommandSpec[] = [
  {
    words: ['cluster', 'join'],
    family: 'cluster',
    needs: 'admin',
    arguments: [{ name: 'NAME@HOST:PORT', kind: 'text' }],
    flags: [],
    summary: 'Take a fresh node, by its name and cluster address, into the cluster.',
    examples: ['cluster join dev2@127.0.0.1:3000'],
    run: async (bound, context) =>
      showAdmin(await context.admin({ kind: 'clusterJoin', ...readNode(bound.text('NAME@HOST:PORT')) })),
  },
  {
    words: ['cluster', 'status'],
    family: 'cluster',
    needs: 'admin',
    arguments: [],
    flags: [],
    summary: 'List the nodes of the cluster, their state, and which are connected.',
    run: async (_bound, context) => showAdmin(await context.admin({ kind: 'clusterStatus' })),
  },
  {
    words: ['vr', 'create', 'namespace'],
    family: 'namespaces',
    needs: 'admin',
    arguments: [
      { name: 'NAMESPACE', kind: 'text' },
      { name: 'r1::NAME@HOST:PORT,...', kind: 'placement', repeated: true },
    ],
    flags: [{ long: 'allow-small', about: 'fewer than 3 replicas' }],
    summary: 'Create a namespace with these replicas; they may be on one node.',
    examples: ['vr create namespace test-ns r1::dev1@127.0.0.1:2000,r2::dev2@127.0.0.1:3000,r3::dev3@127.0.0.1:4000'],
    run: async (bound, context) => {
      const name = bound.text('NAMESPACE');
      if (!isName(name)) throw new UsageError(`${JSON.stringify(name)} is not a name: up to 64 of A-Z a-z 0-9 . _ -`);
      const replicas = bound.placements('r1::NAME@HOST:PORT,...');
      const allowSmall = bound.has('allow-small');
      return showAdmin(await context.admin({ kind: 'createNamespace', namespace: name, replicas, allowSmall }));
    },
  },
  {
    words: ['vr', 'namespaces'],
    family: 'namespaces',
    needs: 'admin',
    arguments: [],
    flags: [],
    summary: 'List the namespaces with their replicas and primaries.',
    run: async (_bound, context) => showAdmin(await context.admin({ kind: 'namespaces' })),
  },
  {
    words: ['vr', 'replica'],
    family: 'namespaces',
    needs: 'admin',
    arguments: [{ name: 'NAMESPACE::r1::NAME@HOST:PORT', kind: 'text' }],
    flags: [],
    summary: 'Print the state of a replica; the address may be left out.',
    examples: ['vr replica test-ns::r1::dev1'],
    run: async (bound, context) => {
      const replica = readReplica(bound.text('NAMESPACE::r1::NAME@HOST:PORT'));
      return showAdmin(await context.admin({ kind: 'replica', ...replica }));
    },
  },
  {
    words: ['vr', 'primary'],
    family: 'namespaces',
    needs: 'admin',
    arguments: [namespace],
    flags: [],
    summary: 'Print where the primary of a namespace is, or None.',
    run: async (bound, context) =>
      showAdmin(await context.admin({ kind: 'primary', namespace: bound.text('NAMESPACE') })),
  },
  {
    words: ['config'],
    family: 'node',
    needs: 'admin',
    arguments: [],
    flags: [],
    summary: "Print the node's configuration, secrets hidden.",
    run: async (_bound, context) => showAdmin(await context.admin({ kind: 'config' })),
  },
  {
    words: ['metrics'],
    family: 'node',
    needs: 'admin',
    arguments: [{ name: 'PID', kind: 'text', optional: true }],
    flags: [],
    summary: 'Print the names and values of metrics; with PID, only those whose name begins with PID.',
    run: async (bound, context) => showAdmin(await context.admin({ kind: 'metrics', prefix: bound.textOr('PID', '') })),
  },
  {
    words: ['log-level'],
    family: 'node',
    needs: 'admin',
    arguments: [{ name: 'LEVEL', kind: 'choice', choices: levels, optional: true }],
    flags: [],
    summary: 'Print how much the node logs, or change it.',
    run: async (bound, context) =>
      showAdmin(await context.admin({ kind: 'logLevel', level: bound.textOr('LEVEL', '') })),
  },
];

/** The admin program pings the node it administers. */
export const adminPing: CommandSpec = {
  words: ['ping'],
  family: 'node',
  needs: 'admin',
  arguments: [],
  flags: [],
  summary: 'Tell whether the node answers.',
  run: async (_bound, context) => {
    const result = await context.admin({ kind: 'ping' });
    invariant(result.kind === 'ok', 'a ping is answered by ok', { kind: result.kind });
    return lines([`Pong from ${context.adminAddress}`], null);
  },
};
