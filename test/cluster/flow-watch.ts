/**
 * The cluster of a flow about watches: the messages between a client and the nodes, and what the watching program is
 * told.
 */

import { textOf, utf8 } from '../../core/base/bytes.ts';
import { watch } from '../../core/client/watches.ts';
import type { WatchTold } from '../../core/client/watches.ts';
import type { Change } from '../../core/service/events.ts';
import type { SimClient } from '../../core/sim/world.ts';
import type { Operation } from '../../core/tree/operation.ts';
import { binaryApi } from '../../core/wire/api-client-binary.ts';
import type { ClientCodec, Outgoing } from '../../core/wire/api-client.ts';
import type { Incoming } from '../../core/wire/server-messages.ts';
import { Story, put, valueOf } from './story.ts';

const namespace = 'party';
const nodes = ['n1', 'n2', 'n3'];

export class FlowWatch {
  #story: Story | null = null;
  #reader: SimClient | null = null;
  #writer: SimClient | null = null;
  #lines: string[] = [];
  #cut = '';

  readonly #commands: Readonly<Record<string, (words: readonly string[]) => void>> = {
    /** `cluster`, `cluster remembers 100`: three nodes, which remember at most this many bytes of changes. */
    cluster: ([, bytes]) => {
      const limits = bytes === undefined ? {} : { watchHistoryBytes: Number(bytes) };
      this.#story = Story.founded(nodes.length, namespace, nodes, { limits });
      this.#writer = this.#story.client(nodes);
      this.#story.entered(this.#writer, namespace);
    },
    /** `reader n2 n3`: a client that tries these nodes, in this order. */
    reader: (names) => {
      this.#reader = this.#here.client(names, { codec: this.#overheard(), followRedirects: false });
      this.#reader.client.onState((state) => this.#lines.push(`the reader is ${state}`));
      this.#here.entered(this.#reader, namespace);
    },
    watch: ([path = '', ...how]) => {
      const from = how.includes('snapshot') ? 'snapshot' : 'now';
      const options = { subtree: true, values: true, from } as const;
      watch(this.#client('reader').client, path, options, (told) => this.#lines.push(`    ${heard(told)}`));
      this.#here.pass(100);
    },
    make: ([path = '', text = '']) => this.#write({ kind: 'create', path, type: 'blob', value: utf8(text) }),
    put: ([path = '', text = '']) => this.#write(put(path, text)),
    /** The reader and the node to which it is connected. */
    cut: () => {
      this.#cut = this.#node;
      this.#here.part(this.#client('reader').host, this.#cut);
    },
    mend: () => this.#here.reunite(this.#client('reader').host, this.#cut),
    pass: ([ms]) => this.#here.pass(Number(ms)),
  };

  run(command: string): readonly string[] {
    const [verb = '', ...words] = command.split(/\s+/);
    const known = this.#commands[verb];
    if (known === undefined) throw new Error(`there is no command ${verb}`);
    known(words);
    return this.#lines.splice(0);
  }

  get #here(): Story {
    if (this.#story === null) throw new Error('a flow begins with `cluster`');
    return this.#story;
  }

  #client(who: 'reader' | 'writer'): SimClient {
    const client = who === 'reader' ? this.#reader : this.#writer;
    if (client === null) throw new Error(`there is no ${who} yet`);
    return client;
  }

  #write(operation: Operation): void {
    const result = this.#here.ask(this.#client('writer'), operation);
    if (!result.ok || result.value.answer.kind !== 'result') throw new Error(`the writer is told ${valueOf(result)}`);
    this.#here.pass(100);
  }

  /** Writes down the messages about watches as they are sent. */
  #overheard(): ClientCodec {
    return {
      ...binaryApi,
      frames: (maxFrameBytes) => {
        const codec = binaryApi.frames(maxFrameBytes);
        return {
          ...codec,
          encode: (messages) => {
            for (const message of messages) this.#note('reader', this.#node, said(message));
            return codec.encode(messages);
          },
          decode: (frame) => {
            const messages = codec.decode(frame);
            for (const message of messages) this.#note(this.#node, 'reader', told(message));
            return messages;
          },
        };
      },
    };
  }

  /** The node to which the reader is connected. */
  get #node(): string {
    return this.#reader?.client.server?.address.replace(/:.*/, '') ?? 'a node';
  }

  #note(from: string, to: string, words: string | null): void {
    if (words !== null) this.#lines.push(`${from} -> ${to}: ${words}`);
  }
}

function said(message: Outgoing): string | null {
  if (message.kind !== 'watch') return null;
  const { path, from } = message;
  const begin = { now: 'from now on', snapshot: 'the state first', after: '' }[from.kind];
  return `watch all at and beneath ${path}, ${from.kind === 'after' ? `from what comes after op ${from.op}` : begin}`;
}

function told(message: Incoming): string | null {
  switch (message.kind) {
    case 'watching':
      return `watching, from op ${message.op} on`;
    case 'snapshot': {
      const reset = message.reset ? ', in the place of changes that nobody remembers' : '';
      return `snapshot of the state at op ${message.op}${reset}: ${changesInWords(message.changes)}`;
    }
    case 'event':
      return `event of op ${message.event.op}: ${changesInWords(message.event.changes)}`;
    case 'progress':
      return `progress: nothing else up to op ${message.op}`;
    default:
      return null;
  }
}

function heard(told: WatchTold): string {
  switch (told.kind) {
    case 'begun':
      return `the program hears: it has begun`;
    case 'snapshot':
      return `the program hears: ${told.reset ? 'forget what you know: ' : ''}the state is ${changesInWords(told.changes)}`;
    case 'event':
      return `the program hears: ${changesInWords(told.changes)}`;
    case 'progress':
      return `the program hears: nothing else up to op ${told.op}`;
    case 'ended':
      return `the program hears: it is over`;
  }
}

function changesInWords(changes: readonly Change[]): string {
  if (changes.length === 0) return 'nothing is there';
  return changes
    .map(({ kind, path, value }) => `${path} ${kind}${value === null ? '' : ` "${textOf(value) ?? ''}"`}`)
    .join(', ');
}
