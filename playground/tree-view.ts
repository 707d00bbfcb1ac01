/** The contents of the namespace: paths, types, versions and sizes. Changes are marked for a moment. */

import type { NodeType } from '../core/tree/names.ts';
import type { TreeRow } from './cluster/frame.ts';
import { maxTreeRows } from './cluster/tree.ts';
import { makeTable } from './elements.ts';

export class TreeView {
  readonly #element: HTMLElement;
  #versions = new Map<string, number>();
  #shown = '';

  constructor(element: HTMLElement) {
    this.#element = element;
  }

  clear(): void {
    this.#versions.clear();
    this.#shown = '';
    this.#element.replaceChildren();
  }

  /** @param rows is null when nothing is known. */
  show(rows: readonly TreeRow[] | null, empty: string): void {
    const key = JSON.stringify(rows) + empty;
    if (key === this.#shown) return;
    const first = this.#shown === '';
    this.#shown = key;
    if (rows === null || rows.length === 0) {
      const text = document.createElement('p');
      text.textContent = empty;
      this.#versions.clear();
      this.#element.replaceChildren(text);
      return;
    }
    const { table, body } = makeTable(['path', 'type', 'size', 'version']);
    for (const row of rows) {
      const line = body.insertRow();
      if (!first && this.#versions.get(row.path) !== row.version) line.className = 'fresh';
      const depth = row.path.split('/').length - 2;
      const path = line.insertCell();
      path.style.paddingInlineStart = `${depth * 14}px`;
      path.textContent = row.path.slice(row.path.lastIndexOf('/') + (depth === 0 ? 0 : 1));
      path.title = row.path;
      line.insertCell().textContent = row.type;
      line.insertCell().textContent = sizeOf(row);
      line.insertCell().textContent = String(row.version);
    }
    this.#versions = new Map(rows.map((row) => [row.path, row.version]));
    const parts: HTMLElement[] = [table];
    if (rows.length >= maxTreeRows) {
      const more = document.createElement('p');
      more.textContent = `the first ${maxTreeRows}; there is more`;
      parts.push(more);
    }
    this.#element.replaceChildren(...parts);
  }
}

/** The names of the parts that a node has many of, singular and plural. Null when its size is its bytes. */
const counted: Readonly<Record<NodeType, readonly [one: string, several: string] | null>> = {
  directory: ['child', 'children'],
  blob: null,
  queue: ['item', 'items'],
  set: ['member', 'members'],
  counter: null,
  lock: ['holder', 'holders'],
  semaphore: ['holder', 'holders'],
  barrier: ['holder', 'holders'],
  election: ['leader', 'leaders'],
};

function sizeOf({ type, count, bytes }: TreeRow): string {
  const words = Object.hasOwn(counted, type) ? counted[type] : null;
  if (words === null) return `${bytes} B`;
  return `${count} ${words[count === 1 ? 0 : 1]}`;
}
