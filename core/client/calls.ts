/** The calls of a client: reads and writes, and the questions that the client asks for itself. */

import type { ErrorInfo, Result } from '../base/errors.ts';
import type { NamespaceId, RequestNumber } from '../base/ids.ts';
import type { Reply } from '../service/reply.ts';
import type { Packed, Outgoing } from '../wire/api-client.ts';
import type { Consistency } from '../wire/api.ts';
import type { Incoming } from '../wire/server-messages.ts';
import { Timed } from './deadlines.ts';
import type { Pending } from './options.ts';
import type { WriteSession } from './session.ts';

/** `refused`: the node refused it for now, and it waits to be sent again. */
export type Phase = 'queued' | 'sent' | 'refused' | 'ended';

/** Is called when a call ends itself. */
export interface CallOwner {
  expired(call: Call): void;
  abandoned(call: Call): void;
}

abstract class CallBase extends Timed {
  readonly id: number;
  phase: Phase = 'queued';
  firstSentAtMs = 0;
  sentAtMs = 0;
  sends = 0;
  /**
   * How many sends may still have been executed. A refusal is for one send, so it settles the call only if this is 1.
   */
  unresolved = 0;
  lastRefusal: ErrorInfo | null = null;
  protected readonly owner: CallOwner;

  constructor(owner: CallOwner, id: number, timeoutMs: number) {
    super(timeoutMs);
    this.owner = owner;
    this.id = id;
  }
}

/** A read or a write, as the user asks for it. */
export interface Asked {
  readonly timeoutMs: number;
  readonly namespaceId: NamespaceId;
  readonly operation: Packed;
  /** Null for a write. */
  readonly consistency: Consistency | null;
  /** The session of a write. */
  readonly writeSession: WriteSession | null;
  readonly done: (result: Result<Reply>) => void;
}

/** A read or a write of the user. It is its own handle, so that a call costs only one object. */
export class DataCall extends CallBase implements Pending, Asked {
  readonly kind = 'data';
  readonly namespaceId: NamespaceId;
  readonly operation: Packed;
  readonly consistency: Consistency | null;
  readonly writeSession: WriteSession | null;
  /** Its number in the session, 0 before it has one. */
  requestNumber: RequestNumber = 0;
  /** The `answered` with which it was last sent. */
  sentAnswered: RequestNumber = 0;
  readonly done: (result: Result<Reply>) => void;

  /** Copies what it needs of `asked` and does not keep it. Measured: a literal that is given here costs no time. */
  constructor(owner: CallOwner, id: number, asked: Asked) {
    super(owner, id, asked.timeoutMs);
    this.namespaceId = asked.namespaceId;
    this.operation = asked.operation;
    this.consistency = asked.consistency;
    this.writeSession = asked.writeSession;
    this.done = asked.done;
  }

  abandon(): void {
    this.owner.abandoned(this);
  }

  override expired(): void {
    this.owner.expired(this);
  }
}

/** Any other call. It may be repeated freely. */
export class ControlCall extends CallBase implements Pending {
  readonly kind = 'control';
  readonly request: Outgoing;
  readonly settle: (result: Result<Incoming>) => void;

  constructor(
    owner: CallOwner,
    id: number,
    timeoutMs: number,
    request: Outgoing,
    settle: (result: Result<Incoming>) => void,
  ) {
    super(owner, id, timeoutMs);
    this.request = request;
    this.settle = settle;
  }

  abandon(): void {
    this.owner.abandoned(this);
  }

  override expired(): void {
    this.owner.expired(this);
  }
}

export type Call = DataCall | ControlCall;
