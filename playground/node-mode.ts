/**
 * The page with a real cluster: the client engine over this page's sockets, and the status streams of its nodes for the
 * picture.
 */

import { Client } from '../core/client/client.ts';
import { PromiseClient } from '../core/client/promises.ts';
import { watch } from '../core/client/watches.ts';
import type { WatchHandle } from '../core/client/watches.ts';
import { ClientConnection, Shell, wholeTable } from '../core/shell/index.ts';
import type { Completion, OutputChunk } from '../core/shell/index.ts';
import type { OperationResult } from '../core/tree/operation.ts';
import { textApi } from '../core/wire/api-client-text.ts';
import { whyNoAnswer } from './address.ts';
import { listTree } from './cluster/tree.ts';
import { connectCommand, tabAddress } from './connect-command.ts';
import { PageAdmin } from './page-admin.ts';
import type { Mode, Parts } from './parts.ts';
import { StatusPicture } from './status-picture.ts';
import type { LineRunner } from './terminal-pane.ts';
import { pagePorts } from './page-ports.ts';

const tickMs = 15;
/** The tree is listed at most this often. */
const treeEveryMs = 200;
const treeRetryMs = 1000;
const statusEveryMs = 100;

class NodeMode implements Mode, LineRunner {
  readonly #parts: Parts;
  readonly #address: string;
  readonly #client: Client;
  readonly #promises: PromiseClient;
  readonly #admin: PageAdmin;
  readonly #shell: Shell;
  readonly #status: StatusPicture;
  readonly #timers: ReturnType<typeof setInterval>[] = [];
  #running: AbortController | null = null;
  #stopped = false;
  #said = '';
  /** True when a node answered here, or the user was told why none may. */
  #explained = false;
  /** The namespace whose tree is being watched. */
  #watched: number | undefined;
  #watching: WatchHandle | null = null;
  #changed = true;
  #listing = false;
  /** How many reads the page made for the tree. */
  #looked = 0;

  /**
   * @param address `host:port` or a URL of the API interface of a node.
   * @param connect shows another cluster.
   */
  constructor(parts: Parts, address: string, version: string, connect: (address: string) => void) {
    this.#parts = parts;
    this.#address = address;
    const name = `playground/${version}`;
    this.#client = new Client(pagePorts(), { addresses: [address], codec: textApi, followRedirects: false, name });
    this.#promises = new PromiseClient(this.#client);
    this.#admin = new PageAdmin(() => this.#status.adminAddress);
    this.#shell = new Shell({
      table: wholeTable([connectCommand(connect)]),
      output: { mode: 'text', terminal: true, colours: true },
      connection: new ClientConnection(this.#promises, name, address),
      admin: this.#admin,
      keepGoing: true,
      history: parts.history,
    });
    parts.picture.clear(null);
    parts.tree.clear();
    parts.timeline.begin([], null);
    parts.terminal.begin(this, []);
    const lines = ['enter test-ns', 'create set /some/set', 'set insert /some/set hi', 'help'];
    parts.hints(lines, (line) => parts.terminal.press(`\u0001\u000b${line}\r`), {
      text: 'break a cluster in this tab',
      act: () => connect(tabAddress),
    });
    parts.headline(null);
    this.#status = new StatusPicture(address, parts, {
      entered: () => this.#client.namespace?.id ?? null,
      looked: () => this.#looked,
    });
    this.#client.start();
    this.#timers.push(
      setInterval(() => this.#client.tick(), tickMs),
      setInterval(() => this.#admin.tick(), tickMs),
      setInterval(() => this.#tellStatus(), statusEveryMs),
      setInterval(() => void this.#listTree(), treeEveryMs),
    );
    this.#tellStatus();
  }

  run(line: string): void {
    this.#running = new AbortController();
    void this.#shell
      .run(line, (chunk) => this.#print(chunk), this.#running.signal)
      .then(({ exit }) => {
        this.#running = null;
        if (this.#stopped) return;
        if (exit) this.#parts.terminal.output('The terminal stays open as long as its page.\n');
        this.#parts.terminal.lineDone();
      });
  }

  interrupt(): void {
    this.#running?.abort();
  }

  async complete(line: string, cursor: number): Promise<Completion> {
    return await this.#shell.complete(line, cursor);
  }

  stop(): void {
    this.#stopped = true;
    for (const timer of this.#timers) clearInterval(timer);
    this.#client.close();
    this.#admin.close();
    this.#status.stop();
  }

  #print(chunk: OutputChunk): void {
    if (this.#stopped) return;
    this.#parts.terminal.output(typeof chunk.data === 'string' ? chunk.data : new TextDecoder().decode(chunk.data));
  }

  /** Shows where the terminal is connected. While it is not, shows why. */
  #tellStatus(): void {
    const { server, problem, state } = this.#client;
    const text =
      server !== null
        ? `connected to ${server.node}`
        : state === 'connecting' && problem === null
          ? `connecting to ${this.#address}`
          : `reconnecting to ${this.#address}: ${problem?.error.message ?? 'the connection broke'}`;
    this.#explain(server === null && problem !== null && state === 'connecting');
    if (text === this.#said) return;
    this.#said = text;
    this.#parts.status(text, server === null && problem !== null);
  }

  /** Writes once into the terminal why no node may answer at an address where none has yet. */
  #explain(unanswered: boolean): void {
    if (this.#client.server !== null) this.#explained = true;
    if (!unanswered || this.#explained) return;
    this.#explained = true;
    for (const line of whyNoAnswer(this.#address, location)) this.#parts.terminal.interject(line);
  }

  /** Watches the namespace that was entered, and lists its tree when something in it changed. */
  async #listTree(): Promise<void> {
    const { namespace, server } = this.#client;
    const { tree, treeOf } = this.#parts;
    if (namespace?.id !== this.#watched) this.#watch();
    if (namespace === null) {
      treeOf.textContent = '';
      tree.show(null, 'Enter a namespace to see what is in it.');
      return;
    }
    if (!this.#changed || this.#listing || server === null || document.hidden || this.#stopped) return;
    this.#changed = false;
    this.#listing = true;
    const rows = await listTree((operation) => this.#read(operation));
    this.#listing = false;
    if (this.#client.namespace?.id !== namespace.id) return;
    treeOf.textContent = `of ${namespace.name}`;
    tree.show(rows, 'Nothing yet. Try: create set /some/set');
  }

  #watch(): void {
    this.#watching?.cancel();
    this.#watching = null;
    const id = this.#client.namespace?.id;
    this.#watched = id;
    this.#changed = true;
    if (id === undefined) return;
    // Only the fact that something changed matters. The page then lists the tree again, at most every so often.
    const options = { subtree: true, slow: 'fold', consistency: 'local' } as const;
    this.#watching = watch(this.#client, '/', options, (told) => {
      this.#changed = true;
      if (told.kind !== 'ended') return;
      this.#watching = null;
      // The next look at the tree watches again.
      setTimeout(() => (this.#watched = undefined), treeRetryMs);
    });
  }

  async #read(operation: Parameters<PromiseClient['run']>[0]): Promise<OperationResult | null> {
    this.#looked++;
    try {
      return await this.#promises.run(operation, { consistency: 'local', timeoutMs: 2000 });
    } catch {
      return null;
    }
  }
}

window.haretShowNode = (parts, address, build, connect) => new NodeMode(parts, address, build, connect);
