/** The tables: all commands of the API, all of the admin interface, and those that both share. */

import type { LeafType } from '../../tree/names.ts';
import type { CommandSpec, Family } from '../table.ts';
import { CommandTable } from '../table.ts';
import { adminCommands, adminPing } from './admin.ts';
import { claimingCommands } from './claiming.ts';
import { leafCommands } from './leaves.ts';
import { sessionCommands } from './session.ts';
import { explainCommand, shellCommands } from './shell.ts';
import { transactionCommands } from './transaction.ts';
import { treeCommands } from './tree.ts';
import { watchCommands } from './watch.ts';

/** Families that are not of the API, and those of leaves, which are in `leafFamilies`. */
type ElsewhereFamily = 'cluster' | 'namespaces' | 'node' | 'sim' | 'shell' | LeafType;

const { session, tree, ...later }: Readonly<Record<Exclude<Family, ElsewhereFamily>, readonly CommandSpec[]>> = {
  session: sessionCommands,
  tree: treeCommands,
  transaction: transactionCommands,
  watch: watchCommands,
};
const apiFamilies = [...session, ...tree, ...leafCommands, ...claimingCommands, ...Object.values(later).flat()];

/**
 * The commands of `haret-cli-client`. `extra` has those of a particular host, such as the simulator of the web
 * terminal.
 */
export function apiTable(extra: readonly CommandSpec[] = []): CommandTable {
  return new CommandTable([...apiFamilies, ...extra, explainCommand, ...shellCommands]);
}

/** The commands of `haret-admin`. */
export function adminTable(extra: readonly CommandSpec[] = []): CommandTable {
  return new CommandTable([...adminCommands, adminPing, ...extra, ...shellCommands]);
}

/** Both in one shell, for a terminal that has both connections. */
export function wholeTable(extra: readonly CommandSpec[] = []): CommandTable {
  return new CommandTable([...apiFamilies, ...adminCommands, ...extra, explainCommand, ...shellCommands]);
}
