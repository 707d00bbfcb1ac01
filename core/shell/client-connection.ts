/** The client engine as the shell uses it, with one adapter for the API interface and one for the admin interface. */

import type { AdminClient } from '../client/admin-client.ts';
import { keepLease } from '../client/ephemerals.ts';
import type { CallOptions as ClientCallOptions, PromiseClient } from '../client/promises.ts';
import { promised } from '../client/promises.ts';
import type { Entered, ReadConsistency } from '../client/options.ts';
import type { Reply } from '../service/reply.ts';
import type { Operation } from '../tree/operation.ts';
import { claimed } from './claimed.ts';
import { took } from './took.ts';
import type { AdminCommand, AdminResult } from '../wire/admin.ts';
import type { Consistency, PrimaryInfo } from '../wire/api.ts';
import type {
  CallOptions,
  ClaimWish,
  ConnectionStatus,
  EnterResult,
  ExecuteOptions,
  ShellAdmin,
  ShellConnection,
  ShellHold,
  ShellJob,
  ShellWatch,
  ShellWatchOptions,
  TakeWish,
} from './connection.ts';

/**
 * After how many seconds a user is asked to try again when there is no primary. Several view changes fit into this
 * time.
 */
const retrySeconds = 5;
/** How long the client tries to tell that it keeps its session alive. */
const keepTimeoutMs = 10_000;

function makesEphemeral(operation: Operation): boolean {
  if (operation.kind === 'transaction') return [...operation.then, ...operation.otherwise].some(makesEphemeral);
  return operation.kind === 'createWith' && operation.ephemeral;
}

function clientOptions({ timeoutMs, signal }: CallOptions): ClientCallOptions {
  return { ...(timeoutMs > 0 ? { timeoutMs } : {}), ...(signal === undefined ? {} : { signal }) };
}

function readConsistency(consistency: Consistency): ReadConsistency {
  return consistency.kind === 'atLeast' ? { atLeast: consistency.op } : consistency.kind;
}

export class ClientConnection implements ShellConnection {
  readonly #client: PromiseClient;
  readonly #name: string;
  readonly #address: string;
  #primary: PrimaryInfo | null = null;

  /**
   * @param name the name of this client in the cluster.
   * @param address the address that was dialled, for `whoami` while there is no connection.
   */
  constructor(client: PromiseClient, name: string, address: string) {
    this.#client = client;
    this.#name = name;
    this.#address = address;
  }

  async enter(namespace: string, options: CallOptions): Promise<EnterResult> {
    const entered: Entered = await this.#client.enter(namespace, clientOptions(options));
    const { epoch, view, primary, redirected } = entered;
    this.#primary = primary;
    return { epoch, view, primary, redirected, retrySeconds };
  }

  leave(_options: CallOptions): Promise<void> {
    this.#client.engine.leave();
    this.#primary = null;
    return Promise.resolve();
  }

  async listNamespaces(options: CallOptions): Promise<readonly string[]> {
    return await this.#client.listNamespaces(clientOptions(options));
  }

  async execute(operation: Operation, options: ExecuteOptions): Promise<Reply> {
    const consistency = readConsistency(options.consistency);
    const reply = await this.#client.execute(operation, { ...clientOptions(options), consistency });
    // The session has a lease from now on, and is kept alive as often as that needs.
    if (makesEphemeral(operation)) keepLease(this.#client.engine, keepTimeoutMs);
    return reply;
  }

  async ping(options: CallOptions): Promise<number> {
    return await this.#client.ping(clientOptions(options));
  }

  watch(path: string, options: ShellWatchOptions, signal?: AbortSignal): ShellWatch {
    const stream = this.#client.watch(path, signal === undefined ? options : { ...options, signal });
    return {
      return: () => stream.return(),
      async *[Symbol.asyncIterator]() {
        for await (const told of stream) if (told.kind === 'event' || told.kind === 'snapshot') yield told;
      },
    };
  }

  claim(wish: ClaimWish, { timeoutMs, signal }: CallOptions): Promise<ShellHold | null> {
    return claimed(this.#client.engine, wish, timeoutMs, signal);
  }

  take(wish: TakeWish, options: CallOptions): Promise<readonly ShellJob[]> {
    return took(this.#client.engine, wish, options);
  }

  status(): ConnectionStatus {
    const { server, namespace } = this.#client.engine;
    return {
      client: this.#name,
      node: server?.node ?? null,
      address: server?.address ?? this.#address,
      session: namespace?.session ?? null,
      primary: this.#primary,
    };
  }
}

export class AdminConnection implements ShellAdmin {
  readonly #client: AdminClient;
  readonly #address: string;

  /** @param address the address that was dialled. */
  constructor(client: AdminClient, address: string) {
    this.#client = client;
    this.#address = address;
  }

  get address(): string {
    return this.#client.address ?? this.#address;
  }

  async admin(command: AdminCommand, options: CallOptions): Promise<AdminResult> {
    const timeoutMs = options.timeoutMs > 0 ? options.timeoutMs : undefined;
    return await promised((done) => this.#client.execute(command, done, timeoutMs), options.signal);
  }
}
