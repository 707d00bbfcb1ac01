/** The SDK's types: what the compiler tells a program. Only the last line of each story runs. */

import { describe, expectTypeOf, it } from 'vitest';
import type {
  Committed,
  Live,
  Namespace,
  StandardSchema,
  Txn,
  Versioned,
  Written,
} from '../../browser-client/index.ts';
import { bytes, json, superjson, text } from '../../browser-client/index.ts';
import type { WatchEvent, WatchProgress, WatchSnapshot } from '../../browser-client/index.ts';

interface Config {
  readonly retries: number;
}

/** A schema that reads a value as another type than it writes, as zod's coercions do. */
declare const dates: StandardSchema<string, Date>;

// It is never called. Its parameters are objects of which only the types are used.
async function program(ns: Namespace): Promise<void> {
  const config = ns.blob('/config', json<Config>());
  expectTypeOf(await config.get()).toEqualTypeOf<Config | undefined>();
  expectTypeOf(await config.read()).toEqualTypeOf<Versioned<Config> | undefined>();
  expectTypeOf(await config.put({ retries: 1 })).toEqualTypeOf<Written>();
  expectTypeOf(config.live()).toEqualTypeOf<Live<Config | undefined>>();
  // @ts-expect-error -- a value of another type
  await config.put({ retries: '1' });
  // @ts-expect-error -- an update gives what the codec takes
  await config.update(() => 5);

  const date = ns.blob('/date', json(dates));
  expectTypeOf(await date.get()).toEqualTypeOf<Date | undefined>();
  expectTypeOf<Parameters<typeof date.put>[0]>().toEqualTypeOf<string>();
  await date.update((current) => current?.toISOString());

  expectTypeOf(await ns.blob('/raw', bytes).get()).toEqualTypeOf<Uint8Array | undefined>();
  expectTypeOf(await ns.queue('/q', superjson<Set<string>>()).pop()).toEqualTypeOf<Set<string> | undefined>();
  expectTypeOf(await ns.set('/s', text).members().toArray()).toEqualTypeOf<string[]>();
  expectTypeOf(await ns.counter('/n').add()).toEqualTypeOf<number>();
  for await (const member of ns.set('/s', text).members()) expectTypeOf(member).toEqualTypeOf<string>();

  const txn = ns
    .txn()
    .if(config.guard.version(1), config.guard.value({ retries: 2 }))
    .do(config.op.put({ retries: 3 }), ns.counter('/n').op.add(1))
    .do(ns.set('/s', text).op.insert('a'))
    .else(config.op.get(), ns.queue('/q', text).op.pop());
  expectTypeOf(txn).toEqualTypeOf<Txn<[Written, number, boolean], [Config, string | undefined]>>();
  const outcome = await txn.commit();
  expectTypeOf(outcome).toEqualTypeOf<Committed<[Written, number, boolean], [Config, string | undefined]>>();
  if (outcome.held) expectTypeOf(outcome.results).toEqualTypeOf<[Written, number, boolean]>();
  else expectTypeOf(outcome.results[1]).toEqualTypeOf<string | undefined>();
  // @ts-expect-error -- a guard is no operation
  ns.txn().do(config.guard.exists());

  for await (const update of ns.watch('/')) expectTypeOf(update).toEqualTypeOf<WatchEvent | WatchSnapshot>();
  for await (const update of ns.watch('/', { progress: true })) {
    expectTypeOf(update).toEqualTypeOf<WatchEvent | WatchSnapshot | WatchProgress>();
  }
  // @ts-expect-error -- an op number is named
  ns.watch('/', { from: 5 });

  const { status, value, error } = config.live().state;
  if (status === 'live') expectTypeOf(value).toEqualTypeOf<Config | undefined>();
  if (status === 'failed') expectTypeOf(error.retryable).toEqualTypeOf<boolean>();
}

describe('the types', () => {
  it('say what handles, codecs, transactions, watches and live values return', () => {
    expectTypeOf(program).returns.resolves.toBeVoid();
  });
});
