/**
 * Mutants of the judgement of messages: scenario V31. Forged messages in random histories and strangers in the
 * simulator find them.
 */

import type { Mutant } from './mutant.ts';

const judgement = 'core/vr/judgement.ts';
const replica = 'core/vr/replica.ts';

/** A mutant without one judgement of messages between replicas. */
function unjudged(name: string, find: string, replace: string, file = judgement): Mutant {
  return { scenario: 'V31', name, by: 'exploration', edits: [{ file, find, replace }] };
}

export const judgementMutants: readonly Mutant[] = [
  unjudged(
    'a view that no elections can have reached is believed',
    'if (!this.#reach.allows(',
    'if (core.view < 0 && !this.#reach.allows(',
    replica,
  ),
  unjudged(
    'messages of another cluster are believed',
    'if (message.cluster !== identity.cluster)',
    'if (message.cluster === "")',
    replica,
  ),
  unjudged(
    'messages of another group are believed',
    'if (message.namespace !== identity.namespace)',
    'if (message.namespace < 0)',
    replica,
  ),
  unjudged(
    'messages of another epoch are believed',
    'if (message.epoch !== core.epoch)',
    'if (message.epoch < 0)',
    replica,
  ),
  unjudged(
    'messages of another incarnation are believed',
    `        member.incarnation === message.incarnation
      ) {`,
    `        message.incarnation !== ''
      ) {`,
    'core/vr/core.ts',
  ),
  unjudged('acknowledgements beyond the head are believed', 'op > core.log.head) return', 'op > Infinity) return'),
  unjudged('rounds that were not begun are answered', 'round > core.parts.primary.round)', 'round > Infinity)'),
  unjudged(
    'acknowledgements for another primary are believed',
    `return primaryOf(core.configuration, view).replica === core.identity.replica;`,
    'return view >= 0 && core.view >= 0;',
  ),
  unjudged(
    'Prepares of who is not the primary are believed',
    'return from === primaryOf(core.configuration, view);',
    'return from !== primaryOf(core.configuration, view) || view >= 0;',
  ),
  unjudged(
    'Prepares of another view are believed',
    'entry.epoch !== epoch || entry.view !== view || entry.commit > commit',
    'entry.epoch !== epoch || view < 0 || entry.commit > commit',
  ),
  unjudged(
    'Prepares with a gap are believed',
    'entry.op !== first.op + i || (before !== undefined && entry.parent !== before.checksum)',
    'i < 0 || before?.op === 0',
  ),
  unjudged(
    'Prepares that do not chain to the log are believed',
    'if (entry.parent !== log.headChecksum) return badEntries;',
    '',
  ),
  unjudged(
    'a second header for a view and op is believed',
    'if (had !== null && had !== entry.checksum) return badEntries;',
    '',
  ),
  unjudged(
    'entries with numbers that cannot be are believed',
    'return commit < op && Math.max(',
    'return commit < 0 || Math.max(',
  ),
  unjudged(
    'heartbeats that do not add up are believed',
    'return commit > head || shortenTo > commit',
    'return commit > Infinity',
  ),
  unjudged(
    'votes for a view that was begun are believed',
    'if (compareViewstamps(log.logView, { epoch, view }) >= 0) return',
    'if (epoch + view < 0) return',
  ),
  unjudged('votes that leave headers out are believed', ' || checksums.length !== head - floor', ''),
  unjudged('suspicions of any view are believed', 'target === view + 1 ? null', 'target >= view ? null'),
  unjudged(
    'learners vote',
    'startViewChange: (core, from, { view, target }) => {\n    if (!core.isVoterMember(from)) return noVoter;',
    'startViewChange: (core, from, { view, target }) => {',
  ),
  unjudged(
    'StartViews of another view are believed',
    'if (compareViewstamps(log.logView, { epoch, view }) !== 0) return',
    'if (epoch + view < 0) return',
  ),
  unjudged(
    'a primary believes that others know more of its view',
    'return leads(core, message) && log.head > core.log.head ?',
    'return log.head < 0 ?',
  ),
  unjudged(
    'a view is started by who is not to lead it',
    'if (core.isPrimaryOf(view) && core.counts) return',
    'if (view < 0) return',
  ),
  unjudged(
    'a NewState of a later view is believed',
    "if (compareViewstamps(logView, { epoch, view }) > 0) return 'its log is of another view';",
    '',
  ),
  unjudged(
    'a NewState with contradictory entries is believed',
    'if (entry.op <= op || compareViewstamps(entry, { epoch, view }) > 0) return badEntries;',
    '',
  ),
  {
    scenario: 'V31',
    name: 'a hello is believed without a proof',
    by: 'simulator',
    edits: [
      {
        file: 'core/cluster/peers/peers.ts',
        find: 'if (secret === null && !this.#events.takesOffers()) return refuse(wrongSecret());',
        replace: '',
      },
    ],
  },
  {
    scenario: 'V31',
    name: 'a proof that was overheard is believed again',
    by: 'simulator',
    edits: [
      {
        file: 'core/cluster/peers/handshake.ts',
        find: 'const said = { role, ...nonces, cluster,',
        replace: 'const said = { role, dialler: from.incarnation, acceptor: cluster, cluster,',
      },
    ],
  },
  {
    scenario: 'V31',
    name: 'a welcome is believed without a proof',
    by: 'simulator',
    edits: [
      {
        file: 'core/cluster/peers/peer.ts',
        find: 'if (!proven) return this.#unproven(link, message);',
        replace: 'if (!proven && from.name !== name) return this.#unproven(link, message);',
      },
    ],
  },
  {
    scenario: 'V31',
    name: 'a node that cannot prove the secret is believed when it says that it lost its disk',
    by: 'simulator',
    edits: [
      {
        file: 'core/cluster/peers/peer.ts',
        find: 'if (!proven) return this.#unproven(link, message);',
        replace: 'if (!proven && from.incarnation === this.info.incarnation) return this.#unproven(link, message);',
      },
    ],
  },
];
