/**
 * Watches a simulated world from within: its messages in flight and the events of its replicas, for the picture and the
 * time line.
 */

import { rootNamespaceId } from '../../core/base/ids.ts';
import type { NamespaceId } from '../../core/base/ids.ts';
import type { NodeObserver } from '../../core/cluster/base/host.ts';
import type { NetworkObserver } from '../../core/sim/network.ts';
import type { MessageKind as WireKind } from '../../core/vr/messages.ts';
import type { Flight, MessageKind, Note } from './frame.ts';
import { Narrator } from './words.ts';
import type { Sentence } from './words.ts';

/** Between two frames. At full speed most messages are not visible anyway. */
const maxFlights = 2000;
const maxNotes = 5000;
/** How long a lost message is shown. */
const lostFlightUs = 60_000;

/** The kind as which each message is drawn. */
export const drawnAs: Readonly<Record<WireKind, MessageKind>> = {
  prepare: 'prepare',
  prepareOk: 'prepareOk',
  commit: 'heartbeat',
  commitOk: 'heartbeat',
  startViewChange: 'viewChange',
  doViewChange: 'viewChange',
  startView: 'viewChange',
  getState: 'transfer',
  newState: 'transfer',
  getStartView: 'viewChange',
  viewNow: 'viewChange',
  getChunk: 'transfer',
  chunk: 'transfer',
  readIndex: 'read',
  readIndexOk: 'read',
  recovery: 'viewChange',
  recoveryOk: 'viewChange',
};

/** A frame of several messages is drawn as the most important of them. */
const weight: Readonly<Record<MessageKind, number>> = {
  heartbeat: 0,
  read: 1,
  prepareOk: 2,
  prepare: 3,
  transfer: 4,
  viewChange: 5,
  client: 6,
};

export class Watcher {
  readonly #narrator = new Narrator();
  readonly #now: () => { readonly at: number; readonly atMs: number };
  readonly #isClient: (host: string) => boolean;
  /** The kind of message that was handed over for a pair of nodes and has not left yet. */
  readonly #leaving = new Map<string, MessageKind>();
  #group: NamespaceId | null = null;
  #flights: Flight[] = [];
  readonly #notes: Note[] = [];

  constructor(now: () => { readonly at: number; readonly atMs: number }, isClient: (host: string) => boolean) {
    this.#now = now;
    this.#isClient = isClient;
  }

  /** Everything that happened, in words, oldest first. */
  get notes(): readonly Note[] {
    return this.#notes;
  }

  takeFlights(): readonly Flight[] {
    const flights = this.#flights;
    this.#flights = [];
    return flights;
  }

  /** Only one group is shown: the first one that is not the root group. */
  #shows(namespace: NamespaceId): boolean {
    if (namespace === rootNamespaceId) return false;
    this.#group ??= namespace;
    return this.#group === namespace;
  }

  /** From now on shows only this group. */
  show(group: NamespaceId): void {
    if (this.#group === group) return;
    this.#group = group;
    this.#notes.length = 0;
  }

  /** Forgets the founding, except which replica is the primary. */
  begin(): void {
    const last = this.#notes.filter((note) => note.kind === 'view').at(-1);
    this.#notes.length = 0;
    if (last !== undefined) this.say(last);
  }

  say({ kind, text }: Sentence): void {
    if (this.#notes.length >= maxNotes) this.#notes.splice(0, maxNotes / 10);
    this.#notes.push({ ...this.#now(), kind, text });
  }

  readonly node: NodeObserver = {
    applied: () => undefined,
    restored: (identity, op) => {
      if (this.#shows(identity.namespace) && op > 0)
        this.say({ kind: 'repair', text: `${identity.replica} is back with its log, at op ${op}` });
    },
    event: (identity, event) => {
      if (!this.#shows(identity.namespace)) return;
      const sentence = this.#narrator.tell(identity.replica, event);
      if (sentence !== null) this.say(sentence);
    },
    sent: (to, message) => {
      if (!this.#shows(message.namespace)) return;
      const pair = `${message.node}>${to.node}`;
      const kind = drawnAs[message.kind];
      const before = this.#leaving.get(pair);
      if (before === undefined || weight[kind] > weight[before]) this.#leaving.set(pair, kind);
    },
    received: () => undefined,
  };

  readonly network: NetworkObserver = {
    frame: (from, to, sentUs, arrivesUs) => {
      const pair = `${from}>${to}`;
      const kind = this.#isClient(from) || this.#isClient(to) ? 'client' : this.#leaving.get(pair);
      this.#leaving.delete(pair);
      if (kind === undefined) return;
      if (this.#flights.length >= maxFlights) this.#flights.splice(0, maxFlights / 2);
      const lost = arrivesUs === null;
      this.#flights.push({ from, to, kind, sentUs, arrivesUs: arrivesUs ?? sentUs + lostFlightUs, lost });
    },
  };
}
