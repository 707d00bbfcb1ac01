/** Rooms that a program can follow. */

import { live } from '../live.ts';
import type { Live } from '../live.ts';
import type { CoreNamespace } from '../namespace.ts';
import { CorePresence } from './presence.ts';

/** A room whose members a program can follow. It is made by the first who joins, and goes with the last. */
export class Presence<Out, In = Out, N extends CoreNamespace = CoreNamespace> extends CorePresence<Out, In, N> {
  /** Everyone in the room by name, kept up to date. */
  live(): Live<ReadonlyMap<string, Out>> {
    return live(this);
  }
}
