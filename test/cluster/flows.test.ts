/** Watches as a text that people can read. UPDATE_FLOWS=1 npx vitest run test/cluster/flows.test.ts writes it again. */

import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe } from 'vitest';
import { testFlows } from '../flow.ts';
import { FlowWatch } from './flow-watch.ts';

describe('the flow of', () => {
  testFlows(join(dirname(fileURLToPath(import.meta.url)), 'flows'), () => {
    const flow = new FlowWatch();
    return (command) => flow.run(command);
  });
});
