/**
 * A group of replicas with its clients: what they ask, and waiting for the answers. The group itself is in group.ts.
 */

import type { ErrorInfo } from '../../core/base/errors.ts';
import { noSecret } from '../../core/base/session-secret.ts';
import { Group } from './group.ts';
import type { Outcome } from './group.ts';
import { body } from './toy-machine.ts';

export type { Outcome, Packet, WorldOptions } from './group.ts';

export class World extends Group {
  /** Of a request that is asked now. */
  token(): number {
    const token = this.nextToken++;
    this.outcomes.set(token, { reply: null, error: null, readAt: null });
    return token;
  }

  propose(name: string, text: string): Outcome {
    const token = this.token();
    this.input(name, { kind: 'propose', token, body: body(text) });
    return this.outcomes.get(token)!;
  }

  /** @param refusal why the node accepts no such request now. */
  request(
    name: string,
    session: number,
    request: number,
    text: string,
    answered = 1,
    refusal: ErrorInfo | null = null,
  ): Outcome {
    const token = this.token();
    this.input(name, {
      kind: 'request',
      token,
      session,
      secret: noSecret,
      request,
      answered,
      body: body(text),
      refusal,
    });
    return this.outcomes.get(token)!;
  }

  read(name: string, consistency: 'linearizable' | { readonly atLeast: number } = 'linearizable'): Outcome {
    const token = this.token();
    // A linearizable read must see what was acknowledged before it began.
    if (consistency === 'linearizable') {
      this.ops.set(String(token), this.acknowledged);
      this.askedAt.set(token, this.ledger.moment());
    } else this.ops.set(String(token), consistency.atLeast);
    this.input(name, { kind: 'read', token, consistency });
    return this.outcomes.get(token)!;
  }

  /** Proposes at the primary and waits for the reply. */
  put(value: string): string {
    for (let tries = 0; tries < 20; tries++) {
      const outcome = this.propose(this.awaitPrimary(), `put ${value}`);
      this.runUntil(() => outcome.reply !== null || outcome.error !== null);
      if (outcome.reply !== null) return outcome.reply;
    }
    throw new Error(`seed ${this.options.seed ?? 1}: no put went through\n${this.describe()}`);
  }

  register(): number {
    const outcome = this.propose(this.awaitPrimary(), 'register');
    this.runUntil(() => outcome.reply !== null);
    return Number(outcome.reply!.split(' ')[1]);
  }
}
