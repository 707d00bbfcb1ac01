/** Completes the word before the cursor to commands, flags, choices, namespaces and paths, according to the table. */

import type { NodeType } from '../tree/operation.ts';
import { isLeafFamily } from './commands/leaves.ts';
import { guardSpecs } from './commands/transaction.ts';
import type { ArgumentSpec, CommandSpec, CommandTable, FlagSpec } from './table.ts';
import { escapeQuoted, isBare, quoteWord, splitCommands } from './words.ts';
import type { Word } from './words.ts';

export interface Candidate {
  /** The text that replaces the text from `from` to `to`. */
  readonly insert: string;
  /** The text in the list of candidates. */
  readonly shown: string;
  /** True when nothing can follow in the same word. */
  readonly final: boolean;
}

export interface Completion {
  readonly from: number;
  readonly to: number;
  readonly candidates: readonly Candidate[];
}

interface ListedChild {
  readonly name: string;
  readonly type: NodeType;
}

/** Asks the node. A rejection means that nothing is known. */
export interface CompletionSources {
  namespaces(): Promise<readonly string[]>;
  children(
    path: string,
    after: string | null,
    limit: number,
  ): Promise<{ readonly children: readonly ListedChild[]; readonly more: boolean }>;
}

/** A word that the user may mean, and whether it is complete. */
interface Proposal {
  readonly text: string;
  readonly shown?: string;
  readonly final: boolean;
  /** True for a name that a user chose, which may need quotes. False for a word of the language. */
  readonly chosen?: boolean;
}

/** Marks the cursor: a character that no key types. */
const cursorMark = '\u0000';
const pageLimit = 1000;
const maxPages = 10;

/** The words before the cursor, and the word that is being typed. */
interface Place {
  readonly before: readonly Word[];
  readonly typed: string;
  readonly current: Word;
}

export async function complete(
  table: CommandTable,
  line: string,
  cursor: number,
  sources: CompletionSources,
): Promise<Completion> {
  const words = splitCommands(line.slice(0, cursor) + cursorMark).at(-1);
  const current = words?.at(-1);
  const nothing = { from: cursor, to: cursor, candidates: [] };
  if (words === undefined || current?.text.endsWith(cursorMark) !== true) return nothing;
  const place: Place = { before: words.slice(0, -1), typed: current.text.slice(0, -1), current };
  let proposals: readonly Proposal[];
  try {
    proposals = await proposalsAt(table, place, sources);
  } catch {
    return nothing;
  }
  const fitting = proposals.filter((proposal) => proposal.text.startsWith(place.typed));
  const inQuotes =
    current.quoted ||
    fitting.some((proposal) => proposal.chosen === true && quoteWord(proposal.text) !== proposal.text);
  const candidates = fitting.map((proposal) => ({
    insert: inQuotes ? `"${escapeQuoted(proposal.text)}${proposal.final ? '"' : ''}` : proposal.text,
    shown: proposal.shown ?? proposal.text,
    final: proposal.final,
  }));
  return { from: current.start, to: cursor, candidates };
}

async function proposalsAt(
  table: CommandTable,
  place: Place,
  sources: CompletionSources,
): Promise<readonly Proposal[]> {
  const { before } = place;
  if (isBare(before[0], 'explain')) return await proposalsAt(table, { ...place, before: before.slice(1) }, sources);
  if (isBare(before[0], 'help')) return commandWords(table.commands, before.slice(1));
  if (isBare(before[0], 'txn'))
    return await transactionProposals(table, { ...place, before: before.slice(1) }, sources);
  return await commandProposals(table, place, sources);
}

async function commandProposals(
  table: CommandTable,
  { before, typed, current }: Place,
  sources: CompletionSources,
): Promise<readonly Proposal[]> {
  const found = table.find(before);
  const names = current.quoted ? [] : commandWords(table.commands, before);
  if (found === null) return names;
  const rest = before.slice(found.length);
  const inside = await argumentProposals(found.spec, rest, typed, current, sources);
  return rest.length === 0 ? [...names, ...inside] : inside;
}

/** The next words of the commands that begin with the given words. */
function commandWords(commands: readonly CommandSpec[], before: readonly Word[]): readonly Proposal[] {
  const next = new Set<string>();
  for (const { words } of commands) {
    const word = words[before.length];
    if (word !== undefined && before.every((one, index) => isBare(one, words[index] ?? ''))) next.add(word);
  }
  return [...next].sort().map((text) => ({ text, final: true }));
}

async function argumentProposals(
  spec: Pick<CommandSpec, 'arguments' | 'flags' | 'family'>,
  words: readonly Word[],
  typed: string,
  current: Word,
  sources: CompletionSources,
): Promise<readonly Proposal[]> {
  let position = 0;
  const given = new Set<string>();
  let awaiting: FlagSpec | null = null;
  for (const word of words) {
    if (awaiting !== null) {
      awaiting = null;
      continue;
    }
    const flag: FlagSpec | undefined = word.quoted
      ? undefined
      : spec.flags.find((one) => word.text === `--${one.long}` || word.text === `-${one.short ?? ''}`);
    if (flag !== undefined) {
      given.add(flag.long);
      if (flag.argument !== undefined) awaiting = flag;
    } else if (spec.arguments[position]?.repeated !== true) position++;
  }
  const argument = awaiting === null ? spec.arguments[position] : awaiting.argument;
  if (awaiting === null && !current.quoted && typed.startsWith('-')) {
    return spec.flags
      .filter((flag) => flag.repeated === true || !given.has(flag.long))
      .map((flag) => ({ text: `--${flag.long}`, final: true }));
  }
  return argument === undefined ? [] : await ofKind(argument, typed, typeOfFamily(spec.family), sources);
}

function typeOfFamily(family: CommandSpec['family']): NodeType | null {
  return isLeafFamily(family) ? family : null;
}

async function ofKind(
  argument: ArgumentSpec,
  typed: string,
  type: NodeType | null,
  sources: CompletionSources,
): Promise<readonly Proposal[]> {
  switch (argument.kind) {
    case 'path':
      return await paths(typed, type, sources);
    case 'namespace':
      return (await sources.namespaces()).map((text) => ({ text, final: true, chosen: true }));
    case 'choice':
      return (argument.choices ?? []).map((text) => ({ text, final: true }));
    case 'literal':
      return [{ text: argument.name, final: true }];
    case 'value':
    case 'integer':
    case 'duration':
    case 'text':
    case 'placement':
    case 'command':
    case 'rest':
      return [];
  }
}

/** Paths below the directory that is typed. A command for one type of leaf gets only leaves of this type. */
async function paths(typed: string, type: NodeType | null, sources: CompletionSources): Promise<readonly Proposal[]> {
  if (typed === '') return [{ text: '/', final: false }];
  if (!typed.startsWith('/')) return [];
  const slash = typed.lastIndexOf('/');
  const directory = slash === 0 ? '/' : typed.slice(0, slash);
  const prefix = typed.slice(0, slash + 1);
  const proposals: Proposal[] = [];
  let after: string | null = null;
  for (let page = 0; page < maxPages; page++) {
    const { children, more } = await sources.children(directory, after, pageLimit);
    for (const child of children) {
      const isDirectory = child.type === 'directory';
      if (!isDirectory && type !== null && child.type !== type) continue;
      const shown = isDirectory ? `${child.name}/` : child.name;
      proposals.push({ text: prefix + shown, shown, final: !isDirectory, chosen: true });
    }
    after = children.at(-1)?.name ?? null;
    if (!more || after === null) break;
  }
  return proposals;
}

/** Within `txn { }`: completes the statement at the cursor. */
async function transactionProposals(
  table: CommandTable,
  place: Place,
  sources: CompletionSources,
): Promise<readonly Proposal[]> {
  const { before } = place;
  if (before.length === 0) return [{ text: '{', final: true }];
  const from = Math.max(
    before.findLastIndex((word) => isBare(word, ';')),
    before.findIndex((word) => isBare(word, '{')),
  );
  const [head, ...words] = before.slice(from + 1);
  if (head === undefined) return ['if', 'do', 'else', '}'].map((text) => ({ text, final: true }));
  if (isBare(head, 'do') || isBare(head, 'else')) {
    const inside = new Set(table.commands.filter((command) => command.operation !== undefined));
    const found = table.find(words);
    if (found !== null && !inside.has(found.spec)) return [];
    if (found === null) return commandWords([...inside], words);
    return await commandProposals(table, { ...place, before: words }, sources);
  }
  if (!isBare(head, 'if')) return [];
  const [guard, ...rest] = words;
  if (guard === undefined) return guardSpecs.map((spec) => ({ text: spec.word, final: true }));
  const spec = guardSpecs.find((one) => isBare(guard, one.word));
  if (spec === undefined) return [];
  const form = { arguments: spec.arguments, flags: [], family: 'transaction' } as const;
  return await argumentProposals(form, rest, place.typed, place.current, sources);
}
