/** A link that was accepted, with what its connection needs of the node. */

import type { Limits } from '../../base/limits.ts';
import type { Link, Log } from '../../base/ports.ts';
import type { Notices } from './notices.ts';
import type { Turn } from './turn.ts';

export interface Opened<Codec> {
  readonly link: Link;
  readonly codec: Codec;
  /** The other end's address, for the log. */
  readonly from: string;
  readonly turn: Turn;
  readonly limits: Limits;
  readonly log: Log;
  readonly notices: Notices;
}
