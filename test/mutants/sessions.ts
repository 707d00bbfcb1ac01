/** Mutants of the answers to numbered requests, and of who speaks as a session: scenarios V30 and V38. */

import type { Mutant } from './mutant.ts';

const requests = 'core/vr/requests.ts';
const sessions = 'core/service/sessions.ts';
const service = 'core/service/service.ts';

export const sessionMutants: readonly Mutant[] = [
  {
    scenario: 'V30',
    name: 'what was executed is refused for want of disk or room before its reply is looked for',
    by: 'exploration',
    edits: [
      {
        file: requests,
        find: 'if (this.#malformed(pending) || this.#known(pending) ||',
        replace:
          'if (refusal !== null) return this.#fail([token], refusal);\n    if (this.#malformed(pending) || this.#known(pending) ||',
      },
    ],
  },
  {
    scenario: 'V38',
    name: 'a kept reply is given for another body',
    by: 'simulator',
    edits: [
      {
        file: service,
        find: "return window.digest(request) === digestOf(body) ? 'executed' : 'other';",
        replace: "return body.length >= 0 ? 'executed' : 'other';",
      },
    ],
  },
  {
    scenario: 'V38',
    name: 'whoever names a session speaks as it',
    by: 'simulator',
    edits: [
      {
        file: sessions,
        find: 'return session !== undefined && opens(session.secret, secret) ? session : undefined;',
        replace: 'return session !== undefined && secret.length > 0 ? session : undefined;',
      },
    ],
  },
  {
    scenario: 'V38',
    name: 'registrations end sessions that live',
    by: 'simulator',
    edits: [{ file: sessions, find: 'if (idleMs * livingPart < sessionMs) {', replace: 'if (idleMs < 0) {' }],
  },
];
