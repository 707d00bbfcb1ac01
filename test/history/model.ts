/**
 * A second, slow implementation of the tree, written from docs/wire.md: a plain map from paths to nodes that never
 * change. The checker of histories believes this file, and nothing of `core/tree`.
 */

import type {
  Guard,
  NodeType,
  Operation,
  SimpleOperation,
  SimpleRead,
  SimpleWrite,
  Told,
  Upsertable,
  Value,
} from './format.ts';

interface ModelNode {
  readonly type: NodeType;
  readonly version: number;
  /** A blob's value, a queue's items, a set's members, a counter's value. */
  readonly content: Value | readonly Value[] | number | null;
}

/** A part of the tree after some operations, as a value. */
export interface State {
  readonly nodes: ReadonlyMap<string, ModelNode>;
  /** Equal for equal states. */
  readonly key: string;
}

export type Applied =
  { readonly state: State; readonly result: Told } | { readonly state: State; readonly error: StateError };

/**
 * Errors that follow from the state. Other errors come from limits or arguments. About these the model only knows that
 * nothing happened.
 */
const stateErrors = [
  'PathExists',
  'PathNotFound',
  'PathMustBeDirectory',
  'WrongType',
  'GuardFailed',
  'DirectoryNotEmpty',
  'CannotDeleteRoot',
  'CounterOverflow',
] as const;
export type StateError = (typeof stateErrors)[number];

export function isStateError(code: string): code is StateError {
  return (stateErrors as readonly string[]).includes(code);
}

class Refused extends Error {
  readonly code: StateError;
  constructor(code: StateError) {
    super(code);
    this.code = code;
  }
}

/** An operation that the model does not know. */
export class NotModelled extends Error {
  override readonly name = 'NotModelled';

  /** @param kind the compiler knows that none is left. A history may have others. */
  static kind({ kind }: never): NotModelled {
    return new NotModelled(kind);
  }
}

/** The content with which a node of each type is made. */
const made: { readonly [T in NodeType]: (value: Value | null) => ModelNode['content'] } = {
  directory: () => null,
  blob: (value) => value ?? '',
  queue: () => [],
  set: () => [],
  counter: (value) => Number(value ?? 0),
};

export function parentOf(path: string): string | null {
  if (path === '/') return null;
  const slash = path.lastIndexOf('/');
  return slash <= 0 ? '/' : path.slice(0, slash);
}

/** The directories above the path, from the root down. */
function ancestorsOf(path: string): string[] {
  const all: string[] = [];
  for (let at = parentOf(path); at !== null; at = parentOf(at)) all.push(at);
  return all.reverse();
}

export function isBeneath(path: string, top: string): boolean {
  return top === '/' ? path !== '/' : path.startsWith(`${top}/`);
}

function keyOf(nodes: ReadonlyMap<string, ModelNode>): string {
  const parts: string[] = [];
  for (const path of [...nodes.keys()].sort()) {
    const { type, version, content } = nodes.get(path)!;
    parts.push(path, type, String(version), JSON.stringify(content));
  }
  return parts.join('\u0001');
}

/** The part of the tree at and beneath some paths. Nodes above them are never read, so the model does not have them. */
export class Model {
  readonly #tops: readonly string[];
  readonly empty: State;

  /** @param tops paths, of which none is beneath another. */
  constructor(tops: readonly string[]) {
    this.#tops = tops;
    const nodes = new Map<string, ModelNode>();
    if (tops.includes('/')) nodes.set('/', { type: 'directory', version: 0, content: null });
    this.empty = { nodes, key: keyOf(nodes) };
  }

  #tracked(path: string): boolean {
    return this.#tops.some((top) => path === top || isBeneath(path, top));
  }

  /** @throws NotModelled for an operation that the model does not know. */
  apply(state: State, operation: Operation): Applied {
    const step = new Step(state.nodes, (path) => this.#tracked(path));
    try {
      const result = step.run(operation);
      if (step.nodes === state.nodes) return { state, result };
      return { state: { nodes: step.nodes, key: keyOf(step.nodes) }, result };
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      return { state, error: error.code };
    }
  }
}

class Step {
  nodes: ReadonlyMap<string, ModelNode>;
  readonly #tracked: (path: string) => boolean;
  #own: Map<string, ModelNode> | null = null;

  constructor(nodes: ReadonlyMap<string, ModelNode>, tracked: (path: string) => boolean) {
    this.nodes = nodes;
    this.#tracked = tracked;
  }

  run(operation: Operation): Told {
    if (operation.kind !== 'transaction') return this.#simple(operation);
    const held = operation.guards.every((guard) => this.#holds(guard));
    const branch = held ? operation.then : operation.otherwise;
    return { kind: 'transaction', held, results: branch.map((one) => this.#simple(one)) };
  }

  #set(path: string, node: ModelNode | null): void {
    if (!this.#tracked(path)) return;
    if (this.#own === null) this.nodes = this.#own = new Map(this.nodes);
    if (node === null) this.#own.delete(path);
    else this.#own.set(path, node);
  }

  #lookup(path: string): ModelNode | undefined {
    for (const one of ancestorsOf(path)) {
      const node = this.nodes.get(one);
      if (node !== undefined && node.type !== 'directory') throw new Refused('PathMustBeDirectory');
    }
    return this.nodes.get(path);
  }

  #need(path: string): ModelNode {
    const node = this.#lookup(path);
    if (node === undefined) throw new Refused('PathNotFound');
    return node;
  }

  #typed(path: string, type: NodeType): ModelNode {
    const node = this.#need(path);
    if (node.type !== type) throw new Refused('WrongType');
    return node;
  }

  #value(path: string): Value {
    return this.#typed(path, 'blob').content as Value;
  }

  #many(path: string, type: 'queue' | 'set'): readonly Value[] {
    return this.#typed(path, type).content as readonly Value[];
  }

  #number(path: string): number {
    return this.#typed(path, 'counter').content as number;
  }

  #grow(path: string): void {
    const node = this.nodes.get(path);
    if (node !== undefined) this.#set(path, { ...node, version: node.version + 1 });
  }

  /** Gives a node other content. Its version, and those of the directories above, grow by one. */
  #change(path: string, content: ModelNode['content']): number {
    const node = this.nodes.get(path)!;
    for (const one of ancestorsOf(path)) this.#grow(one);
    this.#set(path, { ...node, version: node.version + 1, content });
    return node.version + 1;
  }

  #create(path: string, type: NodeType, content: ModelNode['content']): Told {
    if (this.#lookup(path) !== undefined) throw new Refused('PathExists');
    for (const one of ancestorsOf(path)) {
      if (this.nodes.has(one)) this.#grow(one);
      else this.#set(one, { type: 'directory', version: 0, content: null });
    }
    this.#set(path, { type, version: 0, content });
    return { kind: 'done', version: 0 };
  }

  #delete({ path, recursive, ifVersion }: Extract<SimpleOperation, { kind: 'delete' }>): Told {
    if (path === '/') throw new Refused('CannotDeleteRoot');
    const { version } = this.#need(path);
    if (typeof ifVersion === 'number' && ifVersion !== version) throw new Refused('GuardFailed');
    const beneath = [...this.nodes.keys()].filter((one) => isBeneath(one, path));
    if (beneath.length > 0 && recursive !== true) throw new Refused('DirectoryNotEmpty');
    for (const one of [path, ...beneath]) this.#set(one, null);
    for (const one of ancestorsOf(path)) this.#grow(one);
    return { kind: 'done', version };
  }

  #put({ path, value, ifVersion, ifAbsent }: Extract<SimpleOperation, { kind: 'blobPut' }>): Told {
    if (ifAbsent === true) {
      if (this.#lookup(path) !== undefined) throw new Refused('GuardFailed');
      return this.#create(path, 'blob', value);
    }
    const { version } = this.#typed(path, 'blob');
    if (typeof ifVersion === 'number' && ifVersion !== version) throw new Refused('GuardFailed');
    return { kind: 'done', version: this.#change(path, value) };
  }

  #upsert(operation: Upsertable): Told {
    if (!('path' in operation)) throw NotModelled.kind(operation);
    const { path } = operation;
    if (this.#lookup(path) !== undefined) return this.#simple(operation);
    switch (operation.kind) {
      case 'blobPut':
        return this.#create(path, 'blob', operation.value);
      case 'queuePush':
        this.#create(path, 'queue', []);
        break;
      case 'setInsert':
        this.#create(path, 'set', []);
        break;
      case 'counterAdd':
        this.#create(path, 'counter', 0);
        break;
      default:
        throw NotModelled.kind(operation);
    }
    return this.#simple(operation);
  }

  #simple(operation: SimpleOperation): Told {
    return isRead(operation) ? this.#read(operation) : this.#write(operation);
  }

  #write(operation: SimpleWrite): Told {
    switch (operation.kind) {
      case 'create': {
        const { path, type, value = null } = operation;
        if (!Object.hasOwn(made, type)) throw new NotModelled(`the type ${type}`);
        return this.#create(path, type, made[type](value));
      }
      case 'delete':
        return this.#delete(operation);
      case 'blobPut':
        return this.#put(operation);
      case 'upsert':
        return this.#upsert(operation.operation);
      case 'blobCas':
        if (this.#value(operation.path) !== operation.expected) throw new Refused('GuardFailed');
        return { kind: 'done', version: this.#change(operation.path, operation.value) };
      case 'queuePush': {
        const items = this.#many(operation.path, 'queue');
        return { kind: 'done', version: this.#change(operation.path, [...items, operation.value]) };
      }
      case 'queuePop': {
        const [first, ...rest] = this.#many(operation.path, 'queue');
        if (first === undefined) return { kind: 'value', value: null, version: this.#version(operation.path) };
        return { kind: 'value', value: first, version: this.#change(operation.path, rest) };
      }
      case 'setInsert':
      case 'setRemove': {
        const { path, member } = operation;
        const members = this.#many(path, 'set');
        const has = members.includes(member);
        if (has === (operation.kind === 'setInsert'))
          return { kind: 'truth', truth: false, version: this.#version(path) };
        const after = has ? members.filter((one) => one !== member) : [...members, member].sort();
        return { kind: 'truth', truth: true, version: this.#change(path, after) };
      }
      case 'counterAdd': {
        const { path, by } = operation;
        const number = this.#number(path) + by;
        if (!Number.isSafeInteger(number)) throw new Refused('CounterOverflow');
        return { kind: 'number', number, version: by === 0 ? this.#version(path) : this.#change(path, number) };
      }
      default:
        throw NotModelled.kind(operation);
    }
  }

  #version(path: string): number {
    return this.nodes.get(path)!.version;
  }

  #read(operation: SimpleRead): Told {
    const { path } = operation;
    switch (operation.kind) {
      case 'blobGet':
        return { kind: 'value', value: this.#value(path), version: this.#version(path) };
      case 'blobSize':
        return { kind: 'number', number: bytesOf(this.#value(path)), version: this.#version(path) };
      case 'counterGet':
        return { kind: 'number', number: this.#number(path), version: this.#version(path) };
      case 'queueFront':
        return { kind: 'value', value: this.#many(path, 'queue')[0] ?? null, version: this.#version(path) };
      case 'queueBack':
        return { kind: 'value', value: this.#many(path, 'queue').at(-1) ?? null, version: this.#version(path) };
      case 'queueLength':
        return { kind: 'number', number: this.#many(path, 'queue').length, version: this.#version(path) };
      case 'setContains': {
        const truth = this.#many(path, 'set').includes(operation.member);
        return { kind: 'truth', truth, version: this.#version(path) };
      }
      case 'setSize':
        return { kind: 'number', number: this.#many(path, 'set').length, version: this.#version(path) };
      case 'setMembers':
        return { kind: 'values', values: this.#many(path, 'set') };
      case 'exists': {
        let node: ModelNode | undefined;
        try {
          node = this.#lookup(path);
        } catch {
          // No node is beneath a leaf. That is an answer, not a mistake.
        }
        return { kind: 'truth', truth: node !== undefined, version: node?.version ?? null };
      }
      case 'stat': {
        const { type, version, content } = this.#need(path);
        const children = [...this.nodes.keys()].filter((one) => parentOf(one) === path).length;
        const count = type === 'queue' || type === 'set' ? (content as readonly Value[]).length : children;
        return { kind: 'stat', type, version, count };
      }
      case 'keys': {
        this.#need(path);
        const paths = [...this.nodes.keys()].filter((one) => one === path || isBeneath(one, path));
        return { kind: 'paths', paths };
      }
    }
  }

  #holds(guard: Guard): boolean {
    let node: ModelNode | undefined;
    try {
      node = this.#lookup(guard.path);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
    }
    switch (guard.kind) {
      case 'absent':
        return node === undefined;
      case 'exists':
        return node !== undefined;
      case 'version':
        return node?.version === guard.version;
      case 'type':
        return node?.type === guard.type;
      case 'blobValue':
        return node?.type === 'blob' && node.content === guard.value;
      case 'setMember':
        return node?.type === 'set' && (node.content as readonly Value[]).includes(guard.member);
      default:
        throw new NotModelled(`the guard ${(guard as { readonly kind: string }).kind}`);
    }
  }
}

function bytesOf(value: Value): number {
  if (!value.startsWith('base64:')) return new TextEncoder().encode(value).length;
  return Math.floor((value.slice('base64:'.length).replace(/=+$/, '').length * 3) / 4);
}

/** True when the answer fits that of the model. */
export function fits(told: Told, answer: Told): boolean {
  if (told.kind !== undefined && told.kind !== answer.kind) return false;
  if (told.version !== undefined && told.version !== answer.version) return false;
  if (told.value !== undefined && told.value !== answer.value) return false;
  if (told.number !== undefined && told.number !== answer.number) return false;
  if (told.truth !== undefined && told.truth !== answer.truth) return false;
  if (told.type !== undefined && told.type !== answer.type) return false;
  if (told.count !== undefined && told.count !== answer.count) return false;
  if (told.held !== undefined && told.held !== answer.held) return false;
  if (told.values !== undefined && !sameMembers(told.values, answer.values)) return false;
  if (told.paths !== undefined && !sameMembers(told.paths, answer.paths)) return false;
  if (told.results === undefined) return true;
  const { results } = answer;
  return results?.length === told.results.length && told.results.every((one, i) => fits(one, results[i]!));
}

function sameMembers(told: readonly string[], answer: readonly string[] | undefined): boolean {
  if (told.length !== answer?.length) return false;
  const [one, other] = [[...told].sort(), [...answer].sort()];
  return one.every((value, i) => value === other[i]);
}

const reads: { readonly [K in SimpleRead['kind']]: true } = {
  setContains: true,
  blobGet: true,
  blobSize: true,
  counterGet: true,
  exists: true,
  queueFront: true,
  queueBack: true,
  queueLength: true,
  setMembers: true,
  setSize: true,
  keys: true,
  stat: true,
};

export function isRead(operation: Operation): operation is SimpleRead {
  return Object.hasOwn(reads, operation.kind);
}

/** The paths in an operation. */
export function pathsOf(operation: Operation): readonly string[] {
  if (operation.kind === 'transaction') {
    const { guards, then, otherwise } = operation;
    return [...guards.map(({ path }) => path), ...[...then, ...otherwise].flatMap(pathsOf)];
  }
  return operation.kind === 'upsert' ? pathsOf(operation.operation) : [operation.path];
}
