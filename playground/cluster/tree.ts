/** Lists a namespace for the tree beside the terminal, up to a bound. */

import type { Operation, OperationResult } from '../../core/tree/operation.ts';
import type { TreeRow } from './frame.ts';

export const maxTreeRows = 200;
const pageLimit = 100;

/** @param read answers a read, or null when it cannot be answered. @returns rows in the order of their paths. */
export async function listTree(read: (operation: Operation) => Promise<OperationResult | null>): Promise<TreeRow[]> {
  const rows: TreeRow[] = [];
  const visit = async (path: string): Promise<void> => {
    const listing = await read({ kind: 'children', path, limit: pageLimit, after: null });
    if (listing?.kind !== 'children') return;
    for (const { name, type, version, count, bytes } of listing.children) {
      if (rows.length >= maxTreeRows) return;
      const below = path === '/' ? `/${name}` : `${path}/${name}`;
      rows.push({ path: below, type, version, count, bytes });
      if (type === 'directory') await visit(below);
    }
  };
  await visit('/');
  return rows;
}
