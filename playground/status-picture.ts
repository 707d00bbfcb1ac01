/**
 * The picture of a real cluster, from the read-only status streams of its nodes: of the one that the page talks to, and of the others
 * as far as they let this page in. Of a node that does not, the picture shows what its peers say.
 */

import type { ReplicaEvent } from '../core/vr/ports.ts';
import type { NodePicture, Note, ReplicaPicture } from './cluster/frame.ts';
import { Narrator } from './cluster/words.ts';
import type { Parts } from './parts.ts';
import { socketUrl } from './web-socket-transport.ts';

const subprotocol = 'haret.v1.status';
const retryMs = 1000;
const drawMs = 50;
const unknown = { head: 0, commit: 0, checkpoint: 0 };

interface Group {
  readonly id: number;
  readonly members: readonly { readonly node: string; readonly replica: string }[];
  readonly replica: ReplicaPicture;
}

/** What a node tells; `node-server/status-stream.ts` writes it. */
interface StatusMessage {
  readonly node: string;
  readonly peers: readonly string[];
  readonly nodes: readonly { readonly name: string; readonly apiAddress: string }[];
  readonly groups: readonly Group[];
  readonly events: readonly {
    readonly group: number;
    readonly replica: string;
    readonly event: ReplicaEvent;
  }[];
}

export class StatusPicture {
  readonly #parts: Parts;
  readonly #address: string;
  /** The namespace that the terminal has entered. */
  readonly #entered: () => number | null;
  readonly #latest = new Map<string, StatusMessage>();
  readonly #seen = new Map<string, ReplicaPicture>();
  readonly #streams = new Map<string, WebSocket>();
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();
  readonly #drawing: ReturnType<typeof setInterval>;
  readonly #begunMs = performance.now();
  #narrator = new Narrator();
  #group: number | null = null;
  #home = '';
  #notes: Note[] = [];
  #count = 0;
  #stopped = false;

  constructor(address: string, parts: Parts, entered: () => number | null) {
    this.#parts = parts;
    this.#address = address;
    this.#entered = entered;
    this.#watch(address);
    this.#drawing = setInterval(() => this.#draw(), drawMs);
  }

  stop(): void {
    this.#stopped = true;
    clearInterval(this.#drawing);
    for (const timer of this.#timers) clearTimeout(timer);
    for (const stream of this.#streams.values()) stream.close();
  }

  #watch(address: string): void {
    if (this.#stopped || this.#streams.has(address)) return;
    const stream = new WebSocket(socketUrl(address), subprotocol);
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
      // The home node may be dialled by another name than it tells.
      if (name !== this.#home && !this.#latest.has(name)) this.#watch(apiAddress);
    }
    for (const { group, replica, event } of message.events) {
      if (group !== this.#group) continue;
      const sentence = this.#narrator.tell(replica, event);
      if (sentence === null) continue;
      const atMs = Math.floor(performance.now() - this.#begunMs);
      this.#notes.push({ at: this.#count++, atMs, ...sentence });
    }
  }

  /** The group that is shown: of the namespace that was entered, else of the first one that is no root group, else that. */
  #shown(message: StatusMessage): Group | null {
    const entered = this.#entered();
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
    const client = this.#latest.has(this.#home) ? this.#home : null;
    this.#parts.picture.update({ nowUs: 0, nodes, client, cuts: [], flights: [], notes: [] });
    this.#parts.logs.update(nodes);
    this.#parts.timeline.add(this.#notes);
    this.#notes = [];
  }

  #picture({ node, replica }: Group['members'][number], home: StatusMessage, group: Group): NodePicture {
    const told = this.#latest.get(node)?.groups.find((one) => one.id === group.id)?.replica;
    if (told !== undefined) {
      this.#seen.set(`${group.id} ${node}`, told);
      return { name: node, state: 'up', slowDiskMs: 0, replica: told };
    }
    const reached = home.peers.includes(node);
    const { epoch, view, primary } = group.replica;
    // Its own numbers are those that it told last.
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
