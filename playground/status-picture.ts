/**
 * The picture of a real cluster, from the read-only status streams of its nodes. Each node that lets this page in has a
 * stream. For another node, the picture shows what its peers report.
 */

import type { StatusGroup, StatusMessage, StatusReplica, StatusTraffic } from '../core/wire/status.ts';
import { statusSubprotocol } from '../core/wire/status.ts';
import type { Flight, MessageKind, NodePicture, Note } from './cluster/frame.ts';
import { drawnAs } from './cluster/watcher.ts';
import { Narrator } from './cluster/words.ts';
import { headlineOf } from './headline.ts';
import type { Parts } from './parts.ts';
import { socketUrl } from './page-ports.ts';

const retryMs = 1000;
const drawMs = 50;
const unknown = { head: 0, commit: 0, checkpoint: 0 };
/** A real message takes less than a millisecond, which is too short to see. */
const shownFlightUs = 400_000;
/** How many requests, and how many answers, of one node are drawn in one interval. */
const maxClientFlights = 5;
/** How many messages may wait to be drawn. A page in the background draws none. */
const maxFlights = 2000;
const ratesEveryMs = 500;

/** What the picture needs from the page. */
export interface StatusPage {
  /** The namespace that the terminal has entered. */
  entered(): number | null;
  /** How many reads the page has made for itself since it began. They are not drawn. */
  looked(): number;
}

export class StatusPicture {
  readonly #parts: Parts;
  readonly #address: string;
  readonly #page: StatusPage;
  readonly #latest = new Map<string, StatusMessage>();
  readonly #seen = new Map<string, StatusReplica>();
  readonly #streams = new Map<string, WebSocket>();
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();
  readonly #drawing: ReturnType<typeof setInterval>;
  readonly #begunMs = performance.now();
  #narrator = new Narrator();
  #group: number | null = null;
  #home = '';
  #notes: Note[] = [];
  #flights: Flight[] = [];
  /** Messages since the rates were last shown. */
  readonly #counts = new Map<MessageKind, number>();
  #ratesMs = 0;
  readonly #asked = new Unwanted();
  readonly #answered = new Unwanted();
  #count = 0;
  #stopped = false;

  constructor(address: string, parts: Parts, page: StatusPage) {
    this.#parts = parts;
    this.#address = address;
    this.#page = page;
    this.#watch(address);
    this.#drawing = setInterval(() => this.#draw(), drawMs);
  }

  /** Where pages may administer the node of this page. Null when they may not, undefined when the node does not say. */
  get adminAddress(): string | null | undefined {
    return this.#latest.get(this.#home)?.adminAddress;
  }

  stop(): void {
    this.#stopped = true;
    clearInterval(this.#drawing);
    for (const timer of this.#timers) clearTimeout(timer);
    for (const stream of this.#streams.values()) stream.close();
  }

  #watch(address: string): void {
    if (this.#stopped || this.#streams.has(address)) return;
    const stream = new WebSocket(socketUrl(address), statusSubprotocol);
    let node = '';
    this.#streams.set(address, stream);
    stream.onmessage = ({ data }: MessageEvent<string>) => {
      const message = JSON.parse(data) as StatusMessage;
      node = message.node;
      if (address === this.#address) this.#home = node;
      this.#latest.set(node, message);
      this.#hear(message);
    };
    stream.onclose = () => {
      this.#latest.delete(node);
      const timer = setTimeout(() => {
        this.#timers.delete(timer);
        this.#streams.delete(address);
        this.#watch(address);
      }, retryMs);
      this.#timers.add(timer);
    };
  }

  #hear(message: StatusMessage): void {
    for (const { name, apiAddress } of message.nodes) {
      // The home node may have been dialled at another address than the one that it reports.
      if (name !== this.#home && !this.#latest.has(name)) this.#watch(apiAddress);
    }
    for (const { group, replica, event } of message.events) {
      if (group !== this.#group) continue;
      const sentence = this.#narrator.tell(replica, event);
      if (sentence === null) continue;
      const atMs = Math.floor(performance.now() - this.#begunMs);
      this.#notes.push({ at: this.#count++, atMs, ...sentence });
    }
    this.#hearTraffic(message);
  }

  /** Draws messages one interval late and as far apart as they were. Some are drawn for all. */
  #hearTraffic({ node, peers, messages, clients, intervalMs }: StatusMessage): void {
    if (document.hidden) return;
    const nowUs = this.#nowUs();
    for (const traffic of messages) {
      if (traffic.group !== this.#group || !this.#tellsOf(node, traffic)) continue;
      const kind = drawnAs[traffic.kind];
      this.#countUp(kind, traffic.count);
      const { from, to, at } = traffic;
      // A message to a node without a connection does not arrive.
      const lost = from === node && !peers.includes(to);
      for (const ms of at) this.#fly(from, to, kind, nowUs + ms * 1000, lost);
    }
    const isHome = node === this.#home;
    const asked = isHome ? this.#asked.wanted(clients.asked, this.#page.looked()) : clients.asked;
    const answered = isHome ? this.#answered.wanted(clients.answered, this.#page.looked()) : clients.answered;
    this.#countUp('client', asked + answered);
    for (const [count, from, to] of [
      [asked, 'you', node],
      [answered, node, 'you'],
    ] as const) {
      const drawn = Math.min(count, maxClientFlights);
      for (let i = 0; i < drawn; i++) this.#fly(from, to, 'client', nowUs + ((i + 0.5) * intervalMs * 1000) / drawn);
    }
  }

  /**
   * Both ends may report a message. The report of the sender counts, or of the receiver if the sender reports nothing.
   */
  #tellsOf(node: string, { from, to }: StatusTraffic): boolean {
    return from === node || (to === node && !this.#latest.has(from));
  }

  #countUp(kind: MessageKind, count: number): void {
    this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + count);
  }

  #fly(from: string, to: string, kind: MessageKind, sentUs: number, lost = false): void {
    if (this.#flights.length >= maxFlights) return;
    this.#flights.push({ from, to, kind, sentUs, arrivesUs: sentUs + shownFlightUs, lost });
  }

  #nowUs(): number {
    return Math.floor((performance.now() - this.#begunMs) * 1000);
  }

  #tellRates(): void {
    const nowMs = performance.now();
    const tookMs = nowMs - this.#ratesMs;
    if (tookMs < ratesEveryMs) return;
    this.#ratesMs = nowMs;
    this.#parts.legend.show(new Map([...this.#counts].map(([kind, count]) => [kind, (count * 1000) / tookMs])));
    this.#counts.clear();
  }

  /**
   * The group that is shown: that of the namespace that was entered, otherwise the first one that is not the root
   * group, otherwise the root group.
   */
  #shown(message: StatusMessage): StatusGroup | null {
    const entered = this.#page.entered();
    const { groups } = message;
    const [first, second] = [...groups].sort((a, b) => a.id - b.id);
    return groups.find((group) => group.id === entered) ?? second ?? first ?? null;
  }

  #draw(): void {
    const home = this.#latest.get(this.#home) ?? [...this.#latest.values()][0];
    const group = home === undefined ? null : this.#shown(home);
    if (home === undefined || group === null) return;
    if (group.id !== this.#group) {
      this.#group = group.id;
      this.#narrator = new Narrator();
      this.#notes = [];
    }
    const nodes = group.members.map((member) => this.#picture(member, home, group));
    const told = [...this.#latest.values()];
    const connections = told.reduce((total, { clients }) => total + clients.connections, 0);
    const primary = told
      .flatMap(({ groups }) => groups)
      .find(({ id, replica }) => id === group.id && replica.isPrimary);
    const sessions = (primary ?? group).sessions;
    this.#parts.picture.update({
      nowUs: this.#nowUs(),
      pace: 1,
      nodes,
      clients: told.filter(({ clients }) => clients.connections > 0).map(({ node }) => node),
      otherClients: Math.max(0, connections - 1),
      sessions,
      cuts: [],
      flights: this.#flights,
      notes: [],
    });
    this.#flights = [];
    this.#parts.sessions.show(sessions, (primary ?? group).replica.head, this.#nowUs() / 1000);
    this.#tellRates();
    this.#parts.headline(headlineOf(nodes, []));
    this.#parts.logs.update(nodes);
    this.#parts.timeline.add(this.#notes);
    this.#notes = [];
  }

  #picture({ node, replica }: StatusGroup['members'][number], home: StatusMessage, group: StatusGroup): NodePicture {
    const told = this.#latest.get(node)?.groups.find((one) => one.id === group.id)?.replica;
    if (told !== undefined) {
      this.#seen.set(`${group.id} ${node}`, told);
      return { name: node, state: 'up', slowDiskMs: 0, replica: told };
    }
    const reached = home.peers.includes(node);
    const { epoch, view, primary } = group.replica;
    // Its own numbers are the last that it reported.
    const { head, commit, checkpoint } = this.#seen.get(`${group.id} ${node}`) ?? unknown;
    const heard = { name: replica, status: 'normal', epoch, view, primary, head, commit, checkpoint } as const;
    return {
      name: node,
      state: reached ? 'unseen' : 'down',
      slowDiskMs: 0,
      replica: { ...heard, isPrimary: reached && primary === replica },
    };
  }
}

/** Subtracts the page's own reads from what a node counts. */
class Unwanted {
  #taken = 0;

  /** `count` without those of the page's `made` reads that were not subtracted yet. */
  wanted(count: number, made: number): number {
    const taken = Math.min(count, made - this.#taken);
    this.#taken += taken;
    return count - taken;
  }
}
