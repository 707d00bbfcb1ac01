/** The tables: every command of the API, every one of the admin interface, and what both share. */

import type { CommandSpec } from '../table.ts';
import { CommandTable } from '../table.ts';
import { adminCommands, adminPing } from './admin.ts';
import { blobCommands } from './blob.ts';
import { counterCommands } from './counter.ts';
import { queueCommands } from './queue.ts';
import { sessionCommands } from './session.ts';
import { setCommands } from './set.ts';
import { explainCommand, shellCommands } from './shell.ts';
import { transactionCommands } from './transaction.ts';
import { treeCommands } from './tree.ts';
import { watchCommands } from './watch.ts';

const apiFamilies: readonly CommandSpec[] = [
  ...sessionCommands,
  ...treeCommands,
  ...blobCommands,
  ...queueCommands,
  ...setCommands,
  ...counterCommands,
  ...transactionCommands,
  ...watchCommands,
];

/** The commands of `haret-cli-client`. `extra` are those of a host of its own, like the simulator of the web terminal. */
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
