/**
 * A simulated cluster for stories: users and operators who wait for their answers, and connections that say whatever a
 * test wants.
 */

import { utf8 } from '../../core/base/bytes.ts';
import type { ErrorCode, ErrorInfo, Result } from '../../core/base/errors.ts';
import type { Limits } from '../../core/base/limits.ts';
import type { Frame, Link } from '../../core/base/ports.ts';
import type { ClientOptions, Entered } from '../../core/client/options.ts';
import type { ExecuteOptions } from '../../core/client/options.ts';
import { defaultTiming } from '../../core/cluster/base/host.ts';
import type { Reply } from '../../core/service/reply.ts';
import { World } from '../../core/sim/world.ts';
import type { SimClient } from '../../core/sim/world.ts';
import type { SimNode, SimNodeSettings } from '../../core/sim/sim-node.ts';
import type { Operation } from '../../core/tree/operation.ts';
import type { AdminCommand, AdminResult, Placement } from '../../core/wire/admin.ts';
import { NodeHash } from '../../node-server/node-hash.ts';

export interface StoryOptions {
  readonly seed?: number;
  readonly limits?: Partial<Limits>;
  readonly settings?: Partial<SimNodeSettings>;
}

/** What a hand-made connection has seen. */
export interface RawConnection {
  readonly link: Link;
  readonly frames: Frame[];
  closed: { readonly code: number; readonly reason: string } | null;
  opened: boolean;
}

export class Story {
  readonly world: World;
  readonly log: string[] = [];
  #hosts = 0;

  constructor(nodes: number, options: StoryOptions = {}) {
    this.world = new World({
      seed: options.seed ?? 1,
      nodes,
      trace: (line) => void this.log.push(line),
      settings: {
        timing: defaultTiming,
        hash: new NodeHash(),
        segmentBytes: 1024 * 1024,
        checkpointBytes: 1024 * 1024,
        ...options.settings,
        limits: options.limits ?? {},
      },
    });
  }

  /** All nodes in one cluster, with `namespace` on the named ones. */
  static founded(nodes: number, namespace: string, on: readonly string[], options: StoryOptions = {}): Story {
    const story = new Story(nodes, options);
    story.world.found([]);
    story.done(story.create(namespace, on));
    story.settle();
    return story;
  }

  node(name: string): SimNode {
    return this.world.node(name);
  }

  /** Lets milliseconds of virtual time pass. */
  pass(ms: number): void {
    this.world.run(ms * 1000);
  }

  /** Runs until every node that is alive is ready, and knows everything. */
  settle(): void {
    this.until('all are ready', () => this.world.nodes.every((node) => node.node === null || node.node.ready().ok));
    this.pass(50);
  }

  until(what: string, check: () => boolean, patienceMs = 30_000): void {
    if (!this.world.until(check, patienceMs * 1000)) throw new Error(`${what}: not within ${patienceMs} ms`);
  }

  placements(on: readonly string[]): Placement[] {
    return on.map((name, i) => ({ replica: `r${i + 1}`, node: name, address: this.node(name).clusterAddress }));
  }

  create(namespace: string, on: readonly string[], at = 'n1'): Result<AdminResult> {
    return this.admin(at, {
      kind: 'createNamespace',
      namespace,
      replicas: this.placements(on),
      allowSmall: on.length < 3,
    });
  }

  join(name: string, at = 'n1', address = this.node(name).clusterAddress): Result<AdminResult> {
    return this.admin(at, { kind: 'clusterJoin', node: name, address });
  }

  admin(at: string, command: AdminCommand): Result<AdminResult> {
    return this.world.admin(this.node(at), command);
  }

  done(result: Result<AdminResult>): AdminResult {
    if (!result.ok) throw new Error(`${result.error.code}: ${result.error.message}`);
    return result.value;
  }

  /** A client that has only the addresses of these nodes. */
  client(at: readonly string[], options: Partial<ClientOptions> = {}): SimClient {
    return this.world.addClient({ addresses: at.map((name) => this.node(name).apiAddress), ...options });
  }

  enter(user: SimClient, namespace: string): Result<Entered> {
    return this.#wait((done) => void user.client.enter(namespace, done));
  }

  /** Enters an existing namespace. */
  entered(user: SimClient, namespace: string): Entered {
    const result = this.enter(user, namespace);
    if (!result.ok) throw new Error(result.error.message);
    return result.value;
  }

  ask(user: SimClient, operation: Operation, options: ExecuteOptions = {}): Result<Reply> {
    return this.#wait((done) => void user.client.execute(operation, options, done));
  }

  #wait<T>(start: (done: (result: Result<T>) => void) => void): Result<T> {
    const results: Result<T>[] = [];
    start((result) => void results.push(result));
    this.until('an answer', () => results.length > 0, 120_000);
    return results[0]!;
  }

  /** A connection that is not one of our clients. */
  dial(address: string, subprotocol: string): RawConnection {
    const raw: { -readonly [K in keyof RawConnection]: RawConnection[K] } = {
      link: { send: () => undefined, close: () => undefined, buffered: () => 0 },
      frames: [],
      closed: null,
      opened: false,
    };
    raw.link = this.world.network.transportOf(`x${++this.#hosts}`).dial(address, subprotocol, {
      onOpen: () => (raw.opened = true),
      onFrame: (frame) => void raw.frames.push(frame),
      onClose: (code, reason) => (raw.closed = { code, reason }),
    });
    this.until('a connection', () => raw.opened || raw.closed !== null);
    return raw;
  }

  /** The node of the primary of a namespace, according to the primary itself. */
  primaryOf(namespaceId: number): SimNode {
    const found = this.world.nodes.find((node) =>
      node.hosts.some((host) => host.namespaceId === namespaceId && host.isPrimary),
    );
    if (found === undefined) throw new Error('no primary');
    return found;
  }

  /** Cuts both directions between two hosts. */
  part(a: string, b: string): void {
    this.world.network.cut(a, b);
    this.world.network.cut(b, a);
  }

  reunite(a: string, b: string): void {
    this.world.network.mend(a, b);
    this.world.network.mend(b, a);
  }
}

export function put(path: string, text: string): Operation {
  return { kind: 'blobPut', path, value: utf8(text), ifVersion: null, ifAbsent: false };
}

export function createBlob(path: string): Operation {
  return { kind: 'create', path, type: 'blob', value: utf8('first') };
}

export function get(path: string): Operation {
  return { kind: 'blobGet', path };
}

/** The value that a read returned, or the code of its error. */
export function valueOf(result: Result<Reply>): string {
  if (!result.ok) return result.error.code;
  const { answer } = result.value;
  if (answer.kind === 'error') return answer.error.code;
  if (answer.kind !== 'result' || !('value' in answer.result)) return answer.kind;
  const { value } = answer.result;
  return value instanceof Uint8Array ? new TextDecoder().decode(value) : String(value);
}

export function errorOf(result: Result<unknown>): ErrorInfo | null {
  return result.ok ? null : result.error;
}

export function codeOf(result: Result<unknown>): ErrorCode | 'ok' {
  return result.ok ? 'ok' : result.error.code;
}
