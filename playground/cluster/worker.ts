/** The worker of the cluster in the tab. */

import { runWorker } from './run-worker.ts';
import { TabCluster } from './tab-cluster.ts';

runWorker((script, host) => new TabCluster(script, host));
