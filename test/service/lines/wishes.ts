/** What clients of lines ask for at random: mostly what makes sense, and now and then what does not. */

import { utf8 } from '../../../core/base/bytes.ts';
import type { SeededRandom } from '../../../core/base/random.ts';
import type { Asked, Operation, SimpleOperation } from '../../../core/tree/operation.ts';
import type { KnownHold, LineClient } from './client.ts';

type Kind = 'lock' | 'semaphore' | 'barrier' | 'election';

/** Each path has one type, except where somebody errs. */
const places: readonly { readonly path: string; readonly type: Kind; readonly of: number | null }[] = [
  { path: '/l', type: 'lock', of: null },
  { path: '/d/l', type: 'lock', of: null },
  { path: '/d/s', type: 'semaphore', of: 3 },
  { path: '/s', type: 'semaphore', of: 4 },
  { path: '/b', type: 'barrier', of: null },
  { path: '/d/deep/e', type: 'election', of: null },
  { path: '/e', type: 'election', of: null },
];

function wait(random: SeededRandom): number | null {
  return random.pick([null, null, 0, 200, 1500, 4000]);
}

function claimOf(random: SeededRandom, client: LineClient, waitMs: number | null): Asked<'claim'> {
  const { path, type, of } = random.pick(random.chance(1, 2) ? places.slice(0, 3) : places);
  const odd = random.chance(1, 40);
  return {
    kind: 'claim',
    path,
    permits: type === 'semaphore' ? 1 + random.below(odd ? 6 : 3) : 1,
    exclusive: odd ? random.chance(1, 2) : type === 'election' || (type === 'lock' && random.chance(2, 3)),
    value: type === 'election' ? utf8(`v${random.below(100)}`) : null,
    waitMs,
    leaseMs:
      odd && client.leased ? random.pick([1000, 2500]) : random.chance(1, 4) && client.leased ? null : client.lease,
    auto: type === 'barrier' || random.chance(1, 20) ? null : odd ? 'lock' : type,
    of: type === 'semaphore' ? (random.chance(1, 20) ? null : of) : null,
  };
}

function known(random: SeededRandom, client: LineClient, state: KnownHold['state'] | null): KnownHold | null {
  const some = [...client.holds.values()].filter((one) => state === null || one.state === state);
  return some.length === 0 ? null : random.pick(some);
}

/** Gives up a hold as it should be done. */
export function giveUp(random: SeededRandom, client: LineClient, hold: KnownHold): SimpleOperation {
  client.give(hold);
  const { path, claim, token } = hold;
  if (hold.state === 'waiting' || random.chance(1, 5)) return { kind: 'abandon', path, claim, request: 0 };
  return { kind: 'release', path, claim, token, to: 0 };
}

/** Some other claim of the same line, or one that does not exist. */
function another(random: SeededRandom, claims: readonly number[]): number {
  return claims.length > 0 && random.chance(5, 6) ? random.pick(claims) : 1 + random.below(400);
}

/** @param claimsAt the claims of others at a path, which an operator sees. */
export function drawWish(
  random: SeededRandom,
  client: LineClient,
  claimsAt: (path: string) => readonly number[],
): Operation {
  const place = random.pick(places);
  const { path } = place;
  switch (random.below(24)) {
    case 0:
    case 1:
    case 2:
    case 3:
    case 4: {
      const hold = known(random, client, random.chance(3, 4) ? 'granted' : null);
      if (hold !== null) return giveUp(random, client, hold);
      return claimOf(random, client, wait(random));
    }
    case 5: {
      // A wrong token, a wrong claim, or what is another's.
      const hold = known(random, client, null);
      const claim = another(random, claimsAt(path));
      if (hold === null) return { kind: 'release', path, claim, token: claim, to: 0 };
      return { kind: 'release', path: hold.path, claim: hold.claim, token: hold.token + random.below(3) + 1, to: 0 };
    }
    case 6: {
      const request = 1 + random.below(Math.max(1, client.next - 1));
      client.giveRequest(request, path);
      return { kind: 'abandon', path, claim: 0, request };
    }
    case 7: {
      const hold = known(random, client, 'granted');
      if (hold === null) return claimOf(random, client, null);
      client.give(hold);
      const to = another(random, claimsAt(hold.path));
      return { kind: 'release', path: hold.path, claim: hold.claim, token: hold.token, to };
    }
    case 8: {
      const claim = random.chance(1, 2) ? 0 : another(random, claimsAt(path));
      const { permits, exclusive, value, waitMs, leaseMs } = { ...claimOf(random, client, wait(random)) };
      const { type } = place;
      const auto = type === 'barrier' || random.chance(1, 20) ? null : type;
      const of = random.chance(1, 20) ? 2 : auto === 'semaphore' ? place.of : null;
      const fitting = place.type === 'semaphore' ? permits : 1;
      const alone = place.type === 'election' || (place.type === 'lock' && exclusive);
      const told = place.type === 'election' ? (value ?? utf8('thief')) : null;
      const put = random.chance(1, 3)
        ? null
        : { permits: fitting, exclusive: alone, value: told, waitMs, leaseMs, auto, of };
      return { kind: 'steal', path, claim, put };
    }
    case 9:
      return { kind: 'semaphoreResize', path: random.pick(['/s', '/d/s', path]), capacity: 1 + random.below(5) };
    case 10:
      return { kind: 'barrierSet', path: random.chance(9, 10) ? '/b' : path, open: random.chance(1, 2) };
    case 11: {
      const hold = known(random, client, 'granted');
      const value = utf8(`p${random.below(1000)}`);
      const token = (hold?.token ?? 1) + (random.chance(1, 5) ? 1 : 0);
      return { kind: 'proclaim', path: hold?.path ?? path, claim: hold?.claim ?? 1, token, value };
    }
    case 12:
      return place.type === 'semaphore'
        ? { kind: 'semaphoreCreate', path, capacity: place.of! }
        : random.chance(1, 4)
          ? { kind: 'create', path: '/d', type: 'directory', value: null }
          : { kind: 'create', path, type: random.chance(1, 8) ? 'directory' : place.type, value: null };
    case 13:
      return { kind: 'delete', path: random.pick([path, path, '/d', '/d/deep']), recursive: true, ifVersion: null };
    case 14:
      return random.chance(1, 2)
        ? {
            kind: 'upsert',
            operation: {
              kind: 'blobPut',
              path: random.pick(['/d/x', '/d/deep/x', '/x']),
              value: utf8('x'),
              ifVersion: null,
              ifAbsent: false,
            },
          }
        : { kind: 'delete', path: random.pick(['/d/x', '/d/deep/x']), recursive: false, ifVersion: null };
    case 15:
    case 16:
      return together(random, client, claimsAt);
    default:
      return claimOf(random, client, wait(random));
  }
}

/** Several at once, all or none: tries, and now and then what one gives up for them. */
function together(random: SeededRandom, client: LineClient, claimsAt: (path: string) => readonly number[]): Operation {
  const then: SimpleOperation[] = [];
  const used = new Set<string>();
  for (let left = 1 + random.below(3); left > 0; left--) {
    const hold = known(random, client, 'granted');
    if (hold !== null && random.chance(1, 3) && !hold.given) {
      client.give(hold);
      const to = random.chance(1, 2) ? another(random, claimsAt(hold.path)) : 0;
      then.push({ kind: 'release', path: hold.path, claim: hold.claim, token: hold.token, to });
      continue;
    }
    const one = claimOf(random, client, random.chance(1, 60) ? null : 0);
    if (used.has(one.path) && random.chance(9, 10)) continue;
    used.add(one.path);
    then.push(one);
    if (random.chance(1, 20)) then.push({ kind: 'delete', path: one.path, recursive: true, ifVersion: null });
  }
  return { kind: 'transaction', guards: [], then, otherwise: [] };
}

/** A write that only one who holds may do. It tells its token. */
export function fenced({ path, claim, token }: KnownHold): Operation {
  const put = {
    kind: 'blobPut',
    path: '/fenced',
    value: utf8(`${path} ${token}`),
    ifVersion: null,
    ifAbsent: false,
  } as const;
  return {
    kind: 'transaction',
    guards: [{ kind: 'heldBy', path, token, claim }],
    then: [{ kind: 'upsert', operation: put }],
    otherwise: [],
  };
}
