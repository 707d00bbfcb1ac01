/**
 * The client engine of the admin interface: commands and their results, with time-outs. A command that changes the
 * cluster is sent only once. If its connection is lost, its outcome is unknown.
 */

import type { ErrorInfo, Outcome, Result } from '../base/errors.ts';
import { errorInfo, fail, ok } from '../base/errors.ts';
import { adminClientCodec } from '../wire/admin-codecs.ts';
import type { AdminCommand, AdminReply, AdminRequest, AdminResult } from '../wire/admin.ts';
import { adminSubprotocols, maxAdminFrameMessages } from '../wire/admin.ts';
import type { Connection, Dialect } from './connection.ts';
import { Connector } from './connector.ts';
import { Deadlines, Timed } from './deadlines.ts';
import type { ClientPorts, ConnectionProblem, ConnectorOptions, Pending } from './options.ts';
import { defaultConnectorOptions } from './options.ts';

export interface AdminClientOptions extends ConnectorOptions {
  readonly codec: 'binary' | 'superjson';
  readonly requestTimeoutMs: number;
  readonly maxOutstanding: number;
}

export const defaultAdminClientOptions: Omit<AdminClientOptions, 'addresses'> = {
  ...defaultConnectorOptions,
  codec: 'binary',
  requestTimeoutMs: 30_000,
  maxOutstanding: 256,
};

export type AdminClientState = 'connecting' | 'ready' | 'suspended' | 'closed';

/** True for commands that only ask. They may be sent again, and their failure leaves no doubt. */
const onlyAsks: Readonly<Record<AdminCommand['kind'], boolean>> = {
  clusterJoin: false,
  clusterStatus: true,
  createNamespace: false,
  namespaces: true,
  replica: true,
  primary: true,
  config: true,
  metrics: true,
  logLevel: false,
  ping: true,
};

class AdminCall extends Timed implements Pending {
  readonly request: AdminRequest;
  readonly done: (result: Result<AdminResult>) => void;
  sent = false;
  readonly #end: (call: AdminCall, error: ErrorInfo) => void;

  constructor(
    request: AdminRequest,
    timeoutMs: number,
    done: (result: Result<AdminResult>) => void,
    end: (call: AdminCall, error: ErrorInfo) => void,
  ) {
    super(timeoutMs);
    this.request = request;
    this.done = done;
    this.#end = end;
  }

  get outcome(): Outcome {
    return this.sent && !onlyAsks[this.request.command.kind] ? 'unknown' : 'definite';
  }

  abandon(): void {
    this.#end(this, errorInfo('Interrupted', 'the call was abandoned', {}, this.outcome));
  }

  override expired(): void {
    this.#end(this, errorInfo('Timeout', 'Timeout', { timeoutMs: this.timeoutMs }, this.outcome));
  }
}

export class AdminClient {
  readonly #ports: ClientPorts;
  readonly #options: AdminClientOptions;
  readonly #connector: Connector<AdminRequest, AdminReply>;
  readonly #deadlines = new Deadlines();
  readonly #calls = new Map<number, AdminCall>();
  readonly #listeners = new Set<(state: AdminClientState) => void>();
  #state: AdminClientState = 'connecting';
  #started = false;
  #lastId = 0;

  /** @param options must have `addresses`. The rest has defaults. */
  constructor(ports: ClientPorts, options: Partial<AdminClientOptions> & Pick<AdminClientOptions, 'addresses'>) {
    this.#ports = ports;
    this.#options = { ...defaultAdminClientOptions, ...options };
    const subprotocol = adminSubprotocols[this.#options.codec];
    const dialect: Dialect<AdminRequest, AdminReply> = {
      subprotocol,
      codec: (maxFrameBytes) => adminClientCodec(subprotocol, maxFrameBytes),
      maxFrameMessages: maxAdminFrameMessages,
      estimate: () => 512,
      goodbye: (message) => (message.kind === 'goodbye' ? message.error : null),
    };
    this.#connector = new Connector(ports, dialect, this.#options, {
      onOpen: (connection) => this.#opened(connection),
      onMessage: (_, message) => this.#receive(message),
      onLost: (error) => this.#lost(error),
      onMoveFailed: () => undefined,
      onOversized: (message, bytes, limit) => {
        const call = this.#calls.get(message.id);
        const problem = `the command takes ${bytes} bytes, and a frame may have ${limit}`;
        if (call !== undefined) this.#end(call, errorInfo('LimitExceeded', problem, { limit, actual: bytes }));
      },
      sendPing: (connection) => {
        connection.send({ id: ++this.#lastId, command: { kind: 'ping' } });
      },
    });
  }

  get state(): AdminClientState {
    return this.#state;
  }

  /** The address to which this client is connected, or null while it is not connected. */
  get address(): string | null {
    return this.#connector.active?.address ?? null;
  }

  /** Why the last connection failed or ended. */
  get problem(): ConnectionProblem | null {
    return this.#connector.problem;
  }

  /** How many attempts to connect have failed since a node last answered. */
  get failedAttempts(): number {
    return this.#connector.failures;
  }

  onState(listener: (state: AdminClientState) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  start(): void {
    if (this.#started || this.#state === 'closed') return;
    this.#started = true;
    this.#connector.start();
  }

  /** To be called every 10 to 20 ms. */
  tick(): void {
    if (this.#state === 'closed' || !this.#started) return;
    this.#deadlines.expire(this.#ports.clock.now());
    this.#connector.tick(this.#calls.size > 0);
  }

  close(): void {
    if (this.#state === 'closed') return;
    this.#setState('closed');
    for (const call of [...this.#calls.values()]) {
      this.#end(call, errorInfo('Closed', 'the client was closed', {}, call.outcome));
    }
    this.#connector.close('done');
  }

  /** Runs one command. */
  execute(
    command: AdminCommand,
    done: (result: Result<AdminResult>) => void,
    timeoutMs = this.#options.requestTimeoutMs,
  ): Pending {
    const id = ++this.#lastId;
    const call = new AdminCall({ id, command }, Math.max(1, timeoutMs), done, (ended, error) => {
      this.#end(ended, error);
    });
    const { maxOutstanding } = this.#options;
    const refusal =
      this.#state === 'closed'
        ? fail('Closed', 'the client was closed')
        : this.#calls.size >= maxOutstanding
          ? fail('Overloaded', `${this.#calls.size} commands are outstanding, and the limit is ${maxOutstanding}`, {
              limit: maxOutstanding,
              actual: this.#calls.size,
            })
          : null;
    if (refusal !== null) {
      this.#ports.clock.soon(() => done(refusal));
      return { abandon: () => undefined };
    }
    this.#calls.set(id, call);
    this.#deadlines.add(call, this.#ports.clock.now());
    this.#send(call);
    return call;
  }

  /** Succeeds when the node answers. After `timeoutMs` it fails with the reason why the node could not be reached. */
  connected(done: (result: Result<null>) => void, timeoutMs?: number): Pending {
    return this.execute(
      { kind: 'ping' },
      (result) => {
        const problem = this.#connector.problem;
        if (result.ok) done(ok(null));
        else if (this.#state !== 'ready' && this.#state !== 'closed' && problem !== null) {
          done({ ok: false, error: { ...problem.error, outcome: 'definite' } });
        } else done(result);
      },
      timeoutMs,
    );
  }

  #send(call: AdminCall): void {
    const active = this.#connector.active;
    if (active === null) return;
    call.sent = true;
    active.send(call.request);
  }

  #opened(connection: Connection<AdminRequest, AdminReply>): void {
    this.#connector.takeUp(connection);
    this.#setState('ready');
    for (const call of this.#calls.values()) this.#send(call);
  }

  #lost(error: ErrorInfo): void {
    this.#setState('suspended');
    for (const call of [...this.#calls.values()]) {
      // Commands that only ask are sent again over the next connection.
      if (call.outcome === 'unknown') {
        this.#end(call, errorInfo('Disconnected', error.message, error.details, 'unknown'));
      }
    }
  }

  #receive(message: AdminReply): void {
    if (message.kind === 'goodbye') return;
    const call = this.#calls.get(message.id);
    if (call === undefined) return;
    if (message.kind === 'failed') this.#end(call, message.error);
    else if (this.#remove(call)) call.done(ok(message.result));
  }

  #end(call: AdminCall, error: ErrorInfo): void {
    if (this.#remove(call)) call.done({ ok: false, error });
  }

  #remove(call: AdminCall): boolean {
    if (!this.#calls.delete(call.request.id)) return false;
    this.#deadlines.remove(call);
    return true;
  }

  #setState(state: AdminClientState): void {
    if (state === this.#state || this.#state === 'closed') return;
    this.#state = state;
    for (const listener of this.#listeners) listener(state);
  }
}
