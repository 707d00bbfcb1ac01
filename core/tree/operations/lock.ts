/** The forms of the operations on a lock: only those on any line of claims (`claims.ts`). */

import type { Forms } from './form.ts';

export const lockForms = { writes: {}, upserts: {}, reads: {}, guards: {} } as const satisfies Forms;
