/**
 * Help, made from the table: the list of commands, the help of one command or family, and the reference in
 * docs/language.md.
 */

import type { LeafType } from '../tree/names.ts';
import { isLeafFamily, leafFamilies } from './commands/leaves.ts';
import { UsageError } from './status.ts';
import { usageOf } from './table.ts';
import type { CommandSpec, CommandTable, Family, FlagSpec } from './table.ts';

const titles: Readonly<Record<Exclude<Family, LeafType>, string>> = {
  session: 'Namespaces and connection',
  tree: 'The tree',
  transaction: 'Transactions',
  watch: 'Watching',
  cluster: 'The cluster',
  namespaces: 'Namespaces and their replicas',
  node: 'The node',
  sim: 'The simulation',
  shell: 'The shell',
};

function titleOf(family: Family): string {
  return isLeafFamily(family) ? leafFamilies[family].title : titles[family];
}

/** Commands under the titles of their families, in the order of the table. */
function grouped(table: CommandTable): readonly (readonly [title: string, commands: readonly CommandSpec[]])[] {
  const groups = new Map<Family, CommandSpec[]>();
  for (const command of table.commands) {
    const group = groups.get(command.family);
    if (group === undefined) groups.set(command.family, [command]);
    else group.push(command);
  }
  return [...groups].map(([family, commands]) => [titleOf(family), commands]);
}

/**
 * The lines of `help`, or of `help COMMAND` for the words of a command or of a family.
 * @throws UsageError when no such command exists.
 */
export function helpFor(table: CommandTable, words: readonly string[]): readonly string[] {
  if (words.length === 0) return overview(table);
  const name = words.join(' ');
  const exact = table.commands.find((command) => command.words.join(' ') === name);
  if (exact !== undefined) return describe(exact);
  const family = table.commands.filter((command) => command.words.join(' ').startsWith(`${name} `));
  if (family.length === 0) throw new UsageError(`there is no command ${name}`);
  return listing(family);
}

function overview(table: CommandTable): readonly string[] {
  const sections = grouped(table).flatMap(([title, commands]) => [title, ...listing(commands), '']);
  return [...sections, "'help COMMAND' tells more about a command."];
}

const usageColumn = 46;

function listing(commands: readonly CommandSpec[]): readonly string[] {
  return commands.flatMap((command) => {
    const usage = `  ${usageOf(command)}`;
    return usage.length < usageColumn
      ? [`${usage.padEnd(usageColumn)} ${command.summary}`]
      : [usage, `${' '.repeat(usageColumn)} ${command.summary}`];
  });
}

function describe(command: CommandSpec): readonly string[] {
  const flags = command.flags.map((flag) => `  ${flagNames(flag).padEnd(24)} ${flag.about}`);
  const examples = (command.examples ?? []).map((example) => `  ${example}`);
  return [
    `Usage: ${usageOf(command)}`,
    command.summary,
    ...(command.details ?? []),
    ...(flags.length > 0 ? ['Flags:', ...flags] : []),
    ...(examples.length > 0 ? ['Examples:', ...examples] : []),
  ];
}

function flagNames(flag: FlagSpec): string {
  const argument = flag.argument === undefined ? '' : ` ${flag.argument.name}`;
  return `${flag.short === undefined ? '' : `-${flag.short}, `}--${flag.long}${argument}`;
}

/** The reference of a table in Markdown. */
export function referenceOf(table: CommandTable): string {
  return grouped(table)
    .map(([title, commands]) => `### ${title}\n\n${commands.map(entry).join('\n')}\n`)
    .join('\n');
}

function entry(command: CommandSpec): string {
  const more = [command.summary, ...(command.details ?? [])].join(' ');
  const flags = command.flags.map((flag) => `\n  - \`${flagNames(flag)}\`: ${flag.about}`).join('');
  const examples = (command.examples ?? []).map((example) => `\n  - e.g. \`${example}\``).join('');
  return `- \`${usageOf(command)}\`: ${more}${flags}${examples}`;
}
