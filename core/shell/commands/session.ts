/** Commands about the connection: the namespaces, the client's identity, and whether the node answers. */

import { errorInfo } from '../../base/errors.ts';
import type { PrimaryInfo } from '../../wire/api.ts';
import { lines } from '../outcome.ts';
import type { JsonValue, Outcome } from '../outcome.ts';
import { exitStatus } from '../status.ts';
import type { CommandSpec } from '../table.ts';

/** A replica as the first haret printed it. */
export function describePrimary(primary: PrimaryInfo): string {
  const quoted = (text: string): string => JSON.stringify(text);
  return (
    `name: ${quoted(primary.name)} group: ${quoted(primary.group)} ` +
    `node_name: ${quoted(primary.nodeName)} node_addr: ${quoted(primary.nodeAddress)}`
  );
}

function primaryJson(primary: PrimaryInfo | null): JsonValue {
  return primary === null ? null : { ...primary };
}

export const sessionCommands: readonly CommandSpec[] = [
  {
    words: ['list-namespaces'],
    family: 'session',
    needs: 'api',
    arguments: [],
    flags: [],
    summary: 'List the namespaces of the cluster.',
    run: async (_bound, context) => {
      const names = await context.listNamespaces();
      return lines([...names, ''], names);
    },
  },
  {
    words: ['enter'],
    family: 'session',
    needs: 'api',
    arguments: [{ name: 'NAMESPACE', kind: 'namespace' }],
    flags: [],
    summary: 'Enter a namespace. The commands that follow are for it.',
    run: async (bound, context): Promise<Outcome> => {
      const entered = await context.enter(bound.text('NAMESPACE'));
      const { primary, redirected } = entered;
      if (primary === null) {
        const message = `Primary not found. Please retry in ${entered.retrySeconds} seconds.`;
        const error = errorInfo('NoPrimary', message, { retrySeconds: entered.retrySeconds });
        return { ok: false, error, stamp: null, status: exitStatus.unavailable, bare: true, hints: [] };
      }
      const said = `Primary = ${describePrimary(primary)}`;
      const line = redirected
        ? `Finished Redirecting. ${said}, API Address = ${primary.apiAddress}`
        : `Client registered. ${said}`;
      const json = { namespace: bound.text('NAMESPACE'), redirected, primary: primaryJson(primary) };
      return { ...lines([line], json), stamp: context.lastStamp(), showStamp: false };
    },
  },
  {
    words: ['leave'],
    family: 'session',
    needs: 'namespace',
    arguments: [],
    flags: [],
    summary: 'Leave the namespace; the session in it ends.',
    run: async (_bound, context) => {
      await context.leave();
      return lines(['Ok'], null);
    },
  },
  {
    words: ['whoami'],
    family: 'session',
    needs: 'api',
    arguments: [],
    flags: [],
    summary: 'Tell the name of this client, and where it is connected.',
    run: (_bound, context) => {
      const { client, node, address, session, primary } = context.status();
      const { namespace } = context;
      return Promise.resolve(
        lines(
          [
            `client: ${client}`,
            `node: ${node ?? 'none'}`,
            `address: ${address}`,
            `namespace: ${namespace ?? 'none'}`,
            `session: ${session ?? 'none'}`,
            `primary: ${primary === null ? 'none' : describePrimary(primary)}`,
          ],
          { client, node, address, namespace, session, primary: primaryJson(primary) },
        ),
      );
    },
  },
  {
    words: ['ping'],
    family: 'session',
    needs: 'api',
    arguments: [],
    flags: [],
    summary: 'Tell whether the node answers, and how fast.',
    run: async (_bound, context) => {
      const milliseconds = await context.ping();
      const node = context.status().node;
      return lines([`Pong from ${node ?? context.status().address} in ${milliseconds} ms`], { node, milliseconds });
    },
  },
];
