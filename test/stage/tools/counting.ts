/** A counter shows whether each of many additions of one happened once. */

import type { NodeUnderTest } from '../../integration/cluster-process.ts';
import { namespaceName } from '../stage.ts';
import type { Stage } from '../stage.ts';

/**
 * Reads the counter. It must show at least what was acknowledged. It may be higher by the additions whose outcome is
 * unknown, and by one for each process that ended with an addition under way.
 */
export async function counterCheck(
  stage: Stage,
  nodes: readonly NodeUnderTest[],
  path: string,
  acknowledged: readonly number[],
  unknown: readonly number[],
): Promise<number> {
  const haret = await stage.client(nodes);
  const value = await haret.namespace(namespaceName).counter(path).get({ timeoutMs: 10_000 });
  await haret.close();
  const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);
  const least = sum(acknowledged);
  const most = least + sum(unknown) + acknowledged.length;
  stage.step(
    `the counter stands at ${value}; ${least} additions were acknowledged, ${sum(unknown)} have an unknown outcome`,
  );
  stage.demand(value >= least, `${least} additions were acknowledged and the counter stands at ${value}`);
  stage.demand(value <= most, `${most} additions may have happened and the counter stands at ${value}`);
  return Math.min(value, least);
}
