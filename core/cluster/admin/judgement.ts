/**
 * What is judged of each admin command before anything is done for it (protocol §1, "Judged before believed"): one table,
 * which the compiler keeps whole. The codec has judged the form. Whether what a command names is there is judged where the
 * catalog is.
 */

import { errorInfo } from '../../base/errors.ts';
import type { ErrorInfo } from '../../base/errors.ts';
import { isAddress, isName } from '../../base/ids.ts';
import type { LogLevel } from '../../base/ports.ts';
import type { AdminCommand } from '../../wire/admin.ts';
import { isNamespaceName } from '../catalog/catalog.ts';

/** How a command came, as far as it matters here. */
export interface AdminAsker {
  /** Another node sent it on, over its proven link; else it came over a connection of the admin interface. */
  readonly forwarded: boolean;
  /** Commands of that connection that are not answered yet, and how many there may be. */
  readonly outstanding: number;
  readonly maxOutstanding: number;
  /** Why the node serves nobody now; null when it does. */
  readonly refusal: () => ErrorInfo | null;
}

type Command<K extends AdminCommand['kind']> = Extract<AdminCommand, { kind: K }>;

interface Rule<K extends AdminCommand['kind']> {
  /** A node may send it on to the one that can do it. Every other command is for the node that was asked. */
  readonly sentOn: boolean;
  /** Why it is not done; null when it may be. */
  readonly judge: (asker: AdminAsker, command: Command<K>) => ErrorInfo | null;
}

/** It tells of this node what everyone at this port may know, and costs no more than its answer. */
const told: { readonly sentOn: false; readonly judge: () => null } = { sentOn: false, judge: () => null };

/** A name that nothing can have is not asked for at another node. */
const unknown = (namespace: string): ErrorInfo => errorInfo('UnknownNamespace', 'Unknown namespace', { namespace });

const levels = Object.keys({ debug: 1, info: 1, warn: 1, error: 1 } satisfies Record<LogLevel, 1>);

export function isLogLevel(text: string): text is LogLevel {
  return levels.includes(text);
}

const rules = {
  /** It is dialled, founds a cluster where there is none, and is shown to people. */
  clusterJoin: {
    sentOn: true,
    judge: ({ refusal }, { node, address }) => {
      if (!isName(node)) return errorInfo('BadName', `a node cannot be called ${node}`, { name: node });
      if (!isAddress(address)) return errorInfo('BadArgument', `${address} is no address of a node`, { address });
      return refusal();
    },
  },
  clusterStatus: told,
  /** The plain mistakes are told before a cluster is founded for them. */
  createNamespace: {
    sentOn: true,
    judge: ({ refusal }, { namespace, replicas, allowSmall }) => {
      if (!isNamespaceName(namespace)) {
        return errorInfo('BadName', `a namespace cannot be called ${namespace}`, { name: namespace });
      }
      const needed = allowSmall ? 1 : 3;
      if (replicas.length < needed) {
        const details = { needed, actual: replicas.length };
        return errorInfo('NotEnoughReplicas', 'Not enough replicas (at least 3 unless --allow-small)', details);
      }
      const names = new Set<string>();
      for (const { replica, node, address } of replicas) {
        if (!isName(replica)) return errorInfo('BadName', `a replica cannot be called ${replica}`, { name: replica });
        if (!isName(node)) return errorInfo('BadName', `a node cannot be called ${node}`, { name: node });
        if (address !== '' && !isAddress(address)) {
          return errorInfo('BadArgument', `${address} is no address of a node`, { address });
        }
        if (names.has(replica)) {
          return errorInfo('BadArgument', `Two replicas have the name ${replica}`, { replica });
        }
        names.add(replica);
      }
      return refusal();
    },
  },
  namespaces: told,
  replica: {
    sentOn: true,
    judge: (_asker, { namespace, replica, node }) => {
      if (!isName(namespace)) return unknown(namespace);
      if (isName(replica) && (node === '' || isName(node))) return null;
      const at = node === '' ? '' : ` on node ${node}`;
      return errorInfo('ReplicaNotFound', `namespace ${namespace} has no replica ${replica}${at}`);
    },
  },
  primary: { sentOn: true, judge: (_asker, { namespace }) => (isName(namespace) ? null : unknown(namespace)) },
  config: told,
  /** The prefix is compared with names, and is part of nothing. */
  metrics: told,
  logLevel: {
    sentOn: false,
    judge: (_asker, { level }) => {
      if (level === '' || isLogLevel(level)) return null;
      return errorInfo('BadArgument', `no log level ${level}; there are ${levels.join(', ')}`);
    },
  },
  ping: told,
} satisfies { readonly [K in AdminCommand['kind']]: Rule<K> };

/** True for a command that a node sends on to the one that can do it: a peer has no other to ask for. */
export function isSentOn({ kind }: AdminCommand): boolean {
  return rules[kind].sentOn;
}

/** Why nothing is done for this command; null when it may be done. */
export function judgeAdmin(asker: AdminAsker, command: AdminCommand): ErrorInfo | null {
  const { outstanding, maxOutstanding } = asker;
  if (outstanding >= maxOutstanding) {
    const details = { limit: maxOutstanding, actual: outstanding + 1 };
    return errorInfo('Overloaded', 'too many admin commands are outstanding', details);
  }
  const { sentOn, judge } = rules[command.kind] as Rule<AdminCommand['kind']>;
  if (asker.forwarded && !sentOn) return errorInfo('NotAllowed', `no node sends on ${command.kind}`);
  return judge(asker, command);
}
