/** What a client in Node can speak. A page's bundle is built with `page-codecs.ts` in the place of this. */

import { binaryApi } from '../core/wire/api-client-binary.ts';
import { textApi } from '../core/wire/api-client-text.ts';
import type { ClientCodec } from '../core/wire/api-client.ts';

export type Codecs = Readonly<Partial<Record<'binary' | 'superjson', ClientCodec>>>;

const globals = globalThis as { readonly process?: { readonly versions?: { readonly node?: string } } };

export const inNode: boolean = globals.process?.versions?.node !== undefined;

export const codecs: Codecs = { binary: binaryApi, superjson: textApi };
