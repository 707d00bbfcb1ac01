/** The sessions of the namespace: their clients, their open requests, and when they last gave a sign of life. */

import type { SessionsPicture } from './cluster/frame.ts';
import { makeTable } from './elements.ts';

export class SessionList {
  readonly #element: HTMLElement;
  #shown = '';
  /** The last op and when it came. Signs of life have the log's time, which only advances with the log. */
  #head = -1;
  #headMs = 0;

  constructor(element: HTMLElement) {
    this.#element = element;
  }

  /** @param head the last op of the log. `nowMs` is the time of the cluster that is shown. */
  show(sessions: SessionsPicture | null, head: number, nowMs: number): void {
    if (head !== this.#head || nowMs < this.#headMs) {
      this.#head = head;
      this.#headMs = nowMs;
    }
    const sinceMs = nowMs - this.#headMs;
    const rows = (sessions?.newest ?? []).map(({ id, client, outstanding, idleMs }) => [
      client,
      `op ${id}`,
      outstanding === 0 ? '' : `${outstanding} under way`,
      ago(idleMs + sinceMs),
    ]);
    const more = (sessions?.count ?? 0) - rows.length;
    const key = JSON.stringify([rows, more]);
    if (key === this.#shown) return;
    this.#shown = key;
    if (rows.length === 0) {
      const none = document.createElement('p');
      none.textContent = 'None. The first write makes one.';
      this.#element.replaceChildren(none);
      return;
    }
    const { table, body } = makeTable(['client', 'since', 'requests', 'heard']);
    for (const row of rows) {
      const line = body.insertRow();
      for (const text of row) line.insertCell().textContent = text;
      // A long name is cut short, so the title has all of it.
      line.title = row[0]!;
    }
    const parts: HTMLElement[] = [table];
    if (more > 0) {
      const rest = document.createElement('p');
      rest.textContent = `and ${more} more`;
      parts.push(rest);
    }
    this.#element.replaceChildren(...parts);
  }
}

/** Rounds coarsely, so that a quiet list does not flicker. */
function ago(ms: number): string {
  if (ms < 1000) return 'now';
  const seconds = Math.floor(ms / 1000);
  if (seconds < 60) return `${seconds} s ago`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes} min ago` : `${Math.floor(minutes / 60)} h ago`;
}
