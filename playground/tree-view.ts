/** What is in the namespace: paths, types, versions and sizes. What changed is marked for a moment. */

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

  /** @param rows null: nothing is known. */
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

function sizeOf({ type, count, bytes }: TreeRow): string {
  if (type === 'directory') return `${count} ${count === 1 ? 'child' : 'children'}`;
  if (type === 'set') return `${count} ${count === 1 ? 'member' : 'members'}`;
  if (type === 'queue') return `${count} ${count === 1 ? 'item' : 'items'}`;
  return `${bytes} B`;
}
