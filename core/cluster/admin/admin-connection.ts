/** One connection of `haret-admin`. Commands come in and results go out, paired by their ids. */

import { MalformedError, errorInfo } from '../../base/errors.ts';
import type { ErrorInfo, Result } from '../../base/errors.ts';
import type { Frame, Link, LinkHandler, Log } from '../../base/ports.ts';
import type { AdminServerCodec } from '../../wire/admin-codecs.ts';
import { adminServerOutbox } from '../../wire/admin-codecs.ts';
import type { AdminCommand, AdminReply, AdminRequest, AdminResult } from '../../wire/admin.ts';
import * as closeCodes from '../../wire/close-codes.ts';
import { Outbox } from '../../wire/outbox.ts';
import type { Notices } from '../base/notices.ts';
import type { Opened } from '../base/opened.ts';
import type { Flushable } from '../base/turn.ts';

export type RunAdminCommand = (command: AdminCommand, done: (result: Result<AdminResult>) => void) => void;

/** Commands that one connection may have outstanding. */
const maxOutstanding = 256;

export class AdminConnection implements LinkHandler, Flushable {
  readonly #link: Link;
  readonly #codec: AdminServerCodec;
  readonly #run: RunAdminCommand;
  readonly #log: Log;
  readonly #notices: Notices;
  readonly #from: string;
  readonly #outbox: Outbox<AdminReply>;
  #outstanding = 0;
  #closed = false;

  constructor({ link, codec, from, turn, limits, log, notices }: Opened<AdminServerCodec>, run: RunAdminCommand) {
    this.#link = link;
    this.#codec = codec;
    this.#run = run;
    this.#log = log;
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

  #start(id: number, command: AdminCommand): void {
    if (this.#outstanding >= maxOutstanding) {
      const details = { limit: maxOutstanding, actual: this.#outstanding + 1 };
      this.#answer({
        kind: 'failed',
        id,
        error: errorInfo('Overloaded', 'too many admin commands are outstanding', details),
      });
      return;
    }
    this.#outstanding++;
    this.#run(command, (result) => {
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
    this.#log.write('debug', 'closed an admin connection', { from: this.#from, problem: error.message });
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
    this.#notices.tell('info', text, text, { from: this.#from });
    this.onClose();
  }
}
