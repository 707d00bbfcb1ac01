/**
 * The protocol as a transcript that people can read (docs/protocol.md). UPDATE_FLOWS=1 npx vitest run
 * test/vr/flows.test.ts writes it anew.
 */

import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe } from 'vitest';
import { testFlows } from '../flow.ts';
import { FlowGroup } from './flow-group.ts';

describe('the flow of', () => {
  testFlows(join(dirname(fileURLToPath(import.meta.url)), 'flows'), () => {
    const group = new FlowGroup();
    return (command) => group.run(command);
  });
});
