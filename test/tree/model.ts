/**
 * A tree that is obviously right and slow: a plain map from paths to nodes, of which each transaction first makes a
 * whole copy.
 */

import { compareBytes, compareText, equalBytes, textOf, utf8Length } from '../../core/base/bytes.ts';
import type { ClaimKind } from './data.ts';
import type { ErrorCode } from '../../core/base/errors.ts';
import type {
  Asked,
  Guard,
  Operation,
  OperationResult,
  ReadKind,
  SimpleOperation,
  SimpleResult,
  Upsertable,
} from '../../core/tree/operation.ts';

type Content =
  | { type: 'directory' }
  | { type: 'blob'; value: Uint8Array }
  | { type: 'queue'; items: Uint8Array[] }
  | { type: 'set'; members: Uint8Array[] }
  | { type: 'counter'; value: number };

interface ModelNode {
  version: number;
  created: number;
  modified: number;
  content: Content;
  life: { owner: number; readonly ttlMs: number; since: number } | null;
  /** A directory that goes with its last child. */
  auto: boolean;
}

/** The content of a node of each type when it is made. */
const made: { readonly [T in Content['type']]: (value: Uint8Array | null) => Extract<Content, { type: T }> } = {
  directory: () => ({ type: 'directory' }),
  blob: (value) => ({ type: 'blob', value: value ?? new Uint8Array() }),
  queue: () => ({ type: 'queue', items: [] }),
  set: () => ({ type: 'set', members: [] }),
  counter: (value) => ({ type: 'counter', value: value === null ? 0 : Number(textOf(value)) }),
};

/** The content of a node that an upsert makes before it does its operation. Null for one that makes the node whole. */
const upserted: { readonly [K in Exclude<Upsertable['kind'], ClaimKind>]: (() => Content) | null } = {
  blobPut: null,
  queuePush: () => made.queue(null),
  setInsert: () => made.set(null),
  counterAdd: () => made.counter(null),
};

/** The bytes of a value of each type, without its name. */
const contentBytes: { readonly [T in Content['type']]: (content: Extract<Content, { type: T }>) => number } = {
  directory: () => 0,
  blob: ({ value }) => value.length,
  queue: ({ items }) => sumOf(items),
  set: ({ members }) => sumOf(members),
  counter: () => 8,
};

function sumOf(values: readonly Uint8Array[]): number {
  return values.reduce((total, value) => total + value.length + 8, 0);
}

/** Reads that other tests check. The model does not do them. */
type Unmodelled =
  | ClaimKind
  | 'blobSize'
  | 'children'
  | 'counterGet'
  | 'exists'
  | 'largest'
  | 'queueBack'
  | 'queueFront'
  | 'queueLength'
  | 'queueList'
  | 'setContains'
  | 'setMembers'
  | 'setSize'
  | 'setSubset'
  | 'setSuperset';
/** Reads that the model does. */
export type ModelledRead = Exclude<ReadKind, Unmodelled>;

class Refused extends Error {
  readonly code: ErrorCode;
  constructor(code: ErrorCode) {
    super(code);
    this.code = code;
  }
}

const above = (path: string): string => (path.lastIndexOf('/') === 0 ? '/' : path.slice(0, path.lastIndexOf('/')));

export class Model {
  nodes = new Map<string, ModelNode>([
    ['/', { version: 0, created: 0, modified: 0, content: { type: 'directory' }, life: null, auto: false }],
  ]);
  #op = 0;
  #session = 0;
  #now = 0;
  /** How many sequential nodes the entry made. */
  #made = 0;
  /** What was due before the entry, and something kept. */
  readonly #overdue = new Set<string>();

  apply(operation: Operation, op: number, session = 0, now = 0): OperationResult | ErrorCode {
    const before = structuredClone(this.nodes);
    this.#begin(op, session, now);
    try {
      if (operation.kind !== 'transaction') return this.#simple(operation);
      const held = operation.guards.every((guard) => this.#holds(guard));
      const branch = held ? operation.then : operation.otherwise;
      return { kind: 'transaction', held, results: branch.map((one) => this.#simple(one)) };
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.nodes = before;
      return error.code;
    }
  }

  #begin(op: number, session: number, now: number): void {
    this.#op = op;
    this.#session = session;
    this.#now = now;
    this.#made = 0;
    this.#overdue.clear();
  }

  /** What a session owned goes with it, in the order in which it was made. */
  end(session: number, op: number, now: number): void {
    this.#begin(op, 0, now);
    const of = [...this.nodes].filter(([, { life }]) => life?.owner === session);
    for (const [path] of of.sort(([, a], [, b]) => a.created - b.created)) if (this.nodes.has(path)) this.#drop(path);
  }

  /** It passes to another session, and nobody sees a change. */
  pass(from: number, to: number): void {
    for (const { life } of this.nodes.values()) if (life?.owner === from) life.owner = to;
  }

  expire(op: number, now: number): void {
    this.#begin(op, 0, now);
    for (;;) {
      const due = [...this.nodes].find(([path]) => this.#isDue(path) && !this.#isKept(path));
      if (due === undefined) return;
      this.#drop(due[0]);
    }
  }

  /** When each node is due that nothing keeps. */
  deadlines(): readonly (readonly [path: string, at: number])[] {
    return [...this.nodes].flatMap(([path, { life }]) =>
      life === null || life.ttlMs === 0 || this.#isKept(path) ? [] : [[path, life.since + life.ttlMs] as const],
    );
  }

  #isDue(path: string): boolean {
    const life = this.nodes.get(path)?.life;
    return life != null && life.ttlMs > 0 && life.since + life.ttlMs <= this.#now;
  }

  #isKept(path: string): boolean {
    return [...this.nodes.keys()].some((one) => one !== '/' && above(one) === path);
  }

  /** Removes a node with what is beneath it, and the directories that only it kept. */
  #drop(path: string): void {
    let top = path;
    for (let up = above(top); up !== '/'; up = above(top)) {
      const children = [...this.nodes.keys()].filter((one) => one !== '/' && above(one) === up);
      const goes = this.nodes.get(up)!.auto || this.#isDue(up) || this.#overdue.has(up);
      if (children.length > 1 || !goes) break;
      top = up;
    }
    for (const one of this.#ancestors(top)) this.#touchOne(one);
    for (const one of [...this.nodes.keys()]) if (one === top || one.startsWith(`${top}/`)) this.nodes.delete(one);
  }

  #ancestors(path: string): string[] {
    const all: string[] = [];
    for (let at = path; at !== '/';) {
      at = above(at);
      all.unshift(at);
    }
    return all;
  }

  #lookup(path: string): ModelNode | undefined {
    for (const one of this.#ancestors(path)) {
      const type = this.nodes.get(one)?.content.type;
      if (type !== undefined && type !== 'directory') throw new Refused('PathMustBeDirectory');
    }
    return this.nodes.get(path);
  }

  #need(path: string): ModelNode {
    const node = this.#lookup(path);
    if (node === undefined) throw new Refused('PathNotFound');
    return node;
  }

  #content<T extends Content['type']>(path: string, type: T): Extract<Content, { type: T }> {
    const { content } = this.#need(path);
    if (content.type !== type) throw new Refused('WrongType');
    return content as Extract<Content, { type: T }>;
  }

  #touch(path: string): number {
    for (const one of path === '/' ? ['/'] : [...this.#ancestors(path), path]) {
      if (this.nodes.has(one)) this.#touchOne(one);
    }
    return this.nodes.get(path)?.version ?? 0;
  }

  #create(path: string, content: Content, life: ModelNode['life'] = null, auto = false): SimpleResult {
    const there = this.#lookup(path);
    if (there?.auto === true && there.content.type === content.type) {
      there.auto = false;
      return { kind: 'done', version: this.#touch(path) };
    }
    if (there !== undefined) throw new Refused('PathExists');
    const made = [...this.#ancestors(path), path].filter((one) => !this.nodes.has(one));
    for (const one of this.#ancestors(path)) if (this.nodes.has(one)) this.#touchOne(one);
    for (const one of made) {
      const inside: Content = one === path ? content : { type: 'directory' };
      const mine = one === path ? { life, auto: false } : { life: null, auto };
      this.nodes.set(one, { version: 0, created: this.#op, modified: this.#op, content: inside, ...mine });
    }
    return { kind: 'done', version: 0 };
  }

  #touchOne(path: string): void {
    const node = this.nodes.get(path)!;
    node.version += 1;
    node.modified = this.#op;
    if (node.life === null) return;
    if (this.#isDue(path) && this.#isKept(path)) this.#overdue.add(path);
    node.life.since = this.#now;
  }

  #createWith(asked: Asked<'createWith'>): SimpleResult {
    const { type, value, ephemeral, sequential, adopt, ttlMs, auto } = asked;
    this.#lookup(asked.path);
    if ((ephemeral && type === 'directory') || (adopt && (!ephemeral || sequential))) throw new Refused('BadArgument');
    const digits = String(this.#op).padStart(16, '0');
    const place = this.#made === 0 ? '' : `.${String(this.#made).padStart(4, '0')}`;
    const path = sequential ? `${asked.path}${digits}${place}` : asked.path;
    if (sequential) this.#made++;
    const there = this.#lookup(path);
    const session = this.#session;
    if (ephemeral && session === 0) throw new Refused('BadArgument');
    const life = ephemeral || ttlMs !== null ? { owner: ephemeral ? session : 0, ttlMs: ttlMs ?? 0, since: 0 } : null;
    if (life !== null) life.since = this.#now;
    const result = (version: number): SimpleResult => {
      const { created } = this.nodes.get(path)!;
      return { kind: 'created', path, version, created, clock: this.#now, changed: 0 };
    };
    if (there === undefined || !ephemeral) {
      const content = made[type as Content['type']](value);
      const { version } = this.#create(path, content, life, auto) as { version: number };
      // One that was there already has the life from now on.
      if (life !== null) this.nodes.get(path)!.life = life;
      return result(version);
    }
    if (!adopt || there.life?.owner !== session || there.content.type !== type) throw new Refused('PathExists');
    there.life = life;
    if (there.content.type !== 'blob' || value === null) return result(there.version);
    there.content.value = value;
    return result(this.#touch(path));
  }

  #members(path: string): Uint8Array[] {
    return this.#content(path, 'set').members;
  }

  #simple(operation: SimpleOperation): SimpleResult {
    const { nodes } = this;
    const has = (members: Uint8Array[], member: Uint8Array): boolean => members.some((one) => equalBytes(one, member));
    const sorted = (members: Uint8Array[]): SimpleResult => {
      const unique = members.filter((one, index) => !has(members.slice(0, index), one));
      return { kind: 'values', values: unique.sort(compareBytes), more: false };
    };
    switch (operation.kind) {
      case 'create': {
        const { type, value } = operation;
        if (!Object.hasOwn(made, type)) throw new Refused('UnknownOperation');
        return this.#create(operation.path, made[type as Content['type']](value));
      }
      case 'createWith':
        return this.#createWith(operation);
      case 'touch': {
        const { life, version } = this.#need(operation.path);
        if (life === null || life.ttlMs === 0) throw new Refused('BadArgument');
        life.since = this.#now;
        return { kind: 'done', version };
      }
      case 'delete': {
        const { path } = operation;
        if (path === '/') throw new Refused('CannotDeleteRoot');
        const { version } = this.#need(path);
        if (operation.ifVersion !== null && operation.ifVersion !== version) throw new Refused('GuardFailed');
        const beneath = [...nodes.keys()].filter((one) => one.startsWith(`${path}/`));
        if (beneath.length > 0 && !operation.recursive) throw new Refused('DirectoryNotEmpty');
        this.#drop(path);
        return { kind: 'done', version };
      }
      case 'blobPut': {
        const { path, value } = operation;
        if (operation.ifAbsent) {
          if (this.#lookup(path) !== undefined) throw new Refused('GuardFailed');
          return this.#create(path, { type: 'blob', value });
        }
        const content = this.#content(path, 'blob');
        if (operation.ifVersion !== null && operation.ifVersion !== this.#need(path).version)
          throw new Refused('GuardFailed');
        content.value = value;
        return { kind: 'done', version: this.#touch(path) };
      }
      case 'upsert': {
        const { operation: inner } = operation;
        if (inner.kind === 'blobPut' && (inner.ifAbsent || inner.ifVersion !== null)) {
          this.#lookup(inner.path);
          throw new Refused('BadArgument');
        }
        const { path } = inner;
        if (this.#lookup(path) === undefined) {
          if (inner.kind === 'blobPut') return this.#create(path, { type: 'blob', value: inner.value });
          const content = upserted[inner.kind as keyof typeof upserted]?.();
          if (content !== undefined) this.#create(path, content);
        }
        return this.#simple(inner);
      }
      case 'blobCas': {
        const content = this.#content(operation.path, 'blob');
        if (!equalBytes(content.value, operation.expected)) throw new Refused('GuardFailed');
        content.value = operation.value;
        return { kind: 'done', version: this.#touch(operation.path) };
      }
      case 'queuePush':
        this.#content(operation.path, 'queue').items.push(operation.value);
        return { kind: 'done', version: this.#touch(operation.path) };
      case 'queuePop': {
        const value = this.#content(operation.path, 'queue').items.shift() ?? null;
        const version = value === null ? this.#need(operation.path).version : this.#touch(operation.path);
        return { kind: 'value', value, version };
      }
      case 'setInsert':
      case 'setRemove': {
        const content = this.#content(operation.path, 'set');
        const present = has(content.members, operation.member);
        if (present === (operation.kind === 'setInsert'))
          return { kind: 'truth', truth: false, version: this.#need(operation.path).version };
        if (present) content.members = content.members.filter((one) => !equalBytes(one, operation.member));
        else content.members.push(operation.member);
        return { kind: 'truth', truth: true, version: this.#touch(operation.path) };
      }
      case 'counterAdd': {
        const content = this.#content(operation.path, 'counter');
        if (!Number.isSafeInteger(content.value + operation.by)) throw new Refused('CounterOverflow');
        content.value += operation.by;
        const { path, by } = operation;
        return {
          kind: 'number',
          number: content.value,
          version: by === 0 ? this.#need(path).version : this.#touch(path),
        };
      }
      case 'blobGet':
        return {
          kind: 'value',
          value: this.#content(operation.path, 'blob').value,
          version: this.#need(operation.path).version,
        };
      case 'setUnion':
        return sorted(operation.paths.flatMap((path) => this.#members(path)));
      case 'setIntersection': {
        const all = operation.paths.map((path) => this.#members(path));
        return sorted((all[0] ?? []).filter((member) => all.every((set) => has(set, member))));
      }
      case 'setDifference': {
        const [one, two] = [this.#members(operation.path), this.#members(operation.other)];
        return sorted(one.filter((member) => !has(two, member)));
      }
      case 'setSymmetricDifference': {
        const [one, two] = [this.#members(operation.path), this.#members(operation.other)];
        return sorted([...one.filter((m) => !has(two, m)), ...two.filter((m) => !has(one, m))]);
      }
      case 'stat': {
        const { path } = operation;
        const node = this.#need(path);
        const beneath = [...nodes.keys()].filter(
          (one) => one.startsWith(path === '/' ? '/' : `${path}/`) && one !== '/',
        );
        const own = (one: string): number => {
          const { content } = nodes.get(one)!;
          const name = one === '/' ? 0 : utf8Length(one.slice(one.lastIndexOf('/') + 1));
          return name + contentBytes[content.type](content as never);
        };
        const { content } = node;
        const children = beneath.filter((one) => above(one) === path).length;
        const count =
          content.type === 'queue' ? content.items.length : content.type === 'set' ? content.members.length : children;
        const { version, created, modified } = node;
        const subtreeBytes = own(path) + beneath.reduce((total, one) => total + own(one), 0);
        const stat = { path, type: content.type, version, created, modified, count, bytes: own(path), subtreeBytes };
        const { life, auto } = node;
        const owner = life === null || life.owner === 0 ? null : life.owner;
        const ttlMs = life === null || life.ttlMs === 0 ? null : life.ttlMs;
        return { kind: 'stat', stat: { ...stat, subtreeNodes: 1 + beneath.length, owner, ttlMs, auto } };
      }
      case 'keys': {
        this.#need(operation.path);
        return { kind: 'paths', paths: this.paths(operation.path), more: false };
      }
      default:
        operation.kind satisfies Unmodelled;
        throw new Error(`the model has no ${operation.kind}`);
    }
  }

  /** Sorted part by part, which is depth first. */
  paths(path: string): string[] {
    const beneath = path === '/' ? '/' : `${path}/`;
    const parts = (one: string): string[] => (one === '/' ? [] : one.slice(1).split('/'));
    return [...this.nodes.keys()]
      .filter((one) => one === path || one.startsWith(beneath))
      .sort((a, b) => {
        const [as, bs] = [parts(a), parts(b)];
        for (let i = 0; i < Math.min(as.length, bs.length); i++) {
          const order = compareText(as[i]!, bs[i]!);
          if (order !== 0) return order;
        }
        return as.length - bs.length;
      });
  }

  #holds(guard: Guard): boolean {
    let node: ModelNode | undefined;
    try {
      node = this.#lookup(guard.path);
    } catch {
      node = undefined;
    }
    if (guard.kind === 'absent') return node === undefined;
    if (node === undefined) return false;
    const { content } = node;
    switch (guard.kind) {
      case 'exists':
        return true;
      case 'version':
        return node.version === guard.version;
      case 'created':
        return node.created === guard.op;
      case 'modified':
        return node.modified === guard.op;
      case 'type':
        return content.type === guard.type;
      case 'blobValue':
        return content.type === 'blob' && equalBytes(content.value, guard.value);
      case 'blobSize':
        return content.type === 'blob' && content.value.length === guard.size;
      case 'setMember':
        return content.type === 'set' && content.members.some((one) => equalBytes(one, guard.member));
      case 'owner':
        return node.life !== null && node.life.owner !== 0 && node.life.owner === guard.session;
      case 'held':
      case 'heldBy':
        return false;
    }
  }
}
