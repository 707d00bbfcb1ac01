/** The admin interface of a real node, if the node lets a page administer it. If not, an error says why. */

import { HaretError, errorInfo } from '../core/base/errors.ts';
import { AdminClient } from '../core/client/admin-client.ts';
import { AdminConnection } from '../core/shell/index.ts';
import type { CallOptions, ShellAdmin } from '../core/shell/index.ts';
import type { AdminCommand, AdminResult } from '../core/wire/admin.ts';
import { pagePorts } from './page-ports.ts';

const patienceMs = 10_000;
/** A status stream that is on sends something at once. */
const sayMs = 2000;
const lookMs = 50;
const closed =
  'This node does not let a page administer it. Set playground_admin = true in its config.toml, or use haret-admin.';
const unknown =
  'This page does not know the admin interface of this node: its status stream is off, or refuses this page.';

export class PageAdmin implements ShellAdmin {
  readonly #where: () => string | null | undefined;
  #client: AdminClient | null = null;
  #address = '';

  /**
   * @param where gives the address of the admin interface. Null when no page may use it, undefined when that is not
   * known.
   */
  constructor(where: () => string | null | undefined) {
    this.#where = where;
  }

  get address(): string {
    return this.#address;
  }

  async admin(command: AdminCommand, options: CallOptions): Promise<AdminResult> {
    const address = await this.#known(options.signal);
    if (address === undefined) throw new HaretError(errorInfo('NotAllowed', unknown));
    if (address === null) throw new HaretError(errorInfo('NotAllowed', closed));
    if (this.#client === null || address !== this.#address) {
      this.#client?.close();
      this.#address = address;
      const settings = { addresses: [address], codec: 'superjson', requestTimeoutMs: patienceMs } as const;
      this.#client = new AdminClient(pagePorts(), settings);
      this.#client.start();
    }
    return await new AdminConnection(this.#client, address).admin(command, options);
  }

  /** Waits until the node has told the address. */
  async #known(signal: AbortSignal | undefined): Promise<string | null | undefined> {
    for (let waitedMs = 0; waitedMs < sayMs && signal?.aborted !== true; waitedMs += lookMs) {
      const address = this.#where();
      if (address !== undefined) return address;
      await new Promise((resolve) => setTimeout(resolve, lookMs));
    }
    return this.#where();
  }

  tick(): void {
    this.#client?.tick();
  }

  close(): void {
    this.#client?.close();
  }
}
