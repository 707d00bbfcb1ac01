/** Hands a message that came over a proven link, and was judged, to the part that handles it. */

import { unreachable } from '../base/assert.ts';
import type { NodeInfo } from '../wire/node-info.ts';
import type { PeerMessage } from '../wire/peer.ts';
import type { AdminCommands } from './admin/admin-commands.ts';
import type { Desk } from './clients/desk.ts';
import type { Groups } from './replicas/groups.ts';
import type { Holders } from './clients/holders.ts';
import type { NodeObserver } from './base/host.ts';
import type { Router } from './routing/router.ts';
import type { Subscriptions } from './watching/subscriptions.ts';

/** The parts that peers talk to. */
export interface NodeParts {
  readonly groups: Groups;
  readonly router: Router;
  readonly admin: AdminCommands;
  readonly watches: Subscriptions;
  readonly holders: Holders;
  readonly desk: Desk;
}

/** @param answer writes on the same link over which the message came. */
export function takePeerMessage(
  parts: NodeParts,
  observer: NodeObserver | null,
  from: NodeInfo,
  message: PeerMessage,
  answer: (message: PeerMessage) => void,
): void {
  const { groups, router, admin, watches, holders, desk } = parts;
  switch (message.kind) {
    case 'vr':
      observer?.received(message.message);
      return groups.deliver(message.message);
    case 'forwarded':
      return router.settled(from.name, message);
    case 'hints':
      for (const hint of message.hints) router.told(hint);
      return;
    case 'who':
      return holders.ask(message.namespaceId, message.session);
    case 'notice':
      return holders.notice(message.namespaceId, message.session, message.record);
    case 'relay':
      return watches.asked(from.name, message.run, message.message);
    case 'relayed':
      return watches.relayed(from.name, message.run, message.number, message.message);
    case 'ping':
      if (message.answer) answer({ kind: 'ping', answer: false });
      return;
    case 'forward': {
      const { run, id, item } = message;
      if (!router.takes(from.name, run, id)) return;
      if (item.kind === 'admin') {
        return admin.sentOn(item.command, (result) =>
          answer({
            kind: 'forwarded',
            run,
            id,
            outcome: result.ok ? { kind: 'admin', result: result.value } : { kind: 'error', error: result.error },
          }),
        );
      }
      if (item.kind === 'lookup') return answer({ kind: 'forwarded', run, id, outcome: desk.lookup(item.namespace) });
      return router.receive(from.name, message, answer);
    }
    case 'greet':
    case 'hello':
    case 'welcome':
    case 'join':
    case 'joined':
    case 'refused':
      // These belong to the handshake, which is over. A peer that repeats them gains nothing.
      return;
    default:
      unreachable(message);
  }
}
