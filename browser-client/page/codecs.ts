/** What a client in a page can speak: text, which a page's debugger shows too. */

import { textApi } from '../../core/wire/api-client-text.ts';
import type { Codecs } from '../api-codecs.ts';

export const inNode = false;

export const codecs: Codecs = { superjson: textApi };
