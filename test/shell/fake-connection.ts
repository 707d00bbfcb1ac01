/** A connection without a network: namespaces in memory, each a real tree, behind the interfaces of the shell. */

import { errorInfo, haretError } from '../../core/base/errors.ts';
import { defaultLimits } from '../../core/base/limits.ts';
import type { Reply } from '../../core/service/reply.ts';
import type {
  CallOptions,
  ConnectionStatus,
  EnterResult,
  ExecuteOptions,
  ShellAdmin,
  ShellConnection,
  ShellHold,
  ShellJob,
  ShellWatch,
  ShellWatchEvent,
  ShellWatchOptions,
} from '../../core/shell/connection.ts';
import type { Change } from '../../core/service/events.ts';
import { changeValue, concerns } from '../../core/tree/change.ts';
import type { Acting } from '../../core/tree/acting.ts';
import type { TreeChange } from '../../core/tree/change.ts';
import type { Operation } from '../../core/tree/operation.ts';
import { isRead } from '../../core/tree/reading.ts';
import { Tree, treeLimitsOf } from '../../core/tree/tree.ts';
import type { AdminCommand, AdminResult } from '../../core/wire/admin.ts';
import type { PrimaryInfo } from '../../core/wire/api.ts';

interface Space {
  tree: Tree;
  op: number;
  readonly history: { readonly op: number; readonly changes: readonly TreeChange[] }[];
}

/** All that is asked is asked by one session, which may do what it likes. */
const acting: Acting = {
  session: 7,
  request: 1,
  now: 0,
  sessions: { over: () => false, countsUntil: () => 10_000, refuses: () => null, room: () => 1024, changed: () => 0 },
};

export class FakeConnection implements ShellConnection {
  readonly #trees = new Map<string, Space>();
  #changed: (() => void)[] = [];
  /** The answer of `enter`. Null when there is no primary. */
  primaryNode: { readonly name: string; readonly node: string; readonly address: string; readonly api: string } | null =
    { name: 'r1', node: 'dev1', address: '127.0.0.1:2000', api: '127.0.0.1:2002' };
  redirected = false;
  /** Fails the next call that reaches the node. */
  failure: ReturnType<typeof haretError> | null = null;
  /** The next execute never answers. */
  silent = false;
  epoch = 1;
  view = 6;
  readonly asked: { operation: Operation; options: ExecuteOptions }[] = [];
  #namespace: string | null = null;

  constructor(namespaces: readonly string[] = ['test-ns']) {
    for (const name of namespaces) {
      this.#trees.set(name, { tree: Tree.empty(treeLimitsOf(defaultLimits)), op: 1, history: [] });
    }
  }

  enter(namespace: string): Promise<EnterResult> {
    this.#fail();
    if (!this.#trees.has(namespace)) {
      return Promise.reject(haretError('UnknownNamespace', `no namespace ${namespace}`));
    }
    this.#namespace = namespace;
    const { epoch, view, redirected } = this;
    return Promise.resolve({ epoch, view, primary: this.#primary(), redirected, retrySeconds: 2 });
  }

  leave(): Promise<void> {
    this.#namespace = null;
    return Promise.resolve();
  }

  listNamespaces(_options: CallOptions): Promise<readonly string[]> {
    this.#fail();
    return Promise.resolve([...this.#trees.keys()].sort());
  }

  execute(operation: Operation, options: ExecuteOptions): Promise<Reply> {
    this.asked.push({ operation, options });
    if (this.silent) return new Promise<Reply>(() => undefined);
    this.#fail();
    const space = this.#trees.get(this.#namespace ?? '');
    if (space === undefined) return Promise.reject(haretError('NotInNamespace', 'enter first'));
    if (!isRead(operation)) space.op++;
    const { tree, result, changes } = space.tree.apply(operation, space.op, acting);
    space.tree = tree;
    if (changes.length > 0) space.history.push({ op: space.op, changes });
    for (const wake of this.#changed.splice(0)) wake();
    const answer = result.ok
      ? ({ kind: 'result', result: result.value } as const)
      : ({ kind: 'error', error: result.error } as const);
    return Promise.resolve({ epoch: this.epoch, view: this.view, op: space.op, answer });
  }

  take(): Promise<readonly ShellJob[]> {
    return Promise.resolve([]);
  }

  claim(): Promise<ShellHold | null> {
    return Promise.reject(haretError('Held', 'Held: this connection grants nothing'));
  }

  watch(path: string, options: ShellWatchOptions, signal?: AbortSignal): ShellWatch {
    const space = this.#trees.get(this.#namespace ?? '')!;
    const { from, subtree, values } = options;
    const told = (change: TreeChange): Change => ({
      path: change.path,
      kind: change.kind,
      type: change.type,
      version: change.version,
      claim: change.claim,
      cause: change.cause,
      value: values ? changeValue(change) : null,
      number: values ? change.number : null,
    });
    const state = { left: false };
    let op = typeof from === 'object' ? from.after : space.op;
    const changed = (): Promise<void> =>
      new Promise((resolve, reject) => {
        this.#changed.push(resolve);
        signal?.addEventListener('abort', () => reject(haretError('Interrupted', 'the watch was interrupted')));
      });
    const wake = (): void => {
      for (const one of this.#changed.splice(0)) one();
    };
    return {
      return: () => {
        state.left = true;
        wake();
        return Promise.resolve();
      },
      async *[Symbol.asyncIterator](): AsyncGenerator<ShellWatchEvent, void> {
        if (from === 'snapshot') {
          const changes: Change[] = [];
          const contents = space.tree.contents(path, subtree);
          for (let next = contents.next(); next.done !== true; next = contents.next()) changes.push(told(next.value));
          yield { kind: 'snapshot', op, reset: false, first: true, last: true, changes };
        }
        while (!state.left) {
          for (const record of space.history.filter((one) => one.op > op)) {
            op = record.op;
            const changes = record.changes.filter((change) => concerns(change, path, subtree)).map(told);
            if (changes.length > 0) yield { kind: 'event', op, timestamp: op, folded: false, changes };
          }
          await changed();
        }
      },
    };
  }

  ping(_options: CallOptions): Promise<number> {
    this.#fail();
    return Promise.resolve(1);
  }

  status(): ConnectionStatus {
    const session = this.#namespace === null ? null : 1;
    return { client: 'test', node: 'dev1', address: '127.0.0.1:2002', session, primary: this.#primary() };
  }

  #primary(): PrimaryInfo | null {
    const at = this.primaryNode;
    const group = this.#namespace;
    if (at === null || group === null) return null;
    return { name: at.name, group, nodeName: at.node, nodeAddress: at.address, apiAddress: at.api };
  }

  #fail(): void {
    const { failure } = this;
    this.failure = null;
    if (failure !== null) throw failure;
  }
}

/** Remembers what it was asked, and gives the answers that it was told to give. */
export class FakeAdmin implements ShellAdmin {
  readonly address = '127.0.0.1:2001';
  readonly asked: AdminCommand[] = [];
  readonly #answers: readonly AdminResult[];

  constructor(...answers: readonly AdminResult[]) {
    this.#answers = answers;
  }

  admin(command: AdminCommand): Promise<AdminResult> {
    this.asked.push(command);
    const answer = this.#answers[this.asked.length - 1];
    if (answer === undefined)
      return Promise.reject(haretError('NodeNotFound', errorInfo('NodeNotFound', 'no such node').message));
    return Promise.resolve(answer);
  }
}
