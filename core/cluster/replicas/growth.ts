/** Whether a request makes the state grow, for those who keep room for it. */

import { decodeBody } from '../../service/body.ts';
import type { Operation } from '../../tree/operation.ts';
import { mayGrow } from '../../tree/tree.ts';

/** How many of a request's operations may make the state grow. A body that cannot be decoded is refused elsewhere. */
export function growingOperations(body: Uint8Array): number {
  let decoded;
  try {
    decoded = decodeBody(body);
  } catch {
    return 0;
  }
  return decoded.kind === 'operation' ? growing(decoded.operation) : 0;
}

function growing(operation: Operation): number {
  if (operation.kind !== 'transaction') return mayGrow(operation) ? 1 : 0;
  const { then, otherwise } = operation;
  return Math.max(then.filter(mayGrow).length, otherwise.filter(mayGrow).length);
}
