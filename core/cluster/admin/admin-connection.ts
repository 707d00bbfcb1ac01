/** One connection of `haret-admin`. Commands come in and results go out, paired by their ids. */

import { MalformedError, errorInfo } from '../../base/errors.ts';
import type { ErrorInfo, Result } from '../../base/errors.ts';
import type { Frame, Link, LinkHandler } from '../../base/ports.ts';
import type { AdminServerCodec } from '../../wire/admin-codecs.ts';
import { adminServerOutbox } from '../../wire/admin-codecs.ts';
import type { AdminCommand, AdminReply, AdminRequest, AdminResult } from '../../wire/admin.ts';
import * as closeCodes from '../../wire/close-codes.ts';
import { Outbox } from '../../wire/outbox.ts';
import type { Notices } from '../base/notices.ts';
import type { Opened } from '../base/opened.ts';
import type { Flushable } from '../base/turn.ts';

/** @param outstanding commands of the same connection that are not answered yet. */
export type RunAdminCommand = (
  command: AdminCommand,
  outstanding: number,
  done: (result: Result<AdminResult>) => void,
) => void;

/** Counters of all admin connections of a node, for `/metrics`. */
export interface AdminCounters {
  commands: number;
  /** Commands that were judged not to be done, and connections that were closed for what came over them. */
  refused: number;
}

export class AdminConnection implements LinkHandler, Flushable {
  readonly #link: Link;
  readonly #codec: AdminServerCodec;
  readonly #run: RunAdminCommand;
  readonly #notices: Notices;
  readonly #counters: AdminCounters;
  readonly #from: string;
  readonly #outbox: Outbox<AdminReply>;
  #outstanding = 0;
  #closed = false;

  constructor(opened: Opened<AdminServerCodec>, run: RunAdminCommand, counters: AdminCounters) {
    const { link, codec, from, turn, limits, notices } = opened;
    this.#link = link;
    this.#codec = codec;
    this.#run = run;
    this.#counters = counters;
    this.#notices = notices;
    this.#from = from;
    const options = adminServerOutbox(limits.maxFrameBytes, limits.maxQueuedBytes);
    this.#outbox = new Outbox(codec, link, { soon: () => turn.sendLater(this) }, options);
  }

  onFrame(frame: Frame): void {
    if (this.#closed) return;
    let requests: readonly AdminRequest[];
    try {
      requests = this.#codec.decode(frame);
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
      this.refuse(errorInfo('BadFrame', error.message), closeCodes.badFrame);
      return;
    }
    for (const { id, command } of requests) this.#start(id, command);
  }

  /** What it may not do is judged where it is done (judgement.ts). */
  #start(id: number, command: AdminCommand): void {
    this.#counters.commands++;
    this.#run(command, this.#outstanding++, (result) => {
      this.#outstanding--;
      this.#answer(
        result.ok ? { kind: 'done', id, result: result.value } : { kind: 'failed', id, error: result.error },
      );
    });
  }

  onClose(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#outbox.close();
  }

  /** Sends the reason, then closes. */
  refuse(error: ErrorInfo, code: number): void {
    if (this.#closed) return;
    this.#counters.refused++;
    const facts = { from: this.#from, problem: error.message };
    this.#notices.tell('info', `admin connection: ${error.code}`, 'closed an admin connection', facts);
    this.#outbox.send({ kind: 'goodbye', error });
    this.#outbox.flush();
    this.#link.close(code, error.code);
    this.onClose();
  }

  #answer(reply: AdminReply): void {
    if (this.#closed) return;
    this.#outbox.send(reply);
  }

  /** @see Turn */
  flush(): void {
    if (this.#closed) return;
    this.#outbox.flush();
    if (!this.#outbox.closed) return;
    const text = 'closed an admin connection that does not read';
    this.#counters.refused++;
    this.#notices.tell('info', text, text, { from: this.#from });
    this.onClose();
  }
}
