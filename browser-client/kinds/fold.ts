/** Folds the changes of one node into its value. This is the base of the folds of all types. */

import { haretError } from '../../core/base/errors.ts';
import type { Change } from '../../core/service/events.ts';
import type { NodeType } from '../../core/tree/operation.ts';
import type { Fold } from '../live.ts';

/** True when `change` deleted `path`, by itself or with a directory above it. */
export function deletes(change: Change, path: string): boolean {
  if (change.kind !== 'deleted') return false;
  return change.path === path || change.path === '/' || path.startsWith(`${change.path}/`);
}

/** The changes of one node, and the value that is made of them when it is needed. */
export abstract class NodeFold<T> implements Fold<T> {
  protected readonly path: string;
  readonly #type: NodeType;
  #value: { readonly of: T } | null = null;

  constructor(path: string, type: NodeType) {
    this.path = path;
    this.#type = type;
  }

  clear(): void {
    this.#value = null;
    this.empty();
  }

  apply(change: Change): void {
    if (deletes(change, this.path)) return this.clear();
    if (change.path !== this.path) return;
    if (change.type !== this.#type) {
      const details = { path: this.path, expected: this.#type, actual: change.type };
      throw haretError('WrongType', 'Wrong type', details);
    }
    this.#value = null;
    this.change(change);
  }

  value(): T {
    this.#value ??= { of: this.make() };
    return this.#value.of;
  }

  protected abstract empty(): void;
  protected abstract change(change: Change): void;
  protected abstract make(): T;
}
