/** Lists in pages, as async iterators. */

import type { PageOptions, Read } from './options.ts';

/**
 * A page, where the next one begins (null after the last), and the last op in the state of the replica that answered.
 */
export interface Page<T, C> {
  readonly items: readonly T[];
  readonly next: C | null;
  readonly op: number;
}

/** Fetches one page from `cursor` on, and reads the answer. */
export type Fetch<T, C> = (cursor: C | null, limit: number, options: PageOptions) => Promise<Page<T, C>>;

/** A list of something that does not exist is empty. */
export const emptyPage = [{ items: [], next: null, op: 0 }] as const;

const defaultPageSize = 1000;

/**
 * The entries of a long list, fetched as they are needed. Use `for await` over the entries or over `pages()`, or get
 * all with `toArray()`. Each page is one read. An entry that is added or removed between two reads may be seen or not.
 * An entry that stays is never missed and never told twice, except in a queue, whose pages count by position.
 */
export class Listing<T> implements AsyncIterable<T> {
  readonly #pages: () => AsyncGenerator<readonly T[], void, undefined>;

  constructor(pages: () => AsyncGenerator<readonly T[], void, undefined>) {
    this.#pages = pages;
  }

  /** The entries in pages. No page is empty. */
  pages(): AsyncGenerator<readonly T[], void, undefined> {
    return this.#pages();
  }

  /** The entries one by one. */
  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    for await (const page of this.#pages()) yield* page;
  }

  /** All of them, in memory. */
  async toArray(): Promise<T[]> {
    const all: T[] = [];
    for await (const page of this.#pages()) for (const item of page) all.push(item);
    return all;
  }
}

/** A listing over `fetch`. After the first page, a read that may be stale is at least as fresh as the page before. */
export function listing<T, C>(fetch: Fetch<T, C>, options: PageOptions, defaultRead: Read): Listing<T> {
  return new Listing(async function* () {
    let cursor: C | null = null;
    let from = { ...options, read: options.read ?? defaultRead };
    do {
      const page: Page<T, C> = await fetch(cursor, options.pageSize ?? defaultPageSize, from);
      if (page.items.length > 0) yield page.items;
      cursor = page.next;
      if (from.read !== 'linearizable') from = { ...from, read: { atLeast: page.op } };
    } while (cursor !== null);
  });
}
