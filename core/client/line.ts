/** The connection in use, for the parts that speak over it: the node's welcome, and a way to send. */

import type { Outgoing } from '../wire/api-client.ts';
import type { Incoming } from '../wire/server-messages.ts';
import type { Connector } from './connector.ts';

export type Welcome = Extract<Incoming, { kind: 'welcome' }>;

export class Line {
  /** Null until the node has sent its welcome on this connection. */
  welcome: Welcome | null = null;
  readonly #connector: Connector<Outgoing, Incoming>;

  constructor(connector: Connector<Outgoing, Incoming>) {
    this.#connector = connector;
  }

  /** True when a message would leave now. */
  get open(): boolean {
    return this.welcome !== null && this.#connector.active !== null;
  }

  /** How many requests a session may have outstanding. 0 while there is no connection. */
  get window(): number {
    return this.welcome?.maxWindow ?? 0;
  }

  /** Does nothing while there is no connection. */
  send(message: Outgoing): void {
    this.#connector.active?.send(message);
  }
}
