/** What an entry of the table of commands says: its words, its typed arguments and flags, its help, and what it does. */

import type { LeafType } from '../tree/names.ts';
import type { Asked, Guard, GuardOf, Operation, OperationResult, SimpleOperation } from '../tree/operation.ts';
import type { AllForms } from '../tree/operations/index.ts';
import type { AdminCommand, AdminResult } from '../wire/admin.ts';
import type { Consistency } from '../wire/api.ts';
import type { Bound } from './bind.ts';
import type { ConnectionStatus, EnterResult, ShellWatch, ShellWatchOptions } from './connection.ts';
import type { Failure, Outcome, Stamp } from './outcome.ts';
import type { BackgroundWatches } from './watching.ts';
import type { Word } from './words.ts';

/**
 * `value` is bytes, and alone knows `b64:`, `hex:` and `@FILE`. `literal` is a word that must stand there. `rest` takes all the words
 * that are left, as they were typed; behind other arguments, those after `--`.
 */
export type ArgumentKind =
  'path' | 'value' | 'integer' | 'text' | 'namespace' | 'choice' | 'literal' | 'placement' | 'command' | 'rest';

export interface ArgumentSpec {
  /** As usage shows it, in capitals; for a `literal` the word itself. */
  readonly name: string;
  readonly kind: ArgumentKind;
  readonly optional?: boolean;
  /** Takes one or more words; the last argument only. */
  readonly repeated?: boolean;
  readonly choices?: readonly string[];
  /** Bounds of an integer; from 0 unless told. */
  readonly min?: number;
  readonly max?: number;
}

export interface FlagSpec {
  /** Without its dashes. */
  readonly long: string;
  /** One letter. */
  readonly short?: string;
  /** What follows the flag; none for a switch. */
  readonly argument?: ArgumentSpec;
  readonly repeated?: boolean;
  readonly about: string;
}

/** How a family of commands is headed in help and in the reference. */
export type Family =
  'session' | 'tree' | LeafType | 'transaction' | 'watch' | 'cluster' | 'namespaces' | 'node' | 'sim' | 'shell';

/** Which connection a command needs; `namespace` also needs one to be entered. */
export type Needs = 'nothing' | 'api' | 'namespace' | 'admin';

export interface CommandSpec {
  readonly words: readonly string[];
  readonly family: Family;
  readonly needs: Needs;
  readonly arguments: readonly ArgumentSpec[];
  readonly flags: readonly FlagSpec[];
  /** How the arguments look, where their names do not say it. */
  readonly form?: string;
  readonly summary: string;
  /** Further sentences of `help COMMAND`. */
  readonly details?: readonly string[];
  readonly examples?: readonly string[];
  /** The one operation that it stands for: such a command can stand in a transaction and can be explained. */
  readonly operation?: (bound: Bound) => SimpleOperation;
  /** How the result of that operation is shown. */
  readonly show?: (result: OperationResult, bound: Bound) => Outcome;
  /** The operation of a command whose own words have to be read first: a transaction. */
  readonly build?: (bound: Bound, context: CommandContext) => Promise<Operation>;
  /** For a command that is not one operation, or that needs several requests. */
  readonly run?: (bound: Bound, context: CommandContext) => Promise<Outcome>;
}

/** A guard as it is typed after `if`. */
export interface GuardSpec {
  readonly word: string;
  readonly arguments: readonly ArgumentSpec[];
  readonly about: string;
  readonly guard: (bound: Bound) => Guard;
}

type FormsOf<F extends keyof AllForms> = AllForms[F]['writes'] & AllForms[F]['reads'];
type CommandOf<K extends SimpleOperation['kind']> = CommandSpec & { readonly operation: (bound: Bound) => Asked<K> };
/** A word for each guard of a kind of node. */
export type GuardSpecs<F extends keyof AllForms> = {
  readonly [K in keyof AllForms[F]['guards'] & Guard['kind']]: GuardSpec & {
    readonly guard: (bound: Bound) => GuardOf<K>;
  };
};

/** The commands of one type of leaf. None of what can be asked of it is left out. */
export interface LeafFamily<T extends LeafType> {
  /** Its heading in help and in the reference. */
  readonly title: string;
  /** How `create` tells of the value that it is made with: `of a blob`, and that it is for `blobs`. Null: it has none. */
  readonly value: { readonly of: string; readonly plural: string } | null;
  readonly commands: { readonly [K in keyof FormsOf<T> & SimpleOperation['kind']]: readonly CommandOf<K>[] };
  readonly guards: GuardSpecs<T>;
}

/** What an operation came to, with its stamp. */
export interface Executed {
  readonly result: OperationResult;
  readonly stamp: Stamp;
}

/** Ends a command early: what it came to is already known. */
export class CommandFailed extends Error {
  override readonly name = 'CommandFailed';
  readonly failure: Failure;

  constructor(failure: Failure) {
    super(failure.error.message);
    this.failure = failure;
  }
}

/** What the run of a command may use. Each call that reaches the node counts as one request of the connection. */
export interface CommandContext {
  /** @throws {@link CommandFailed} when the operation failed. */
  execute(operation: Operation): Promise<Executed>;
  enter(namespace: string): Promise<EnterResult>;
  leave(): Promise<void>;
  listNamespaces(): Promise<readonly string[]>;
  ping(): Promise<number>;
  /** `background`: it goes on when the command is done, and is not interrupted with it. */
  watch(path: string, options: ShellWatchOptions, background: boolean): ShellWatch;
  readonly watches: BackgroundWatches;
  /** Prints something before the command is done. */
  show(outcome: Outcome): void;
  /** Runs another command, and gives what it came to. */
  perform(words: readonly Word[]): Promise<Outcome>;
  admin(command: AdminCommand): Promise<AdminResult>;
  status(): ConnectionStatus;
  readonly adminAddress: string;
  /** Epoch and view as they were last heard of, with the number of the last request. */
  lastStamp(): Stamp | null;
  /** Ends the shell once this line is done. */
  exit(): void;
  /** How reads are answered here. */
  readonly consistency: Consistency;
  /** The namespace that was entered. */
  readonly namespace: string | null;
  readonly table: CommandTable;
  /** The lines that were run before this one, oldest first. */
  readonly history: readonly string[];
  /** Finds the command that `words` call and reads its arguments. @throws UsageError */
  bind(words: readonly Word[]): Promise<{ readonly spec: CommandSpec; readonly bound: Bound }>;
  /** Reads the words of something else than a command: a guard. @throws UsageError */
  bindTo(form: Pick<CommandSpec, 'arguments' | 'flags'>, words: readonly Word[]): Promise<Bound>;
}

/** `vr create namespace` is the longest name. */
const maxNameWords = 3;

/** The commands of one shell, found by their words. */
export class CommandTable {
  readonly commands: readonly CommandSpec[];
  readonly #byName: ReadonlyMap<string, CommandSpec>;
  readonly #families: ReadonlySet<string>;

  constructor(commands: readonly CommandSpec[]) {
    this.commands = commands;
    const byName = new Map<string, CommandSpec>();
    const families = new Set<string>();
    for (const command of commands) {
      const name = command.words.join(' ');
      if (byName.has(name)) throw new Error(`two commands are called ${name}`);
      byName.set(name, command);
      if (command.words.length > 1) families.add(command.words[0]!);
    }
    this.#byName = byName;
    this.#families = families;
  }

  /** The command that these words begin with, and how many of them are its name. */
  find(words: readonly Word[]): { readonly spec: CommandSpec; readonly length: number } | null {
    const names = words.slice(0, maxNameWords).map((word) => (word.quoted ? '' : word.text));
    for (let length = names.length; length > 0; length--) {
      const spec = this.#byName.get(names.slice(0, length).join(' '));
      if (spec !== undefined) return { spec, length };
    }
    return null;
  }

  /** True for the first word of commands that have more than one, like `blob`. */
  isFamily(word: string): boolean {
    return this.#families.has(word);
  }

  /** Commands whose first word is `word`. */
  startingWith(word: string): readonly CommandSpec[] {
    return this.commands.filter((command) => command.words[0] === word);
  }
}

/** `blob put PATH VALUE [--if-version N] [--if-absent]`. */
export function usageOf(spec: CommandSpec): string {
  if (spec.form !== undefined) return `${spec.words.join(' ')} ${spec.form}`;
  return [...spec.words, ...spec.arguments.map(argumentUsage), ...spec.flags.map(flagUsage)].join(' ');
}

/** A flag as usage shows it, with its short form when it has one. */
export function flagUsage(flag: FlagSpec): string {
  const name = flag.short === undefined ? `--${flag.long}` : `-${flag.short}`;
  const argument = flag.argument === undefined ? '' : ` ${flag.argument.name}`;
  return `[${name}${argument}]${flag.repeated === true ? '...' : ''}`;
}

function argumentUsage(argument: ArgumentSpec): string {
  const name = argument.kind === 'choice' ? (argument.choices ?? []).join('|') : argument.name;
  const repeated = argument.repeated === true ? `${name}...` : name;
  return argument.optional === true ? `[${repeated}]` : repeated;
}
