/**
 * The times of a node that follow from how long a silent primary is borne (`suspicionMs`): each has its name and its reason here, and
 * nobody multiplies on his own. What replicas derive is in core/vr/times.ts.
 */

import type { Timing } from './host.ts';

export interface NodeTimes {
  /** A request or a read that waits here or at a peer ends after so long: an election that goes as it should is over long before. */
  readonly patienceMs: number;
  /** A forwarded admin command: it may found a cluster, dial a node and wait for an election before it is answered. */
  readonly commandMs: number;
  /** One step of founding or joining: an election of the root group, or a fresh node's answer. */
  readonly stepMs: number;
  /** After a namespace was created, its first primary is waited for before the command is answered. */
  readonly firstPrimaryMs: number;
  /** A node that is asked for a command and is about to be connected is waited for. */
  readonly connectMs: number;
  /** Between comparisons of what nodes say of their addresses with what the catalog has. */
  readonly compareMs: number;
  /** A link that this node dialled has to be welcomed within so long. */
  readonly welcomeMs: number;
  /** An accepted link has to prove the secret within so long: the other end may be slow to start, and is charged for nothing. */
  readonly helloMs: number;
  /** A peer that said nothing for so long is pinged, */
  readonly pingMs: number;
  /** and a link over which nothing came for so long is dead, whatever its socket says: two pings went unanswered. */
  readonly silenceMs: number;
  /** Who has not proven the secret and calls this node a stranger is heeded for so long: it says so again as long as it is there. */
  readonly hearsayMs: number;
  /** A namespace without a primary for so long is told to its clients: a good election is over by then, and moves nobody. */
  readonly standingMs: number;
  /** A client that has answers waiting and takes none of them for so long does not read, and is closed. */
  readonly slowReaderMs: number;
  /** A node that was not connected for so long is told of as missing: a restart is over by then. */
  readonly absentMs: number;
}

export function nodeTimes({ suspicionMs }: Pick<Timing, 'suspicionMs'>): NodeTimes {
  const patienceMs = suspicionMs * 5;
  return {
    patienceMs,
    commandMs: patienceMs * 5,
    stepMs: patienceMs * 2,
    firstPrimaryMs: patienceMs,
    connectMs: suspicionMs,
    compareMs: suspicionMs,
    welcomeMs: suspicionMs * 2,
    helloMs: suspicionMs * 5,
    pingMs: suspicionMs,
    silenceMs: suspicionMs * 3,
    hearsayMs: suspicionMs * 5,
    standingMs: suspicionMs / 2,
    slowReaderMs: suspicionMs * 10,
    absentMs: suspicionMs * 30,
  };
}
