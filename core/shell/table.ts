/**
 * An entry of the table of commands: the words, the typed arguments and flags, the help, and the function of a command.
 */

import type { LeafType } from '../tree/names.ts';
import type { Asked, Guard, GuardOf, Operation, OperationResult, SimpleOperation } from '../tree/operation.ts';
import type { AllForms } from '../tree/operations/index.ts';
import type { AdminCommand, AdminResult } from '../wire/admin.ts';
import type { Consistency } from '../wire/api.ts';
import type { Bound } from './bind.ts';
import type {
  ClaimWish,
  ConnectionStatus,
  EnterResult,
  RunProgram,
  ShellHold,
  ShellJob,
  ShellWatch,
  ShellWatchOptions,
  TakeWish,
} from './connection.ts';
import type { Holds } from './holds.ts';
import type { Jobs } from './jobs.ts';
import type { Failure, Outcome, Stamp } from './outcome.ts';
import type { BackgroundWatches } from './watching.ts';
import type { Word } from './words.ts';

/**
 * `value` is bytes. Only there `b64:`, `hex:` and `@FILE` are read. `literal` is a fixed word. `rest` takes all
 * remaining words as they were typed. After other arguments it takes the words after `--`.
 */
export type ArgumentKind =
  | 'path'
  | 'value'
  | 'integer'
  | 'duration'
  | 'text'
  | 'namespace'
  | 'choice'
  | 'literal'
  | 'placement'
  | 'command'
  | 'rest';

export interface ArgumentSpec {
  /** The name in usage, in capitals. For a `literal` it is the word itself. */
  readonly name: string;
  readonly kind: ArgumentKind;
  readonly optional?: boolean;
  /** Takes one or more words. Only the last argument may do so. */
  readonly repeated?: boolean;
  readonly choices?: readonly string[];
  /** The bounds of an integer or of a duration in milliseconds. The default minimum of an integer is 0. */
  readonly min?: number;
  readonly max?: number;
}

export interface FlagSpec {
  /** The name without its dashes. */
  readonly long: string;
  /** One letter. */
  readonly short?: string;
  /** The argument of the flag. A switch has none. */
  readonly argument?: ArgumentSpec;
  readonly repeated?: boolean;
  readonly about: string;
}

/** The family of a command, which gives its heading in help and in the reference. */
export type Family =
  'session' | 'tree' | LeafType | 'transaction' | 'watch' | 'cluster' | 'namespaces' | 'node' | 'sim' | 'shell';

/** The connection that a command needs. `namespace` also needs an entered namespace. */
export type Needs = 'nothing' | 'api' | 'namespace' | 'admin';

export interface CommandSpec {
  readonly words: readonly string[];
  readonly family: Family;
  readonly needs: Needs;
  readonly arguments: readonly ArgumentSpec[];
  readonly flags: readonly FlagSpec[];
  /** The form of the arguments, where their names do not show it. */
  readonly form?: string;
  readonly summary: string;
  /** Further sentences of `help COMMAND`. */
  readonly details?: readonly string[];
  readonly examples?: readonly string[];
  /** The one operation that the command does. Such a command can be part of a transaction and can be explained. */
  readonly operation?: (bound: Bound) => SimpleOperation;
  /** How the result of this operation is shown. */
  readonly show?: (result: OperationResult, bound: Bound) => Outcome;
  /** The operation of a command whose own words must be read first, which is a transaction. */
  readonly build?: (bound: Bound, context: CommandContext) => Promise<Operation>;
  /** For a command that is not exactly one operation, or needs several requests. */
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

/** The commands of one type of leaf. The compiler checks that every operation has one. */
export interface LeafFamily<T extends LeafType> {
  /** Its heading in help and in the reference. */
  readonly title: string;
  /**
   * How `create` describes the first value: `of a blob`, and that it is for `blobs`. Null when nodes of this type have
   * none.
   */
  readonly value: { readonly of: string; readonly plural: string } | null;
  readonly commands: { readonly [K in keyof FormsOf<T> & SimpleOperation['kind']]: readonly CommandOf<K>[] };
  readonly guards: GuardSpecs<T>;
}

/** The result of an operation, with its stamp. */
export interface Executed {
  readonly result: OperationResult;
  readonly stamp: Stamp;
}

/** Ends a command early with a known failure. */
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
  /** With `background` the watch goes on when the command is done, and is not interrupted with it. */
  watch(path: string, options: ShellWatchOptions, background: boolean): ShellWatch;
  readonly watches: BackgroundWatches;
  /** Waits until a claim is granted. Null when it passed a barrier. */
  claim(wish: ClaimWish): Promise<ShellHold | null>;
  /** Gives up a hold. */
  release(hold: ShellHold): Promise<void>;
  readonly holds: Holds;
  /** Takes items of a queue, which the shell has from then on. */
  take(wish: TakeWish): Promise<readonly ShellJob[]>;
  readonly jobs: Jobs;
  /**
   * Runs a program of this machine, with more in its environment. Null where no program can be run.
   * @returns its exit status.
   */
  readonly runProgram: RunProgram | null;
  /** Prints something before the command is done. */
  show(outcome: Outcome): void;
  /** Runs another command, and returns its outcome. */
  perform(words: readonly Word[]): Promise<Outcome>;
  admin(command: AdminCommand): Promise<AdminResult>;
  status(): ConnectionStatus;
  readonly adminAddress: string;
  /** The last known epoch and view, with the number of the last request. */
  lastStamp(): Stamp | null;
  /** Ends the shell once this line is done. */
  exit(): void;
  /** The consistency of reads. */
  readonly consistency: Consistency;
  /** The namespace that was entered. */
  readonly namespace: string | null;
  readonly table: CommandTable;
  /** The lines that were run before this one, oldest first. */
  readonly history: readonly string[];
  /** Finds the command that `words` name and reads its arguments. @throws UsageError */
  bind(words: readonly Word[]): Promise<{ readonly spec: CommandSpec; readonly bound: Bound }>;
  /** Reads the words of a guard. @throws UsageError */
  bindTo(form: Pick<CommandSpec, 'arguments' | 'flags'>, words: readonly Word[]): Promise<Bound>;
}

/** The longest name is `vr create namespace`. */
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

  /** The command with which these words begin, and how many of them are its name. */
  find(words: readonly Word[]): { readonly spec: CommandSpec; readonly length: number } | null {
    const names = words.slice(0, maxNameWords).map((word) => (word.quoted ? '' : word.text));
    for (let length = names.length; length > 0; length--) {
      const spec = this.#byName.get(names.slice(0, length).join(' '));
      if (spec !== undefined) return { spec, length };
    }
    return null;
  }

  /** True for a first word of commands with several words, such as `blob`. */
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

/** A flag as usage shows it, in its short form if it has one. */
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
