/**
 * The written form of a history of clients: JSON, with one record a line (docs/history.md). This room does not know
 * haret's code, because a checker of a cluster must not believe that code.
 */

/** Text. Bytes that are not text are written as `{"base64": "..."}`, and are `base64:...` here. */
export type Value = string;

export type LeafType = 'blob' | 'queue' | 'set' | 'counter';
export type NodeType = 'directory' | LeafType;

/** Writes that an upsert can do, which makes their node first where none exists. */
export type Upsertable =
  | PutOperation
  | { readonly kind: 'queuePush'; readonly path: string; readonly value: Value }
  | { readonly kind: 'setInsert'; readonly path: string; readonly member: Value }
  | { readonly kind: 'counterAdd'; readonly path: string; readonly by: number };

export type SimpleWrite =
  | Upsertable
  | { readonly kind: 'create'; readonly path: string; readonly type: NodeType; readonly value?: Value | null }
  | { readonly kind: 'delete'; readonly path: string; readonly recursive?: boolean; readonly ifVersion?: number | null }
  | { readonly kind: 'blobCas'; readonly path: string; readonly expected: Value; readonly value: Value }
  | { readonly kind: 'queuePop'; readonly path: string }
  | { readonly kind: 'setRemove'; readonly path: string; readonly member: Value }
  | { readonly kind: 'upsert'; readonly operation: Upsertable };

/** Operations that cannot change anything. */
export type SimpleRead =
  | { readonly kind: 'setContains'; readonly path: string; readonly member: Value }
  | {
      readonly kind:
        | 'blobGet'
        | 'blobSize'
        | 'counterGet'
        | 'exists'
        | 'queueFront'
        | 'queueBack'
        | 'queueLength'
        | 'setMembers'
        | 'setSize'
        | 'keys'
        | 'stat';
      readonly path: string;
    };

export type SimpleOperation = SimpleWrite | SimpleRead;

export interface PutOperation {
  readonly kind: 'blobPut';
  readonly path: string;
  readonly value: Value;
  readonly ifVersion?: number | null;
  readonly ifAbsent?: boolean;
}

export type Guard =
  | { readonly kind: 'exists' | 'absent'; readonly path: string }
  | { readonly kind: 'version'; readonly path: string; readonly version: number }
  | { readonly kind: 'type'; readonly path: string; readonly type: NodeType }
  | { readonly kind: 'blobValue'; readonly path: string; readonly value: Value }
  | { readonly kind: 'setMember'; readonly path: string; readonly member: Value };

export interface Transaction {
  readonly kind: 'transaction';
  readonly guards: readonly Guard[];
  readonly then: readonly SimpleOperation[];
  readonly otherwise: readonly SimpleOperation[];
}

export type Operation = SimpleOperation | Transaction;

/** The answer. A missing field was not reported, and fits every value. */
export interface Told {
  readonly kind?: string;
  readonly version?: number | null;
  readonly value?: Value | null;
  readonly number?: number;
  readonly truth?: boolean;
  readonly values?: readonly Value[];
  readonly paths?: readonly string[];
  readonly type?: NodeType;
  readonly count?: number;
  readonly held?: boolean;
  readonly results?: readonly Told[];
}

/**
 * `done`: it was executed, and the answer is `result`. `failed`: it was executed, and the answer is an error of the
 * tree. `definite`: it was not executed and never will be. `unknown`: it may have been executed, or may still be.
 */
export type Outcome = 'done' | 'failed' | 'definite' | 'unknown';
const outcomes: readonly Outcome[] = ['done', 'failed', 'definite', 'unknown'];

export interface Answer {
  readonly outcome: Outcome;
  readonly at: number;
  /** The op number of its entry. For a read, the op of the state that it read. */
  readonly op: number | null;
  readonly result: Told | null;
  readonly error: string | null;
}

/** A call of a client, with its answer. Without an answer its outcome is unknown. */
export interface Call {
  readonly line: number;
  readonly id: string;
  readonly client: string;
  readonly at: number;
  readonly operation: Operation;
  /** False for a read that may be stale. It is not compared with the others. */
  readonly linearizable: boolean;
  answer: Answer | null;
}

export interface ToldChange {
  readonly path: string;
  readonly kind: string;
  readonly type?: NodeType;
  readonly version?: number;
  readonly value?: Value | null;
  readonly number?: number | null;
}

export interface WatchItem {
  readonly line: number;
  readonly kind: 'begun' | 'event' | 'snapshot' | 'progress';
  readonly at: number;
  readonly op: number;
  readonly changes: readonly ToldChange[];
  readonly folded: boolean;
  /** True for a page of a snapshot that is not the last. */
  readonly more: boolean;
}

/** What one watch was told, in order. */
export interface WatchTold {
  readonly line: number;
  readonly id: string;
  readonly path: string;
  readonly subtree: boolean;
  /** It asked for values. So a change that has one is told with it. */
  readonly values: boolean;
  readonly items: WatchItem[];
}

export interface History {
  readonly calls: readonly Call[];
  readonly watches: readonly WatchTold[];
}

/** A line that is not a record, with what is wrong with it. */
export class HistoryError extends Error {
  override readonly name = 'HistoryError';

  constructor(line: number, what: string) {
    super(`line ${line}: ${what}`);
  }
}

type Fields = Readonly<Record<string, unknown>>;

/** @throws HistoryError for the first line that is not a record of docs/history.md. */
export function parseHistory(text: string): History {
  const builder = new HistoryBuilder();
  const lines = text.split('\n');
  for (const [index, line] of lines.entries()) {
    if (line.trim() === '') continue;
    let record: unknown;
    try {
      record = JSON.parse(line);
    } catch (error) {
      throw new HistoryError(index + 1, `this is no JSON: ${(error as Error).message}`);
    }
    builder.add(record, index + 1);
  }
  return builder.history;
}

/** Collects records as they come. */
export class HistoryBuilder {
  readonly #calls = new Map<string, Call>();
  readonly #watches = new Map<string, WatchTold>();
  #line = 0;

  get history(): History {
    return { calls: [...this.#calls.values()], watches: [...this.#watches.values()] };
  }

  /** @param line its position. The default is after the one before. */
  add(record: unknown, line = this.#line + 1): void {
    this.#line = line;
    if (typeof record !== 'object' || record === null || Array.isArray(record))
      throw new HistoryError(line, 'a record is an object');
    const fields = plain(record) as Fields;
    switch (fields['type']) {
      case 'call':
        return this.#call(fields);
      case 'answer':
        return this.#answer(fields);
      case 'watch':
        return this.#watch(fields);
      case 'begun':
      case 'event':
      case 'snapshot':
      case 'progress':
        return this.#told(fields, fields['type']);
      default:
        throw new HistoryError(line, `a record of type ${JSON.stringify(fields['type'])} is not known`);
    }
  }

  #call(fields: Fields): void {
    const id = this.#name(fields, 'id');
    if (this.#calls.has(id)) throw new HistoryError(this.#line, `call ${id} was written down before`);
    const { operation } = fields as { readonly operation?: { readonly kind?: unknown } };
    if (typeof operation?.kind !== 'string') throw new HistoryError(this.#line, 'operation.kind is missing');
    this.#calls.set(id, {
      line: this.#line,
      id,
      client: this.#name(fields, 'client'),
      at: this.#number(fields, 'at'),
      operation: operation as Operation,
      linearizable: fields['linearizable'] !== false,
      answer: null,
    });
  }

  #answer(fields: Fields): void {
    const id = this.#name(fields, 'id');
    const call = this.#calls.get(id);
    if (call === undefined) throw new HistoryError(this.#line, `call ${id} was answered and never made`);
    if (call.answer !== null) throw new HistoryError(this.#line, `call ${id} was answered twice`);
    const outcome = outcomes.find((one) => one === fields['outcome']);
    if (outcome === undefined)
      throw new HistoryError(this.#line, `outcome is one of ${outcomes.join(', ')}, not ${String(fields['outcome'])}`);
    const at = this.#number(fields, 'at');
    if (at < call.at)
      throw new HistoryError(this.#line, `call ${id} was answered at ${at}, before it was made at ${call.at}`);
    const op = fields['op'] === undefined ? null : this.#number(fields, 'op');
    const result = fields['result'] ?? null;
    const error = typeof fields['error'] === 'string' ? fields['error'] : null;
    if (outcome === 'failed' && error === null) throw new HistoryError(this.#line, 'error is missing');
    call.answer = { outcome, at, op, result, error };
  }

  #watch(fields: Fields): void {
    const id = this.#name(fields, 'id');
    if (this.#watches.has(id)) throw new HistoryError(this.#line, `watch ${id} was written down before`);
    const path = this.#name(fields, 'path');
    const [subtree, values] = [fields['subtree'] === true, fields['values'] === true];
    this.#watches.set(id, { line: this.#line, id, path, subtree, values, items: [] });
  }

  #told(fields: Fields, kind: WatchItem['kind']): void {
    const id = this.#name(fields, 'id');
    const watch = this.#watches.get(id);
    if (watch === undefined) throw new HistoryError(this.#line, `watch ${id} was told something and never begun`);
    const changes = (fields['changes'] ?? []) as readonly ToldChange[];
    if (!Array.isArray(changes)) throw new HistoryError(this.#line, 'changes is a list');
    for (const change of changes as readonly Partial<ToldChange>[]) {
      if (typeof change.path !== 'string' || typeof change.kind !== 'string')
        throw new HistoryError(this.#line, 'a change has a path and a kind');
    }
    watch.items.push({
      line: this.#line,
      kind,
      at: this.#number(fields, 'at'),
      op: this.#number(fields, 'op'),
      changes,
      folded: fields['folded'] === true,
      more: fields['more'] === true,
    });
  }

  #name(fields: Fields, name: string): string {
    const value = fields[name];
    if (typeof value === 'string' || typeof value === 'number') return String(value);
    throw new HistoryError(this.#line, `${name} is missing`);
  }

  #number(fields: Fields, name: string): number {
    const value = fields[name];
    if (typeof value === 'number' && Number.isFinite(value) && value >= 0) return value;
    throw new HistoryError(this.#line, `${name} is a number of 0 or more, not ${JSON.stringify(value)}`);
  }
}

/** Turns bytes into a value, at any depth. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value);
  const [only] = entries;
  if (entries.length === 1 && only?.[0] === 'base64' && typeof only[1] === 'string') return `base64:${only[1]}`;
  return Object.fromEntries(entries.map(([key, one]) => [key, plain(one)]));
}
