/** The length of text in UTF-8 for pages: by encoding it, which is less code (120 bytes gzip). `core/base/utf8-length.ts` counts. */

import { utf8 } from '../core/base/utf8.ts';

export function utf8Length(text: string): number {
  return utf8(text).length;
}
