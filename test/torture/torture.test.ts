/** The short form of `npm run torture`. */

import { describe } from 'vitest';
import { playShort } from '../stage/short-form.ts';
import { trialNames, trials } from './trials/index.ts';

describe('the trials', () => playShort('test/torture/trials', trialNames, trials));
