/** Mutants of the answers to numbered requests, and of who speaks as a session: scenarios V30 and V38. */

import type { Mutant } from './mutant.ts';

const requests = 'core/vr/requests.ts';
const sessions = 'core/service/sessions.ts';
const service = 'core/service/service.ts';

export const sessionMutants: readonly Mutant[] = [
  {
    scenario: 'V30',
    name: 'an executed request is refused for lack of disk or room before its reply is looked for',
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
    name: 'a client that names a session may use it without its secret',
    by: 'simulator',
    edits: [
      {
        file: sessions,
        find: 'return session !== undefined && !session.continued && opens(session.secret, secret) ? session : undefined;',
        replace: 'return session !== undefined && !session.continued && secret.length > 0 ? session : undefined;',
      },
    ],
  },
  {
    scenario: 'V38',
    name: 'a registration ends a session that is alive',
    by: 'simulator',
    edits: [
      {
        file: sessions,
        find: 'if (oldest === null || idleMs * livingPart < sessionMs) {',
        replace: 'if (oldest === null || idleMs < 0) {',
      },
    ],
  },
];
