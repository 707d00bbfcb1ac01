/**
 * The program `npm run bench`: reads its flags, runs, and prints. Started with `driver`, it is one of the drivers
 * instead.
 */

import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { UsageError, planOf, usage } from './arguments.ts';
import type { Plan } from './arguments.ts';
import { cleanUpOnExit } from './children.ts';
import { driverArgument, runDriver } from './driver.ts';
import { floorsOf } from './floors.ts';
import { reportOf } from './report.ts';
import { Run } from './run.ts';

const exitFailed = 1;
const exitUsage = 2;

async function main(args: readonly string[]): Promise<number> {
  let plan: Plan | null;
  try {
    plan = planOf(args);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`bench: ${error.message}\n\n${usage}`);
    return exitUsage;
  }
  if (plan === null) {
    process.stdout.write(usage);
    return 0;
  }
  cleanUpOnExit();
  const startedAt = performance.now();
  const progress = (line: string): void => {
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(0);
    process.stderr.write(`[${seconds.padStart(4)} s] ${line}\n`);
  };
  try {
    const run = new Run(plan, fileURLToPath(import.meta.url), progress);
    try {
      await run.all();
    } finally {
      process.stdout.write(reportOf(run.results));
      if (plan.json !== null) writeFileSync(plan.json, `${JSON.stringify(run.results, null, 2)}\n`);
    }
    if (run.results.targets.length === 0) throw new Error('none of the systems is installed');
    return plan.check && floorsOf(run.results).some((floor) => !floor.met) ? exitFailed : 0;
  } catch (error) {
    process.stderr.write(`bench: ${(error as Error).message}\n`);
    return exitFailed;
  }
}

if (process.argv[2] === driverArgument) runDriver();
else {
  // We exit explicitly, because sockets that are being closed would keep the process for a while.
  process.exit(await main(process.argv.slice(2)));
}
