/** Puts the names of clients into answers about what belongs to sessions. */

import { jobResultOf, tableOf } from '../tree/job-result.ts';
import type { KnownItem } from '../tree/job-result.ts';
import type { KnownClaim } from '../tree/operation.ts';
import type { Reply } from './reply.ts';
import type { Sessions } from './sessions.ts';

/** The tree knows sessions by their numbers. People want to know whose they are. */
export function named(answer: Reply['answer'], sessions: Sessions): Reply['answer'] {
  if (answer.kind !== 'result') return answer;
  const { result } = answer;
  const name = <T extends KnownClaim | KnownItem>(one: T): T => ({
    ...one,
    client: sessions.get(one.session)?.client ?? '',
  });
  if (result.kind === 'claims') return { kind: 'result', result: { ...result, claims: result.claims.map(name) } };
  if (result.kind === 'table') {
    const jobs = jobResultOf(result);
    return jobs.kind === 'items'
      ? { kind: 'result', result: tableOf({ ...jobs, items: jobs.items.map(name) }) }
      : answer;
  }
  if (result.kind !== 'leader' || result.leader === null) return answer;
  return { kind: 'result', result: { ...result, leader: name(result.leader) } };
}
