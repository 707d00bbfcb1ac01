/**
 * The picture of a real cluster, from the read-only status streams of its nodes: of the one that the page talks to, and of the others
 * as far as they let this page in. Of a node that does not, the picture shows what its peers say.
 */

import type { Frame, NodePicture, Note, NoteKind, ReplicaPicture } from './cluster/frame.ts';
import type { Parts } from './parts.ts';
import { socketUrl } from './web-socket-transport.ts';

const subprotocol = 'haret.v1.status';
const retryMs = 1000;
const drawMs = 50;

/** What a node tells; `node-server/status-stream.ts` writes it. */
interface StatusMessage {
  readonly node: string;
  readonly peers: readonly string[];
  readonly members: readonly { readonly node: string; readonly replica: string; readonly api: string | null }[];
  readonly replica: ReplicaPicture | null;
  readonly notes: readonly { readonly atMs: number; readonly kind: NoteKind; readonly text: string }[];
}

export class StatusPicture {
  readonly #parts: Parts;
  readonly #latest = new Map<string, StatusMessage>();
  readonly #streams = new Map<string, WebSocket>();
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();
  readonly #drawing: ReturnType<typeof setInterval>;
  #home = '';
  #notes: Note[] = [];
  #said = new Set<string>();
  #count = 0;
  #stopped = false;

  constructor(address: string, parts: Parts) {
    this.#parts = parts;
    this.#watch(address, true);
    this.#drawing = setInterval(() => this.#draw(), drawMs);
  }

  stop(): void {
    this.#stopped = true;
    clearInterval(this.#drawing);
    for (const timer of this.#timers) clearTimeout(timer);
    for (const stream of this.#streams.values()) stream.close();
  }

  #watch(address: string, home: boolean): void {
    if (this.#stopped || this.#streams.has(address)) return;
    const stream = new WebSocket(socketUrl(address), subprotocol);
    let node = '';
    this.#streams.set(address, stream);
    stream.onmessage = ({ data }: MessageEvent<string>) => {
      const message = JSON.parse(data) as StatusMessage;
      node = message.node;
      if (home) this.#home = node;
      this.#latest.set(node, message);
      this.#hear(message);
    };
    stream.onclose = () => {
      this.#latest.delete(node);
      const timer = setTimeout(() => {
        this.#timers.delete(timer);
        this.#streams.delete(address);
        this.#watch(address, home);
      }, retryMs);
      this.#timers.add(timer);
    };
  }

  #hear(message: StatusMessage): void {
    for (const { api, node } of message.members)
      if (api !== null && node !== message.node && !this.#latest.has(node)) this.#watch(api, false);
    for (const { atMs, kind, text } of message.notes) {
      // Several nodes tell of one commit or one new primary.
      if (this.#said.has(text)) continue;
      if (this.#said.size > 1000) this.#said = new Set([...this.#said].slice(-500));
      this.#said.add(text);
      this.#notes.push({ at: this.#count++, atMs, kind, text });
    }
  }

  #draw(): void {
    const home = this.#latest.get(this.#home) ?? [...this.#latest.values()][0];
    if (home === undefined) return;
    const frame: Frame = {
      nowUs: 0,
      nodes: home.members.map((member) => this.#picture(member, home)),
      client: this.#latest.has(this.#home) ? this.#home : null,
      cuts: [],
      flights: [],
      notes: this.#notes,
    };
    this.#parts.picture.update(frame);
    this.#parts.logs.update(frame.nodes);
    this.#parts.timeline.add(frame.notes);
    this.#notes = [];
  }

  #picture({ node, replica }: StatusMessage['members'][number], home: StatusMessage): NodePicture {
    const told = this.#latest.get(node)?.replica ?? null;
    if (told !== null) return { name: node, state: 'up', slowDiskMs: 0, replica: told };
    const reached = node === home.node || home.peers.includes(node);
    const primary = home.replica?.primary ?? null;
    return {
      name: node,
      state: reached ? 'unseen' : 'down',
      slowDiskMs: 0,
      replica: {
        name: replica,
        status: 'normal',
        epoch: home.replica?.epoch ?? 0,
        view: home.replica?.view ?? 0,
        isPrimary: reached && primary === replica,
        primary,
        head: 0,
        commit: 0,
        checkpoint: 0,
      },
    };
  }
}
