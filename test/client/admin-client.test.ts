/**
 * The admin client with a scripted node: commands are sent once, questions may be sent again, and each call ends in
 * time.
 */

import { describe, expect, it } from 'vitest';
import { errorInfo } from '../../core/base/errors.ts';
import { AdminClient } from '../../core/client/admin-client.ts';
import type { AdminClientOptions } from '../../core/client/admin-client.ts';
import { adminServerCodec } from '../../core/wire/admin-codecs.ts';
import type { AdminReply, AdminRequest, AdminResult } from '../../core/wire/admin.ts';
import type { Accepted, ScriptedServer } from './world.ts';
import { Outcome, World } from './world.ts';

type AdminAccepted = Accepted<AdminReply, AdminRequest>;

function start(options: Partial<AdminClientOptions> = {}) {
  const world = new World();
  const server = {
    connections: [] as AdminAccepted[],
    codec: (subprotocol: string) => adminServerCodec(subprotocol),
    accepts: true,
    hangs: false,
    onMessage: (connection: AdminAccepted, { id }: AdminRequest) => {
      connection.send({ kind: 'done', id, result: { kind: 'ok' } });
    },
  };
  world.servers.set('a:1', server as unknown as ScriptedServer<never, never>);
  const client = new AdminClient(world.ports, { addresses: ['a:1'], ...options });
  world.ticked.push(() => client.tick());
  client.start();
  const run = (command: AdminRequest['command'], timeoutMs?: number): Outcome<AdminResult> => {
    const outcome = new Outcome<AdminResult>();
    client.execute(command, outcome.done, timeoutMs);
    return outcome;
  };
  return { world, server, client, run };
}

const join = { kind: 'clusterJoin', node: 'dev2', address: '127.0.0.1:3000' } as const;

describe('the admin client', () => {
  it.each(['binary', 'superjson'] as const)('asks and is answered in %s, even before it is connected', (codec) => {
    const { world, run, client } = start({ codec });
    const outcome = run({ kind: 'clusterStatus' });
    world.settle();
    expect(outcome.value).toEqual({ kind: 'ok' });
    expect(client.state).toBe('ready');
    expect(client.address).toBe('a:1');
  });

  it('passes a refusal on unchanged', () => {
    const { world, server, run } = start();
    server.onMessage = (connection, { id }) => {
      connection.send({ kind: 'failed', id, error: errorInfo('NodeRefused', 'dev2 has namespaces of its own') });
    };
    const outcome = run(join);
    world.settle();
    expect(outcome.error).toMatchObject({ code: 'NodeRefused', outcome: 'definite' });
  });

  it('does not repeat a command whose connection broke, and says that its outcome is unknown', () => {
    const { world, server, run } = start();
    server.onMessage = (connection) => connection.close(1006);
    const [command, question] = [run(join), run({ kind: 'namespaces' })];
    world.settle();
    expect(command.error).toMatchObject({ code: 'Disconnected', outcome: 'unknown' });
    expect(question.pending).toBe(true);
    const heard: string[] = [];
    server.onMessage = (connection, { id, command: { kind } }) => {
      heard.push(kind);
      connection.send({ kind: 'done', id, result: { kind: 'ok' } });
    };
    world.pass(200);
    expect(question.value).toEqual({ kind: 'ok' });
    expect(heard).toEqual(['namespaces']);
  });

  it('ends a command that takes too long, with what is known of it', () => {
    const { world, server, run } = start();
    server.onMessage = (connection, { id, command }) => {
      if (command.kind === 'ping') connection.send({ kind: 'done', id, result: { kind: 'ok' } });
    };
    const [command, question] = [run(join, 2000), run({ kind: 'config' }, 2000)];
    world.pass(2100);
    expect(command.error).toMatchObject({ code: 'Timeout', outcome: 'unknown' });
    expect(question.error).toMatchObject({ code: 'Timeout', outcome: 'definite' });
  });

  it('says why the node cannot be reached', () => {
    const { world, server, client } = start();
    server.accepts = false;
    client.close();
    const other = new AdminClient(world.ports, { addresses: ['nowhere:1'] });
    world.ticked.push(() => other.tick());
    other.start();
    const outcome = new Outcome<null>();
    other.connected(outcome.done, 300);
    world.pass(400);
    expect(outcome.error).toMatchObject({
      code: 'NodeUnreachable',
      message: 'cannot reach nowhere:1: connection refused',
    });
  });

  it('has a bound, can be abandoned, and ends every command when it is closed', () => {
    const { world, server, client, run } = start({ maxOutstanding: 2 });
    server.onMessage = () => undefined;
    const abandoned = new Outcome<AdminResult>();
    const call = client.execute(join, abandoned.done);
    world.settle();
    call.abandon();
    expect(abandoned.error).toMatchObject({ code: 'Interrupted', outcome: 'unknown' });
    const outcomes = [run(join), run({ kind: 'ping' }), run({ kind: 'ping' })];
    world.settle();
    expect(outcomes[2]!.error).toMatchObject({ code: 'Overloaded', details: { limit: 2 } });
    client.close();
    expect(outcomes[0]!.error).toMatchObject({ code: 'Closed', outcome: 'unknown' });
    expect(outcomes[1]!.error).toMatchObject({ code: 'Closed', outcome: 'definite' });
    const late = run(join);
    world.settle();
    expect(late.error?.code).toBe('Closed');
  });
});
