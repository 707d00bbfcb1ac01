/** The short form of `npm run abuse`: the attacks that take a few seconds, and that nodes stand. */

import { describe } from 'vitest';
import { playShort } from '../stage/short-form.ts';
import { trialNames, trials } from './trials/index.ts';

describe('the attacks', () => playShort('test/abuse/trials', trialNames, trials));
