/** Mutants of state that belongs to one view, or to one life, and must not pass into the next (protocol §1 to §4). */

import type { Mutant } from './mutant.ts';

const primary = 'core/vr/primary.ts';
const recovery = 'core/vr/recovery.ts';
const requests = 'core/vr/requests.ts';
const suspicion = 'core/vr/suspicion.ts';

export const viewSurvivors: readonly Mutant[] = [
  {
    scenario: 'V20',
    name: 'acknowledgements of an earlier view count in a new one',
    by: 'exploration',
    wish: { voters: 4 },
    edits: [{ file: primary, find: '    this.#acknowledged.clear();\n', replace: '' }],
  },
  {
    scenario: 'V19',
    name: 'heartbeat rounds that were answered in an earlier view count in a new one',
    by: 'exploration',
    edits: [{ file: primary, find: '    this.#answered.clear();\n', replace: '' }],
  },
  {
    scenario: 'V30',
    name: 'a request that was prepared when the view was lost is refused as definite',
    by: 'exploration',
    edits: [
      {
        file: requests,
        find: "const unknown = this.#notPrimary('unknown');",
        replace: "const unknown = this.#notPrimary('definite');",
      },
    ],
  },
  {
    scenario: 'V3',
    name: "a NewState claims the sender's view for a log of an older one",
    by: 'exploration',
    edits: [
      {
        file: 'core/vr/transfer.ts',
        find: "kind: 'newState',\n      nonce: message.nonce,\n      logView: core.logView,",
        replace: "kind: 'newState',\n      nonce: message.nonce,\n      logView: core.viewstamp,",
      },
    ],
  },
  {
    scenario: 'V13',
    name: 'a replica that recovers asks only the primary where it stands',
    by: 'exploration',
    damage: 'rot',
    edits: [
      {
        file: recovery,
        find: 'this.#answered.size >= Math.min(quorum, voters.length - 1)',
        replace: 'this.#answered.size <= Math.min(quorum, voters.length - 1)',
      },
    ],
  },
  {
    scenario: 'V13',
    name: 'a replica that recovers takes a StartView that it did not ask for',
    by: 'exploration',
    damage: 'rot',
    edits: [
      {
        file: recovery,
        find: 'if (message.nonce !== this.#nonce || from !== this.#core.primaryMember()) return false;',
        replace: 'if (from !== this.#core.primaryMember()) return false;',
      },
    ],
  },
  {
    scenario: 'V13',
    name: 'a replica that recovers is told the log only as far as it is committed',
    by: 'exploration',
    damage: 'rot',
    edits: [
      {
        file: 'core/vr/view-change.ts',
        find: "core.send(to, { kind: 'startView', nonce, commit: core.commit, log: core.log.describe(core.logView) });",
        replace: `const log = core.log.describe(core.logView);
    const head = nonce === 0 ? log.head : Math.max(core.commit, log.floor);
    const told = { ...log, head, checksums: log.checksums.slice(0, head - log.floor), corrupt: [] };
    core.send(to, { kind: 'startView', nonce, commit: core.commit, log: told });`,
      },
    ],
  },
  {
    scenario: 'V19',
    name: 'a replica that does not count confirms read rounds',
    by: 'exploration',
    damage: 'rot',
    edits: [{ file: 'core/vr/backup.ts', find: 'if (!core.counts) return;', replace: '' }],
  },
  {
    scenario: 'V6',
    name: 'a suspicion never lapses',
    by: 'exploration',
    edits: [
      {
        file: suspicion,
        find: 'for (const [member, at] of this.#asked) if (core.now - at > core.timing.suspicionMs) this.#asked.delete(member);',
        replace: '',
      },
    ],
  },
  {
    scenario: 'V6',
    name: 'suspicions of an earlier view count in a new one',
    by: 'exploration',
    edits: [{ file: suspicion, find: '    this.#asked.clear();\n', replace: '' }],
  },
  {
    scenario: 'V21',
    name: 'a primary that abdicated still prepares',
    by: 'exploration',
    edits: [
      {
        file: primary,
        find: '  flush(): void {\n    if (!this.serving) return;',
        replace: '  flush(): void {\n    if (!this.#active) return;',
      },
      {
        file: requests,
        find: 'if (this.#core.parts.primary.serving) return false;',
        replace: 'if (this.#core.parts.primary.active) return false;',
      },
    ],
  },
  {
    scenario: 'V21',
    name: 'a candidate waits for what a voter has that speaks and does not answer',
    by: 'exploration',
    wish: { voters: 5 },
    edits: [
      {
        file: 'core/vr/view-change.ts',
        find: 'if (!core.parts.transfer.silent(member)) answering.push(vote);',
        replace: 'answering.push(vote);',
      },
    ],
  },
  {
    scenario: 'V13',
    name: 'a replica that recovers counts answers to an earlier life',
    by: 'exploration',
    damage: 'rot',
    edits: [
      {
        file: recovery,
        find: 'message.nonce !== this.#nonce || !core.isVoterMember(from)',
        replace: '!core.isVoterMember(from)',
      },
    ],
  },
];
