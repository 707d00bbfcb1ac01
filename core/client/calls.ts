/** What a client waits for: reads and writes, and the questions that it asks for itself. */

import type { ErrorInfo, Result } from '../base/errors.ts';
import type { NamespaceId, RequestNumber } from '../base/ids.ts';
import type { Reply } from '../service/reply.ts';
import type { Packed, Outgoing } from '../wire/api-client.ts';
import type { Consistency } from '../wire/api.ts';
import type { Incoming } from '../wire/server-messages.ts';
import { Timed } from './deadlines.ts';
import type { Pending } from './options.ts';
import type { WriteSession } from './session.ts';

/** `refused`: the node said not now, and it waits to be sent again. */
export type Phase = 'queued' | 'sent' | 'refused' | 'ended';

/** Who is told when a call ends from the inside. */
export interface CallOwner {
  expired(call: Call): void;
  abandoned(call: Call): void;
}

abstract class CallBase extends Timed {
  readonly id: number;
  phase: Phase = 'queued';
  sentAtMs = 0;
  sends = 0;
  /** Sends since the last time that all were refused for certain, which is told of a single one: while there is one, the call may have happened. */
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

/** A read or a write of the user. It is its own handle, so that making one costs one object. */
export class DataCall extends CallBase implements Pending, Asked {
  readonly kind = 'data';
  readonly namespaceId: NamespaceId;
  readonly operation: Packed;
  readonly consistency: Consistency | null;
  readonly writeSession: WriteSession | null;
  /** Its number in the session, 0 before it has one. */
  requestNumber: RequestNumber = 0;
  /** The `answered` that went with it when it was last sent. */
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

/** Anything else; it may be repeated freely. */
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
