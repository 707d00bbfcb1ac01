/** Turns events of replicas into sentences for the time line. */

import type { ReplicaEvent } from '../../core/vr/ports.ts';
import type { NoteKind } from './frame.ts';

export interface Sentence {
  readonly kind: NoteKind;
  readonly text: string;
}

/** `r1`, `r1 and r3`, `r1, r2 and r3`. */
export function listed(names: readonly string[]): string {
  if (names.length < 2) return names[0] ?? 'no replica';
  return `${names.slice(0, -1).join(', ')} and ${names.at(-1)!}`;
}

/** Turns the events of one group into sentences, and reports each thing once. */
export class Narrator {
  #announced = '';
  readonly #suspected = new Map<string, string>();
  readonly #changing = new Map<string, string>();

  /** @param replica the replica with the event. @returns null for an event that needs no line. */
  tell(replica: string, event: ReplicaEvent): Sentence | null {
    switch (event.kind) {
      case 'committed':
        return { kind: 'commit', text: `op ${event.op} committed by ${listed(event.by)}` };
      case 'suspects': {
        const what = `${event.primary}/${event.view}`;
        if (this.#suspected.get(replica) === what) return null;
        this.#suspected.set(replica, what);
        const whom = event.primary === replica ? `doubts that it is primary` : `suspects ${event.primary}`;
        return { kind: 'suspicion', text: `${replica} ${whom}: ${event.reason}` };
      }
      case 'status':
        return this.#status(replica, event);
      case 'transfer':
        return {
          kind: 'repair',
          text: `${replica} fetches ${event.by === 'entries' ? 'what it misses' : 'a checkpoint'} up to op ${event.to} from ${event.from}`,
        };
      case 'repaired':
        return { kind: 'repair', text: `${replica} repaired op ${event.op}` };
      case 'alarm':
        return { kind: 'alarm', text: `${replica}: ${event.reason}` };
      case 'alarmOver':
        return { kind: 'repair', text: `${replica}: the problem with its ${event.about} is over` };
      case 'refused':
        return { kind: 'alarm', text: `${replica} does not believe ${event.from}: ${event.reason}` };
      case 'dropped':
        return null;
    }
  }

  #status(replica: string, event: Extract<ReplicaEvent, { kind: 'status' }>): Sentence | null {
    const { epoch, view } = event.viewstamp;
    const stamp = `${epoch}/${view}`;
    if (event.status === 'viewChange') {
      if (this.#changing.get(replica) === stamp) return null;
      this.#changing.set(replica, stamp);
      return { kind: 'view', text: `${replica} moves to view ${view}` };
    }
    if (event.status === 'normal' && event.primary === replica) {
      if (this.#announced === stamp) return null;
      this.#announced = stamp;
      return { kind: 'view', text: `view ${view}: ${replica} is primary` };
    }
    if (event.status === 'recovering') return { kind: 'repair', text: `${replica} recovers` };
    if (event.status === 'stopped') return { kind: 'alarm', text: `${replica} stopped` };
    return null;
  }
}
