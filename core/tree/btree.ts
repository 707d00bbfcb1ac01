/**
 * The only file that uses `sorted-btree`: ordered maps whose clone takes O(1) and shares everything that is not written
 * afterwards.
 */

import sortedBtree from 'sorted-btree';
import { compareBytes, compareText } from '../base/bytes.ts';

/** The part of the library's class that this room uses. */
export interface SortedMap<K, V> {
  readonly size: number;
  get(key: K): V | undefined;
  has(key: K): boolean;
  set(key: K, value: V): boolean;
  delete(key: K): boolean;
  minKey(): K | undefined;
  maxKey(): K | undefined;
  keys(firstKey?: K): IterableIterator<K>;
  values(firstKey?: K): IterableIterator<V>;
  entries(firstKey?: K): IterableIterator<[K, V]>;
  clone(): this;
  checkValid(checkOrdering?: boolean): void;
}

type Class = new <K, V>(entries: undefined, compare: (a: K, b: K) => number, maxNodeSize: number) => SortedMap<K, V>;

// The library is CommonJS. With some loaders its default import is the class, with others an object that holds the
// class.
const loaded = sortedBtree as unknown as Class & { readonly default?: Class };
const BTree: Class = loaded.default ?? loaded;

/** Keys in one node of the B+ tree. A write copies this many at each of its few levels. */
const fanout = 32;

const compareNumbers = (a: number, b: number): number => a - b;

/** A map of names, ordered by their UTF-8 bytes (architecture §3). */
export function newNames<V>(): SortedMap<string, V> {
  return new BTree(undefined, compareText, fanout);
}

export function newMembers(): SortedMap<Uint8Array, undefined> {
  return new BTree(undefined, compareBytes, fanout);
}

export function newNumbered<V>(): SortedMap<number, V> {
  return new BTree(undefined, compareNumbers, fanout);
}

/** A time, and the number of what it is of. */
export interface Timed {
  readonly at: number;
  readonly id: number;
}

const compareTimed = (a: Timed, b: Timed): number => a.at - b.at || a.id - b.id;

export function newTimed<V>(): SortedMap<Timed, V> {
  return new BTree(undefined, compareTimed, fanout);
}
