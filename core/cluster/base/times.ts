/**
 * The times of a node that follow from how long a silent primary is tolerated (`suspicionMs`). Each has its name and
 * its reason here. Other code does not multiply `suspicionMs` itself. The times that replicas derive are in
 * core/vr/times.ts.
 */

import type { Timing } from './host.ts';

export interface NodeTimes {
  /** A request or a read that waits here or at a peer ends after this long. A normal election is over long before. */
  readonly patienceMs: number;
  /**
   * For a forwarded admin command. It may found a cluster, dial a node and wait for an election before it is answered.
   */
  readonly commandMs: number;
  /** For one step of founding or joining: an election of the root group, or a fresh node's answer. */
  readonly stepMs: number;
  /** How long the command that created a namespace waits for its first primary before it is answered. */
  readonly firstPrimaryMs: number;
  /** How long a command waits for its node, if that node is about to be connected. */
  readonly connectMs: number;
  /** Between two comparisons of the addresses that nodes send with those in the catalog. */
  readonly compareMs: number;
  /** A link that this node dialled must be welcomed within this time. */
  readonly welcomeMs: number;
  /**
   * An accepted link must prove the secret within this time. It is generous, because the other end may be slow to start
   * and a link that waits costs little.
   */
  readonly helloMs: number;
  /** A peer is pinged when it has said nothing for this long. */
  readonly pingMs: number;
  /** A link over which nothing came for this long is dead, whatever its socket says. Two pings went unanswered. */
  readonly silenceMs: number;
  /**
   * How long this node believes a peer that calls it a stranger without having proven the secret. As long as the peer
   * is there, it says so again.
   */
  readonly hearsayMs: number;
  /**
   * Clients are told that a namespace has no primary after this long. A good election is over by then, so it moves no
   * client.
   */
  readonly standingMs: number;
  /** A client that has answers waiting and takes none of them for so long does not read, and is closed. */
  readonly slowReaderMs: number;
  /** What the disk was given is not durable for this long: the operator is told. */
  readonly diskStallMs: number;
  /** Ticks are no later than this while the process is awake. */
  readonly awakeTickMs: number;
  /** A node that was not connected for this long is reported as missing. A restart is over by then. */
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
    slowReaderMs: suspicionMs * 5,
    diskStallMs: suspicionMs,
    awakeTickMs: suspicionMs / 10,
    absentMs: suspicionMs * 30,
  };
}
