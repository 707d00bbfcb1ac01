/**
 * The rules of docs/wire.md for clients, a scene each: nodes that are played refuse, forget, break off and fall silent where a real
 * cluster seldom does, and hold the client to every rule in everything that it says. `HARET_WIRE_CLIENT` names another program.
 */

import { afterAll, describe, expect, it } from 'vitest';
import type { ErrorCode } from '../../core/base/errors.ts';
import { errorInfo } from '../../core/base/errors.ts';
import { encodeEvent } from '../../core/service/events.ts';
import * as closeCodes from '../../core/wire/close-codes.ts';
import { ScriptedCluster } from './scripted-cluster.ts';
import type { Line, Said, Script } from './scripted-cluster.ts';
import { WireClient } from './wire-client.ts';
import type { WireReply } from './wire-client.ts';

interface Stage {
  readonly nodes?: number;
  readonly maxWindow?: number;
  readonly script?: Script;
}

type Play = (client: WireClient, cluster: ScriptedCluster) => Promise<void>;

/** What ends the scenes that run. One that takes too long does not come to its own end. */
const ends = new Set<() => void>();
afterAll(() => {
  for (const end of ends) end();
});

/** Plays a scene with a client of its own, which has broken no rule at its end. */
async function scene({ nodes = 1, maxWindow, script = {} }: Stage, play: Play): Promise<void> {
  const cluster = await ScriptedCluster.start(nodes, script, maxWindow);
  const client = new WireClient();
  const end = (): void => {
    client.kill();
    cluster.close();
    ends.delete(end);
  };
  ends.add(end);
  try {
    const entered = await client.enter(cluster.addresses);
    expect(entered.answer.kind).toBe('result');
    await play(client, cluster);
    expect(cluster.broken).toEqual([]);
  } finally {
    end();
  }
}

/** No two are equal, so that what is asked again elsewhere is seen. */
function add(by: number): object {
  return { kind: 'counterAdd', path: '/n', by };
}

const done = { kind: 'result', result: { kind: 'done' } };

function uncertain({ answer }: WireReply): void {
  expect(answer).toMatchObject({ kind: 'error', error: { outcome: 'unknown' } });
}

/** It was asked again until its reply came, or is reported as unknown: both are true. */
function notDenied({ answer }: WireReply): void {
  if (answer.kind === 'error') expect(answer.error!.outcome).toBe('unknown');
  else expect(answer).toMatchObject(done);
}

/** Does something else at the first sending of a number, and at the second, and so on; what is beyond is answered as usual. */
function bySending(...each: ((message: Said<'request'>, line: Line) => void)[]): Script {
  const sendings = new Map<number, number>();
  return {
    request: (message, line) => {
      const sending = sendings.get(message.request) ?? 0;
      sendings.set(message.request, sending + 1);
      each[sending]?.(message, line);
      return each[sending] !== undefined;
    },
  };
}

/** It is executed, and the answer is lost with the connection. */
function executedAndCut(message: Said<'request'>, line: Line): void {
  line.cut();
  line.answer(message);
}

const refusedWith =
  (code: ErrorCode) =>
  ({ id }: Said<'request'>, line: Line): void =>
    line.error(id, code);

const refusedByTheLogWith =
  (code: ErrorCode) =>
  ({ id }: Said<'request'>, line: Line): void =>
    line.reply(id, { kind: 'error', error: errorInfo(code, 'the log of a scene refuses it') });

describe.concurrent('a session of a client in any language', () => {
  it('has a secret that no one can guess, and that is said before it is used over another connection', async () => {
    const secrets: (string | null)[] = [];
    for (const _client of [1, 2]) {
      await scene({}, async (client, cluster) => {
        expect((await client.write(add(1))).answer).toMatchObject(done);
        secrets.push(...cluster.said('register').map(({ secret }) => secret));
      });
    }
    const drawn = secrets.filter((secret) => secret !== null);
    expect(new Set(drawn).size).toBe(drawn.length);
    for (const secret of drawn) expect(new Set(secret).size).toBeGreaterThan(4);
    const request: Script['request'] = (message, line) => {
      if (message.request === 2 && line.number === 1) line.cut();
      return message.request === 2 && line.number === 1;
    };
    await scene({ script: { request } }, async (client, cluster) => {
      for (const by of [1, 2, 3]) expect((await client.write(add(by))).answer).toMatchObject(done);
      expect(cluster.said('resume').length).toBeGreaterThan(0);
      expect(cluster.said('register')).toHaveLength(1);
    });
  });

  it('is registered again with the same secret, because the first registration may have been answered', async () => {
    let times = 0;
    const register: Script['register'] = (message, line) => {
      if (++times > 2) return false;
      line.cut();
      line.answer(message);
      return true;
    };
    await scene({ script: { register } }, async (client, cluster) => {
      expect((await client.write(add(1))).answer).toMatchObject(done);
      expect(new Set(cluster.said('register').map(({ secret }) => secret)).size).toBe(1);
    });
  });

  it('is asked for again when there is no room for it', async () => {
    let times = 0;
    const register: Script['register'] = ({ id }, line) => {
      if (++times > 2) return false;
      line.error(id, 'LimitExceeded');
      return true;
    };
    await scene({ script: { register } }, async (client) => {
      expect((await client.write(add(1))).answer).toMatchObject(done);
    });
  });

  it('is kept alive while nothing is written', async () => {
    await scene({}, async (client, cluster) => {
      await client.write(add(1));
      await cluster.until('keepAlive', 1);
    });
  }, 60_000);

  it.each<[string, (id: number, line: Line) => void]>([
    ['an error', (id, line) => line.error(id, 'SessionGone')],
    ['a reply of the log', (id, line) => line.reply(id, { kind: 'error', error: errorInfo('SessionGone', 'gone') })],
  ])(
    'that ended with %s leaves all outstanding writes unknown, and none is asked in the next session',
    async (_how, tell) => {
      let gone: number | null = null;
      const request: Script['request'] = ({ id, session }, line) => {
        gone ??= session;
        if (session === gone) tell(id, line);
        return session === gone;
      };
      await scene({ script: { request } }, async (client, cluster) => {
        for (const reply of await client.writes([add(1), add(2)])) {
          if (reply.answer.kind === 'error') uncertain(reply);
          // A client that has one at a time under way asks the second in the next session.
          else expect(reply.answer).toMatchObject(done);
        }
        expect((await client.write(add(3))).answer).toMatchObject(done);
        expect(cluster.sessions.size).toBeGreaterThan(1);
      });
    },
  );

  it('has no more requests under way than its window', async () => {
    await scene({ maxWindow: 2 }, async (client) => {
      for (const { answer } of await client.writes([1, 2, 3, 4, 5, 6].map(add))) expect(answer).toMatchObject(done);
    });
  });

  it('uses no number for a write that is larger than a value or a frame may be', async () => {
    await scene({}, async (client) => {
      for (const size of [16_385, 60_000, 200_000]) {
        const bytes = { field: 'value', base64: Buffer.alloc(size).toString('base64') };
        const operation = { kind: 'blobPut', path: '/b', value: null, ifVersion: null, ifAbsent: false };
        const { answer } = await client.do({ do: 'write', operation, bytes });
        expect(answer).toMatchObject({ kind: 'error', error: { outcome: 'definite' } });
        expect((await client.write(add(size))).answer).toMatchObject(done);
      }
    });
  });
});

describe.concurrent('a write of a client in any language', () => {
  it('is sent again under its number, in order, over the next connection, and gets the reply that was kept', async () => {
    await scene({ script: bySending(executedAndCut) }, async (client, cluster) => {
      for (const { answer } of await client.writes([1, 2, 3].map(add))) expect(answer).toMatchObject(done);
      expect([...cluster.sessions.values()].map(({ replies }) => replies.size)).toEqual([3]);
    });
  });

  it('is sent again over the same connection when no answer comes', async () => {
    await scene({ script: bySending(() => undefined) }, async (client, cluster) => {
      expect((await client.write(add(1))).answer).toMatchObject(done);
      expect(cluster.said('request').length).toBeGreaterThan(1);
    });
  });

  it.each<ErrorCode>(['NoPrimary', 'Retry', 'Overloaded', 'Timeout'])('is sent again after %s', async (code) => {
    await scene({ script: bySending(refusedWith(code), refusedWith(code)) }, async (client) => {
      expect((await client.write(add(1))).answer).toMatchObject(done);
    });
  });

  it.each<ErrorCode>(['Retry', 'WindowExceeded'])('is sent again after a reply that says %s', async (code) => {
    await scene({ script: bySending(refusedByTheLogWith(code)) }, async (client) => {
      expect((await client.write(add(1))).answer).toMatchObject(done);
    });
  });

  it('that was sent once and refused definitely was not executed', async () => {
    await scene({ script: bySending(refusedWith('BadArgument')) }, async (client) => {
      const { answer } = await client.write(add(1));
      expect(answer).toMatchObject({ kind: 'error', error: { code: 'BadArgument', outcome: 'definite' } });
    });
  });

  it('that the tree refused was executed, and is not sent again', async () => {
    await scene({ script: bySending(refusedByTheLogWith('PathNotFound')) }, async (client, cluster) => {
      const { answer } = await client.write(add(1));
      expect(answer).toMatchObject({ kind: 'error', error: { code: 'PathNotFound', outcome: 'definite' } });
      expect(cluster.said('request')).toHaveLength(1);
    });
  });

  describe.each([
    ['whose answer was lost with its connection', executedAndCut],
    ['that nobody answered', () => undefined],
  ])('%s', (_what, first) => {
    it.each<ErrorCode>(['BadArgument', 'LimitExceeded', 'UnknownNamespace'])(
      'is not made definite by a sending that is refused with %s',
      async (code) => {
        await scene({ script: bySending(first, refusedWith(code)) }, async (client) => {
          notDenied(await client.write(add(1)));
        });
      },
    );

    it('is not made definite by passing refusals and a last one', async () => {
      const script = bySending(first, refusedWith('NoPrimary'), refusedWith('DiskLow'), refusedWith('BadArgument'));
      await scene({ script }, async (client) => notDenied(await client.write(add(1))));
    });

    it.each<ErrorCode>(['BadArgument', 'RequestTooOld'])(
      'is not made definite by a reply of the log that says %s',
      async (code) => {
        await scene({ script: bySending(first, refusedByTheLogWith(code)) }, async (client) => {
          notDenied(await client.write(add(1)));
        });
      },
    );
  });

  it('that the log calls too old is unknown, although it was sent once', async () => {
    await scene({ script: bySending(refusedByTheLogWith('RequestTooOld')) }, async (client) => {
      uncertain(await client.write(add(1)));
    });
  });

  it('that a node may have sent twice itself is not made definite', async () => {
    const twice = ({ id }: Said<'request'>, line: Line): void => line.error(id, 'BadArgument', 'unknown');
    await scene({ script: bySending(twice) }, async (client) => notDenied(await client.write(add(1))));
  });

  it('is sent again at once, past the gap, after one that ended without a reply', async () => {
    let refusedAt = 0;
    let tookMs = Infinity;
    const request: Script['request'] = (message, line) => {
      if (message.request === 1) {
        line.error(message.id, 'BadArgument');
        refusedAt = performance.now();
      } else if (message.answered > 1) {
        tookMs = Math.min(tookMs, performance.now() - refusedAt);
      }
      // As a primary does: what is behind the gap waits until it hears that nobody waits for that.
      return message.answered === 1;
    };
    await scene({ script: { request } }, async (client) => {
      const [first, ...others] = await client.writes([1, 2, 3].map(add));
      expect(first!.answer).toMatchObject({ kind: 'error', error: { outcome: 'definite' } });
      for (const { answer } of others) expect(answer).toMatchObject(done);
      // A client that sends them again only because nothing came does so after two seconds.
      expect(tookMs).toBeLessThan(1900);
    });
  });
});

describe.concurrent('a client in any language leaves a node', () => {
  /** The first node does this to whatever it is asked in the namespace; the others work. */
  const atTheFirst = (does: (line: Line) => void): Script => {
    const here = (_message: unknown, line: Line): boolean => {
      if (line.node === 0) does(line);
      return line.node === 0;
    };
    return { read: here, register: here, request: here, keepAlive: here };
  };

  it('that says that it cannot reach its group, before it is entered', async () => {
    const enter: Script['enter'] = (message, line) => {
      if (line.node === 0) line.tell({ kind: 'standing', namespaceId: 7, served: false });
      line.answer(message);
      return true;
    };
    await scene({ nodes: 2, script: { ...atTheFirst(() => undefined), enter } }, async (client) => {
      expect((await client.write(add(1))).answer).toMatchObject(done);
    });
  });

  it('that says so later, and takes along the requests that it waits for', async () => {
    const request: Script['request'] = (_message, line) => {
      if (line.number === 1) line.tell({ kind: 'standing', namespaceId: 7, served: false });
      return line.number === 1;
    };
    await scene({ nodes: 2, script: { request } }, async (client, cluster) => {
      const begun = performance.now();
      for (const { answer } of await client.writes([1, 2].map(add))) expect(answer).toMatchObject(done);
      expect(performance.now() - begun).toBeLessThan(5000);
      expect(cluster.said('resume').length).toBeGreaterThan(0);
    });
  });

  it('that falls silent', async () => {
    const silent = (_message: unknown, line: Line): boolean => line.node === 0;
    const script: Script = { ...atTheFirst(() => undefined), ping: silent };
    await scene({ nodes: 2, script }, async (client) => {
      expect((await client.write(add(1))).answer).toMatchObject(done);
    });
  });

  it.each<[string, number, ErrorCode]>([
    ['stops', closeCodes.goingAway, 'Closed'],
    ['has too many connections', closeCodes.tooManyConnections, 'LimitExceeded'],
    ['serves nobody', closeCodes.notAllowed, 'NotAllowed'],
    ['heard nothing for too long', closeCodes.timeout, 'Timeout'],
  ])('that %s', async (_what, code, reason) => {
    const script = atTheFirst((line) => line.close(code, reason));
    await scene({ nodes: 2, script }, async (client) => {
      expect((await client.write(add(1))).answer).toMatchObject(done);
    });
  });
});

describe.concurrent('a watch of a client in any language', () => {
  const change = {
    path: '/n',
    kind: 'counted',
    type: 'counter',
    version: 1,
    value: null,
    claim: null,
    cause: null,
  } as const;

  function event(id: number, op: number): { readonly kind: 'event'; readonly id: number; readonly event: Uint8Array } {
    const changes = [{ ...change, number: op }];
    return { kind: 'event', id, event: encodeEvent({ op, timestamp: 1, folded: false, changes }) };
  }

  it('continues after its last event, whatever broke off or was refused, and tells each event once', async () => {
    const froms: unknown[] = [];
    const steps: ((id: number, line: Line) => void)[] = [
      (id, line) => {
        line.tell({ kind: 'watching', id, op: 10 });
        line.cut();
      },
      (id, line) => {
        line.tell({ kind: 'watching', id, op: 10 }, event(id, 11), { kind: 'progress', id, op: 13 });
        line.error(id, 'NoPrimary');
      },
      (id, line) => {
        line.tell({ kind: 'watching', id, op: 13 }, event(id, 14));
        line.cut();
      },
      // What is between is forgotten: the state comes in its place, and breaks off.
      (id, line) => {
        line.tell(
          { kind: 'watching', id, op: 14 },
          { kind: 'snapshot', id, op: 20, reset: true, first: true, last: false, changes: [] },
        );
        line.cut();
      },
      (id, line) => {
        line.tell(
          { kind: 'watching', id, op: 14 },
          { kind: 'snapshot', id, op: 22, reset: true, first: true, last: false, changes: [] },
          { kind: 'snapshot', id, op: 22, reset: true, first: false, last: true, changes: [] },
        );
        line.cut();
      },
      (id, line) => line.tell({ kind: 'watching', id, op: 22 }, event(id, 23), { kind: 'progress', id, op: 30 }),
    ];
    const watch: Script['watch'] = ({ id, from }, line) => {
      steps[froms.length]?.(id, line);
      froms.push(from);
      return true;
    };
    await scene({ nodes: 2, script: { watch } }, async (client) => {
      const { watch: id } = await client.do<{ readonly watch: number }>({ do: 'watch', path: '/n' });
      await expect.poll(async () => (await client.events(id)).op, { timeout: 20_000 }).toBe(30);
      const { events } = await client.events(id);
      expect(events.map(({ op }) => op)).toEqual([11, 14, 23]);
      const after = (op: number): object => ({ kind: 'after', op });
      expect(froms).toEqual([{ kind: 'now' }, after(10), after(13), after(14), after(14), after(22)]);
    });
  });
});
