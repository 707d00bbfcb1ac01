import { describe, expect, it } from 'vitest';
import { UsageError, casesOf, planOf } from '../../bench/arguments.ts';

describe('the plan of a run', () => {
  it('compares numbers outstanding at 8 connections, and connections at 256 outstanding', () => {
    const cases = casesOf('put', [1, 16, 256], [1, 8, 64], false).map((one) => [one.outstanding, one.connections]);
    expect(cases).toEqual([
      [1, 1],
      [16, 8],
      [256, 1],
      [256, 8],
      [256, 64],
    ]);
  });

  it('takes every pair when it is asked to, except a connection that would idle', () => {
    const cases = casesOf('get', [1, 16], [1, 8, 64], true).map((one) => [one.outstanding, one.connections]);
    expect(cases).toEqual([
      [1, 1],
      [16, 1],
      [16, 8],
      [16, 16],
    ]);
  });

  it('is short when it is quick, and flags still overrule it', () => {
    const plan = planOf(['--quick', '--only', 'etcd', '--seconds', '0.2', '--measures', 'load', '--workloads', 'put']);
    expect(plan).toMatchObject({ targets: ['etcd'], seconds: 0.2, measures: ['load'], rounds: 2 });
    expect(plan?.cases.map((one) => one.outstanding)).toEqual([1, 256]);
  });

  it('is empty when only help is wanted', () => {
    expect(planOf(['--help'])).toBeNull();
  });

  it.each([
    [['--only', 'consul'], "'consul' is none of haret, etcd, zookeeper"],
    [['--seconds', 'long'], "--seconds: 'long' is not a number"],
    [['--rounds', '1.5'], "--rounds: '1.5' is not a whole number"],
    [['--value-bytes', '1000000'], '--value-bytes'],
    [['--fast'], '--fast'],
    [['stray'], 'stray'],
  ])('refuses %j and says why', (args, reason) => {
    expect(() => planOf(args)).toThrow(UsageError);
    expect(() => planOf(args)).toThrow(reason);
  });
});
