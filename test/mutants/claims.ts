/**
 * Mutants of leases and of lines of claims: each is a rule that is plainer than the right one, and wrong. Random lives of
 * a service alone must find them, and some of them the simulated cluster too.
 */

import type { Edit, Mutant } from './mutant.ts';

const claims = 'core/tree/kinds/claims.ts';
const steps = 'core/tree/kinds/claim-steps.ts';
const leases = 'core/service/leases.ts';
const line = 'core/tree/kinds/line.ts';
const node = 'core/tree/nodes/claims.ts';
const service = 'core/service/service.ts';
const sessions = 'core/service/sessions.ts';
const settling = 'core/tree/settling.ts';
const jobs = 'core/tree/kinds/jobs.ts';
const jobSteps = 'core/tree/kinds/job-steps.ts';
const queueNode = 'core/tree/nodes/queue.ts';

/** One edit that only random lives of lines of claims can see. */
function lines(name: string, file: string, find: string, replace: string, ...more: readonly Edit[]): Mutant {
  return { scenario: 'V26', name, by: 'lines', edits: [{ file, find, replace }, ...more] };
}

/** One that users of locks in the simulated cluster must see. */
function simulated(name: string, file: string, find: string, replace: string): Mutant {
  return {
    scenario: 'V26',
    name,
    by: 'simulator',
    wish: { events: 20_000 },
    edits: [{ file, find, replace }],
  };
}

/** One that workers of a queue in the simulated cluster must see. */
function work(name: string, file: string, find: string, replace: string, ...more: readonly Edit[]): Mutant {
  const wish = { events: 20_000, workers: 3, lockers: 0 };
  return { scenario: 'V26', name, by: 'simulator', wish, edits: [{ file, find, replace }, ...more] };
}

const notFitting = 'if (passes ? !node.settings.open : !node.fits(next)) break;';

export const claimMutants: readonly Mutant[] = [
  lines(
    'a request renews a session that is due',
    service,
    'if (this.#sessions.isDue(session, this.#timestamp)) this.#act(',
    'if (session === 0) this.#act(',
  ),
  lines(
    'a keep-alive renews a session that is due',
    service,
    'this.#speaks(session, secret) && this.#sessions.isDue(session, now)',
    'this.#speaks(session, secret) && session === 0 && this.#sessions.isDue(session, now)',
  ),
  lines('an expiry ends what is due by the clock of its proposer', leases, '> now) break;', '> now + 100) break;'),
  lines(
    'a retry renews the lease',
    sessions,
    'if (request < window.next) {',
    'if (request < window.next) {\n      this.#see(session, nowMs);',
  ),
  lines('a bind that is sent again renews the lease', sessions, 'if (known.leaseMs === 0) this.#see(', 'this.#see('),
  lines(
    'a later claim changes the lease',
    sessions,
    'if (lease > 0 && leaseMs !== null && leaseMs !== lease) {',
    'if (leaseMs !== null && lease > 0) session.leaseMs = leaseMs;\n    if (leaseMs === -1) {',
  ),
  lines(
    'a session that holds something is evicted to make room',
    sessions,
    'const oldest = this.#idle.first();',
    `const [idle, leased] = [this.#idle.first(), this.#leased.first()];
      const oldest = idle === null || (leased !== null && leased.seenMs < idle.seenMs) ? leased : idle;`,
  ),
  lines(
    'a ClientID is taken from a session that holds something',
    sessions,
    `    if ((known.belongings?.size ?? 0) > 0)
      return {`,
    `    if ((known.belongings?.size ?? 0) > 1000)
      return {`,
  ),
  lines(
    'whoever names a session ends it',
    sessions,
    'return session !== undefined && opens(session.secret, secret);',
    'return session !== undefined && secret.length > 0;',
  ),
  lines(
    'a keep-alive forgets what was not heard yet',
    sessions,
    'session.records = records.filter(({ op }) => op > heard);',
    'session.records = [];',
  ),
  lines(
    'an answer does not tell that something changed before it',
    claims,
    'changed: acting.sessions.changed(session),',
    'changed: 0,',
  ),
  lines(
    'a claim is granted before those in front of it',
    settling,
    notFitting,
    `if (passes ? !node.settings.open : !node.fits(next)) {
      if (passes) break;
      from = next;
      continue;
    }`,
  ),
  lines(
    'a reader overtakes a writer that waits',
    settling,
    notFitting,
    `if (passes ? !node.settings.open : !node.fits(next)) {
      if (passes || !next.exclusive) break;
      from = next;
      continue;
    }`,
  ),
  lines(
    'a line stops at a claim whose time is over',
    settling,
    `      from = next;
      continue;
    }`,
    `      break;
    }`,
  ),
  lines(
    'a claim whose time is over is granted',
    line,
    'return (waitUntil !== null && waitUntil <= acting.now) || acting.sessions.over(session);',
    'return waitUntil !== null && waitUntil < 0 && acting.sessions.over(session);',
  ),
  lines(
    'a try passes by those who wait',
    claims,
    'if (waiting.exclusive || !fits(waiting)) return false;',
    'if (waiting.exclusive || !fits(waiting)) continue;',
  ),
  lines(
    'a theft that must wait is refused after it has taken',
    claims,
    'if (put.waitMs === 0 && !at) return heldByOthers(path, node);',
    '',
  ),
  lines(
    'a release frees a hold whose token it does not know',
    claims,
    'if (hold === undefined || hold.token !== token || hold.session !== context.acting.session)',
    'if (hold === undefined || hold.session !== context.acting.session)',
  ),
  lines(
    'a release frees what another session holds',
    claims,
    'if (hold === undefined || hold.token !== token || hold.session !== context.acting.session)',
    'if (hold === undefined || hold.token !== token)',
  ),
  lines(
    'a token is the number of its claim',
    node,
    'const hold: Hold = { ...claim, token, granted: now, until: null };',
    'const hold: Hold = { ...claim, token: claim.claim, granted: now, until: null };',
  ),
  lines(
    'what is stolen is free at once',
    claims,
    "at = revoke(at, hold, 'stolen', acting.sessions.countsUntil(hold.session), context);",
    "at = revoke(at, hold, 'stolen', acting.now, context);",
  ),
  lines(
    'a shadow leaves its room free',
    node,
    'if (exclusive) return this.#holds.size === 0;',
    'if (exclusive) return this.count === 0;',
  ),
  lines(
    'a hold of a continued session keeps its token',
    steps,
    "return revoke(place, hold, 'continued', step.until, context).above[0]!;",
    'return root;',
  ),
  lines(
    'what a continued session holds is free at once',
    leases,
    'const until = this.#sessions.countsUntil(from);',
    'const until = 0;',
  ),
  lines(
    'the end of a session leaves its waits in line',
    steps,
    `case 'giveUp':
      if (waiting !== undefined) return leave(place, node, waiting, context);`,
    `case 'giveUp':
      if (waiting !== undefined) return root;`,
  ),
  lines(
    'a line is not settled after a hold of it ended',
    line,
    'touched.set(path, hold.until === null ? hold.token : (touched.get(path) ?? 0));',
    '',
  ),
  lines(
    'a restored state has forgotten what will be due',
    leases,
    'if (deadline !== null) this.#deadlines.add(',
    'if (deadline !== null && deadline.at < 0) this.#deadlines.add(',
  ),
  lines('what ended in time is due once more', leases, 'return this.#deadlines.remove(one.deadline);', 'return;'),
  lines(
    'a shadow holds up no deletion of its node',
    steps,
    'if (node.held === 0) return null;',
    "if (node.held === 0 || ('count' in node && node instanceof ClaimsNode && node.count === 0)) return null;",
  ),
  lines(
    'a line that a claim made stays when nobody is in it',
    settling,
    'if (place.node.owned > 0) return root;',
    'if (place.node.owned > 0 || place.above.length > 1) return root;',
  ),
  simulated(
    'a client counts on what was stolen and given to another',
    claims,
    "at = revoke(at, hold, 'stolen', acting.sessions.countsUntil(hold.session), context);",
    "at = revoke(at, hold, 'stolen', acting.now, context);",
  ),
  simulated(
    'a cluster grants to a reader before a writer that waits',
    settling,
    notFitting,
    `if (passes ? !node.settings.open : !node.fits(next)) {
      if (passes || !next.exclusive) break;
      from = next;
      continue;
    }`,
  ),
  work(
    'a late ack frees the job of another one',
    jobs,
    'if (job === undefined || job.receipt !== receipt || job.session !== acting.session || job.shadow)',
    'if (job === undefined)',
  ),
  work('a job is taken back before its time', jobSteps, 'path, id, at: until }', 'path, id, at: until - 900 }', {
    file: jobSteps,
    find: 'if (job === undefined || job.until > now) return place;',
    replace: 'if (job === undefined) return place;',
  }),
  work(
    'an item that comes back is lost',
    queueNode,
    'if (ready === null) queue.#wait({ id, value, priority, attempts });',
    'if (ready === null) queue.bytes -= bytesOfItem(job);',
  ),
  work(
    'a client counts on a job as long as on its lease',
    'core/client/takes.ts',
    'const left = lease.leftUntil(this.#leastUntil);',
    'const left = lease.leftUntil(Infinity);',
  ),
];
