/** The worker of the simulator's runs. Only a page that shows one downloads it. */

import { runWorker } from './run-worker.ts';
import { SeedCluster } from './seed-cluster.ts';

runWorker((script) => new SeedCluster(script, script.simulator ?? 0));
