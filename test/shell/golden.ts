/** All golden sessions; transcript.ts runs them. */

import { treeSessions } from './golden-tree.ts';
import { valueSessions } from './golden-values.ts';
import type { GoldenSession } from './transcript.ts';

export const goldenSessions: readonly GoldenSession[] = [...treeSessions, ...valueSessions];
