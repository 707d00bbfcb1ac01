/** The worker of the simulator's runs, which only who looks at one downloads. */

import { runWorker } from './run-worker.ts';
import { SeedCluster } from './seed-cluster.ts';

runWorker((script) => new SeedCluster(script, script.simulator ?? 0));
