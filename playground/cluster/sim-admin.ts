/**
 * The admin interface of a simulated cluster. Each command has its own connection, first to the terminal's node, and
 * otherwise to any node.
 */

import { AdminClient } from '../../core/client/admin-client.ts';
import { AdminConnection } from '../../core/shell/index.ts';
import type { CallOptions, ShellAdmin } from '../../core/shell/index.ts';
import type { World } from '../../core/sim/world.ts';
import type { AdminCommand, AdminResult } from '../../core/wire/admin.ts';

const tickUs = 10_000;
/** In the cluster's own time. */
const patienceMs = 10_000;

export class SimAdmin implements ShellAdmin {
  readonly #world: World;
  readonly #host: string;
  readonly #at: () => string | null;

  /** @param at the node to ask first. */
  constructor(world: World, host: string, at: () => string | null) {
    this.#world = world;
    this.#host = host;
    this.#at = at;
  }

  get address(): string {
    return this.#addresses()[0] ?? '';
  }

  async admin(command: AdminCommand, options: CallOptions): Promise<AdminResult> {
    const { network, schedule } = this.#world;
    const client = new AdminClient(
      {
        transport: network.transportOf(this.#host),
        clock: schedule.clock,
        random: this.#world.chance(),
      },
      { addresses: this.#addresses(), requestTimeoutMs: patienceMs },
    );
    let open = true;
    const tick = (): void => {
      if (!open) return;
      client.tick();
      schedule.after(tickUs, tick);
    };
    client.start();
    tick();
    try {
      return await new AdminConnection(client, this.address).admin(command, options);
    } finally {
      open = false;
      client.close();
    }
  }

  #addresses(): readonly string[] {
    const first = this.#at();
    const nodes = [...this.#world.nodes].sort((a, b) => Number(b.name === first) - Number(a.name === first));
    return nodes.map((node) => node.adminAddress);
  }
}
