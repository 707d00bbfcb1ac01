/**
 * Decides to which node a client is connected. It tries the addresses in random order, backs off, and gives up nodes
 * that fall silent. It can move to another node without losing the connection in between.
 */

import type { ErrorInfo } from '../base/errors.ts';
import { errorInfo, haretError } from '../base/errors.ts';
import * as closeCodes from '../wire/close-codes.ts';
import type { Dialect } from './connection.ts';
import { Connection } from './connection.ts';
import type { ClientPorts, ConnectionProblem, ConnectorOptions } from './options.ts';

export interface ConnectorEvents<Out, In> {
  /** A link has opened. The owner greets, and calls {@link Connector.takeUp} once the node has answered. */
  onOpen(connection: Connection<Out, In>): void;
  onMessage(connection: Connection<Out, In>, message: In): void;
  /** The adopted connection is lost. The connector looks for another one. */
  onLost(error: ErrorInfo): void;
  /** The node of {@link Connector.moveTo} could not be reached. */
  onMoveFailed(address: string): void;
  onOversized(message: Out, bytes: number, limit: number): void;
  sendPing(connection: Connection<Out, In>): void;
}

const maxAddresses = 64;
/** The longest patience. At a megabit a second, a megabyte takes eight times as long as a node may be silent. */
const maxPatience = 8;
/** Patience that was not needed for this long is halved. */
const patientMs = 30_000;

export class Connector<Out, In> {
  readonly #ports: ClientPorts;
  readonly #dialect: Dialect<Out, In>;
  readonly #options: ConnectorOptions;
  readonly #events: ConnectorEvents<Out, In>;
  /** The addresses in the order in which they are tried. One that failed goes to the end. */
  readonly #order: string[];
  #active: Connection<Out, In> | null = null;
  #dialling: Connection<Out, In> | null = null;
  #moving = false;
  #failures = 0;
  #redialAtMs: number | null = null;
  #problem: ConnectionProblem | null = null;
  #lastTickMs: number;
  /**
   * How long the active connection has owed us an answer and said nothing, counted only while this process was awake.
   * The other field has the time when it was last heard.
   */
  #silentMs = 0;
  #heardAtMs = 0;
  /**
   * How many times longer than usual we wait for a node. It doubles when a node took too long, because the network may
   * be slow.
   */
  #patience = 1;
  #impatientAtMs = 0;

  constructor(
    ports: ClientPorts,
    dialect: Dialect<Out, In>,
    options: ConnectorOptions,
    events: ConnectorEvents<Out, In>,
  ) {
    this.#ports = ports;
    this.#dialect = dialect;
    this.#options = options;
    this.#events = events;
    this.#lastTickMs = ports.clock.now();
    if (options.addresses.length === 0) throw haretError('BadArgument', 'a client needs the address of a node');
    this.#order = [...options.addresses];
    for (let i = this.#order.length - 1; i > 0; i--) {
      const j = ports.random.below(i + 1);
      const swapped = this.#order[i]!;
      this.#order[i] = this.#order[j]!;
      this.#order[j] = swapped;
    }
  }

  /** The connection whose node has answered the greeting. */
  get active(): Connection<Out, In> | null {
    return this.#active;
  }

  get problem(): ConnectionProblem | null {
    return this.#problem;
  }

  /** How many attempts have failed since a connection was last adopted. */
  get failures(): number {
    return this.#failures;
  }

  start(): void {
    this.#redial();
  }

  /** Makes `connection` the active one. It replaces the one before. */
  takeUp(connection: Connection<Out, In>): void {
    if (connection !== this.#dialling) return;
    const before = this.#active;
    this.#dialling = null;
    this.#moving = false;
    this.#active = connection;
    this.#failures = 0;
    this.#redialAtMs = null;
    this.#silentMs = 0;
    // The address where the primary once was is worth a try when all given addresses fail.
    const { address } = connection;
    if (!this.#order.includes(address) && this.#order.length < maxAddresses) this.#order.push(address);
    before?.close(closeCodes.normal, 'moved to another node');
  }

  /**
   * Dials another node, and keeps the present one until the other has answered. Returns false when it is already
   * dialling.
   */
  moveTo(address: string): boolean {
    if (this.#dialling !== null || this.#active === null) return false;
    this.#moving = true;
    this.#dial(address);
    return true;
  }

  /** As {@link moveTo}, to the next address. @returns the address that will be left, or null when there is no other. */
  moveOn(): string | null {
    const address = this.#active?.address ?? '';
    const next = this.#order[(this.#order.indexOf(address) + 1) % this.#order.length]!;
    return next !== address && this.moveTo(next) ? address : null;
  }

  /** @param owed is true while answers are outstanding on the active connection. */
  tick(owed: boolean): void {
    const now = this.#ports.clock.now();
    const connectTimeoutMs = this.#options.connectTimeoutMs * this.#patience;
    // While this process was held up, frames waited unread, so much of the silence was our own. But a process that is
    // held up again and again must not wait for ever.
    const awakeMs = Math.min(now - this.#lastTickMs, this.#options.silenceMs / 4);
    if (this.#patience > 1 && now >= this.#impatientAtMs) this.#setPatience(now, this.#patience / 2);
    this.#lastTickMs = now;
    const dialling = this.#dialling;
    if (dialling !== null && now - dialling.dialledAtMs >= connectTimeoutMs) {
      const { address } = dialling;
      const problem = `${address} did not answer within ${connectTimeoutMs} ms`;
      this.#setPatience(now, this.#patience * 2);
      dialling.fail(closeCodes.timeout, errorInfo('NodeUnreachable', problem, { address }));
    }
    if (this.#active !== null) this.#judgeSilence(this.#active, owed, now, awakeMs);
    if (this.#redialAtMs !== null && now >= this.#redialAtMs) this.#redial();
  }

  /** Dials at once if it waits before the next attempt, because something suggests that the attempt may succeed now. */
  hurry(): void {
    if (this.#redialAtMs === null) return;
    this.#failures = 0;
    this.#redial();
  }

  close(reason: string): void {
    this.#redialAtMs = null;
    this.#dialling?.close(closeCodes.normal, reason);
    this.#dialling = null;
    this.#active?.close(closeCodes.normal, reason);
    this.#active = null;
  }

  #setPatience(nowMs: number, patience: number): void {
    this.#patience = Math.min(maxPatience, patience);
    this.#impatientAtMs = nowMs + patientMs;
  }

  #judgeSilence(active: Connection<Out, In>, owed: boolean, now: number, awakeMs: number): void {
    const { idlePingMs } = this.#options;
    const silenceMs = this.#options.silenceMs * this.#patience;
    const { address, heardAtMs } = active;
    const pinged = active.pingedAtMs > heardAtMs;
    // When no answer is outstanding, only an unanswered ping counts as silence.
    const silent = (owed || pinged) && heardAtMs === this.#heardAtMs;
    this.#silentMs = silent ? this.#silentMs + awakeMs : 0;
    this.#heardAtMs = heardAtMs;
    if (this.#silentMs >= silenceMs) {
      const problem = `${address} was silent for ${Math.round(this.#silentMs)} ms`;
      this.#setPatience(now, this.#patience * 2);
      active.fail(closeCodes.timeout, errorInfo('NodeUnreachable', problem, { address }));
    } else if (!pinged && (owed ? this.#silentMs >= silenceMs / 3 : now - heardAtMs >= idlePingMs)) {
      active.pingedAtMs = now;
      this.#events.sendPing(active);
    }
  }

  #dial(address: string): void {
    this.#dialling = new Connection<Out, In>(
      this.#ports,
      this.#dialect,
      {
        onOpen: (connection) => this.#events.onOpen(connection),
        onMessage: (connection, message) => this.#events.onMessage(connection, message),
        onDown: (connection, error) => this.#down(connection, error),
        onOversized: (message, bytes, limit) => this.#events.onOversized(message, bytes, limit),
      },
      address,
      this.#options.maxQueuedBytes,
    );
  }

  #redial(): void {
    this.#redialAtMs = null;
    const address = this.#order[0];
    if (address !== undefined && this.#dialling === null) this.#dial(address);
  }

  #down(connection: Connection<Out, In>, error: ErrorInfo): void {
    this.#problem = { address: connection.address, error };
    const at = this.#order.indexOf(connection.address);
    if (at >= 0) this.#order.push(...this.#order.splice(at, 1));
    const wasMove = this.#moving;
    if (connection === this.#active) {
      this.#active = null;
      // If a move is under way, its connection replaces the lost one.
      if (this.#dialling === null) this.#scheduleRedial();
      this.#events.onLost(error);
      return;
    }
    if (connection !== this.#dialling) return;
    this.#dialling = null;
    this.#moving = false;
    if (this.#active === null) this.#scheduleRedial();
    if (wasMove) this.#events.onMoveFailed(connection.address);
  }

  #scheduleRedial(): void {
    const { reconnectMs, reconnectMaxMs } = this.#options;
    const round = Math.floor(this.#failures / Math.max(1, this.#order.length));
    const full = Math.min(reconnectMaxMs, reconnectMs * 2 ** Math.min(round, 16));
    this.#failures++;
    // Half of the wait is random, so that the clients of a dead node do not all come to the next one together.
    const half = Math.ceil(full / 2);
    this.#redialAtMs = this.#ports.clock.now() + half + this.#ports.random.below(half + 1);
  }
}
