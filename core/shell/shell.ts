/**
 * The shell. It runs lines of the command language over a connection, and counts its requests as the first haret did
 * (docs/language.md).
 */

import { HaretError, errorInfo } from '../base/errors.ts';
import type { ErrorInfo } from '../base/errors.ts';
import { MalformedError } from '../base/errors.ts';
import type { Operation } from '../tree/operation.ts';
import type { AdminCommand, AdminResult } from '../wire/admin.ts';
import type { Consistency } from '../wire/api.ts';
import { Bound, bindWords } from './bind.ts';
import { complete } from './complete.ts';
import type { Completion } from './complete.ts';
import type {
  CallOptions,
  ClaimWish,
  ConnectionStatus,
  EnterResult,
  ReadFile,
  RunProgram,
  ShellAdmin,
  ShellConnection,
  ShellHold,
  ShellJob,
  ShellWatch,
  ShellWatchOptions,
  TakeWish,
} from './connection.ts';
import { format } from './format.ts';
import type { OutputChunk, OutputStyle } from './format.ts';
import { LineHistory } from './history.ts';
import { Holds } from './holds.ts';
import { Jobs } from './jobs.ts';
import { lines } from './outcome.ts';
import type { Failure, Outcome, Stamp, Success } from './outcome.ts';
import { exitStatus, interruptedError, statusOf, UsageError } from './status.ts';
import type { ExitStatus } from './status.ts';
import { CommandFailed, usageOf } from './table.ts';
import type { CommandContext, CommandSpec, CommandTable, Executed } from './table.ts';
import { showResult } from './commands/arguments.ts';
import { showNews } from './commands/watch.ts';
import { BackgroundWatches } from './watching.ts';
import { quoteWord, splitCommands, splitWords } from './words.ts';
import type { Word } from './words.ts';

export interface ShellOptions {
  readonly table: CommandTable;
  readonly output: OutputStyle;
  readonly connection?: ShellConnection;
  readonly admin?: ShellAdmin;
  /** Reads `@FILE`. Without this function, `@FILE` is a usage error. */
  readonly readFile?: ReadFile;
  /** The consistency of reads. The default is linearizable. */
  readonly consistency?: Consistency;
  /** How many milliseconds a command may take. 0 means the default of the connection. */
  readonly timeoutMs?: number;
  /** Continue after a command that failed. */
  readonly keepGoing?: boolean;
  /** Runs a program of this machine. Without this function, no command can. */
  readonly runProgram?: RunProgram;
  /** The lines that were typed before. It is shared with the line editor. */
  readonly history?: LineHistory;
}

/** The result of a line. */
export interface RunResult {
  /** The status of the first command that failed, or 0. */
  readonly status: ExitStatus;
  /** True when `exit` was called. */
  readonly exit: boolean;
}

export type Emit = (chunk: OutputChunk) => void;

const invalidInput = "Invalid Input. Type 'help' for commands";
const outsideNamespace = 'This command must be run inside a namespace. Please call `enter <namespace_id>`.';
/** For a connection that does not know how long the search for a primary takes. */
const defaultRetrySeconds = 5;

export class Shell {
  readonly table: CommandTable;
  readonly history: LineHistory;
  /** The watches in the background. */
  readonly watches = new BackgroundWatches();
  /** What it holds. */
  readonly holds = new Holds();
  readonly jobs = new Jobs();
  readonly #options: ShellOptions;
  #namespace: string | null = null;
  /** The number of the next request, from 0. */
  #nextRequest = 0;
  #heard: { readonly epoch: number; readonly view: number } | null = null;

  constructor(options: ShellOptions) {
    this.#options = options;
    this.table = options.table;
    this.history = options.history ?? new LineHistory();
  }

  /** The namespace that was entered. */
  get namespace(): string | null {
    return this.#namespace;
  }

  /** Runs the commands of a line one after the other. It stops at one that fails, unless `keepGoing` is set. */
  async run(line: string, emit: Emit, signal?: AbortSignal): Promise<RunResult> {
    const commands = splitCommands(line);
    let status: ExitStatus = exitStatus.done;
    let exit = false;
    const show = (outcome: Outcome): void => {
      for (const chunk of format(outcome, this.#options.output)) emit(chunk);
    };
    for (const { path, error } of [...this.holds.takeLost(), ...this.jobs.takeLost()])
      show(lines([`[lost] ${path}: ${error.message}`], { lost: path }));
    for (const news of this.watches.take()) for (const outcome of showNews(news)) show(outcome);
    for (const words of commands) {
      const run = new Run(this, this.#options, signal, show);
      const outcome = await run.outcome(words);
      show(outcome);
      exit ||= run.exits;
      if (!outcome.ok && status === exitStatus.done) status = outcome.status;
      if (exit || signal?.aborted === true) break;
      if (!outcome.ok && this.#options.keepGoing !== true) break;
    }
    if (commands.length > 0) this.history.add(line);
    return { status, exit };
  }

  /**
   * Enters a namespace for `--ns`, without a typed line.
   * @returns the output and the status when it failed, otherwise null.
   */
  async enter(
    namespace: string,
  ): Promise<{ readonly chunks: readonly OutputChunk[]; readonly status: ExitStatus } | null> {
    const outcome = await new Run(this, this.#options, undefined, () => undefined).outcome(
      splitWords(`enter ${quoteWord(namespace)}`),
    );
    return outcome.ok ? null : { chunks: format(outcome, this.#options.output), status: outcome.status };
  }

  /** Completes the word at `cursor`. It asks the node, and gives nothing when the node does not answer. */
  async complete(line: string, cursor: number): Promise<Completion> {
    const { connection } = this.#options;
    const timeoutMs = 2000;
    return await complete(this.table, line, cursor, {
      namespaces: async () => {
        if (connection !== undefined) return await connection.listNamespaces({ timeoutMs });
        const result = await this.#options.admin?.admin({ kind: 'namespaces' }, { timeoutMs });
        return result?.kind === 'namespaces' ? result.namespaces.map((one) => one.namespace) : [];
      },
      children: async (path, after, limit) => {
        if (connection === undefined || this.#namespace === null) return { children: [], more: false };
        const operation = { kind: 'children', path, limit, after } as const;
        const reply = await connection.execute(operation, { consistency: { kind: 'local' }, timeoutMs });
        const result = reply.answer.kind === 'result' ? reply.answer.result : null;
        return result?.kind === 'children' ? result : { children: [], more: false };
      },
    });
  }

  /** @internal State that the runs of this shell share. */
  readonly state = {
    takeRequest: (): number => this.#nextRequest++,
    heard: (epoch: number, view: number): void => void (this.#heard = { epoch, view }),
    stamp: (request: number, op: number | null): Stamp | null =>
      this.#heard === null ? null : { ...this.#heard, request, op },
    lastRequest: (): number => this.#nextRequest - 1,
    inNamespace: (namespace: string | null): void => {
      this.#namespace = namespace;
      if (namespace === null) this.#heard = null;
    },
  };
}

/** The run of one command. It is the context that the command's handler gets. */
class Run implements CommandContext {
  exits = false;
  readonly #shell: Shell;
  readonly #options: ShellOptions;
  readonly #signal: AbortSignal | undefined;
  readonly show: (outcome: Outcome) => void;

  constructor(shell: Shell, options: ShellOptions, signal: AbortSignal | undefined, show: (outcome: Outcome) => void) {
    this.show = show;
    this.#shell = shell;
    this.#options = options;
    this.#signal = signal;
  }

  get table(): CommandTable {
    return this.#shell.table;
  }

  get namespace(): string | null {
    return this.#shell.namespace;
  }

  get watches(): BackgroundWatches {
    return this.#shell.watches;
  }

  get history(): readonly string[] {
    return this.#shell.history.lines;
  }

  get consistency(): Consistency {
    return this.#options.consistency ?? { kind: 'linearizable' };
  }

  get adminAddress(): string {
    return this.#needAdmin().address;
  }

  /** The outcome of the command. It does not throw for errors that a command can cause. */
  async outcome(words: readonly Word[]): Promise<Outcome> {
    try {
      const { spec, bound } = await this.bind(words, true);
      try {
        return await this.#perform(spec, bound);
      } catch (error) {
        if (error instanceof UsageError) error.usage ??= usageOf(spec);
        throw error;
      }
    } catch (error) {
      if (error instanceof CommandFailed) return error.failure;
      if (error instanceof UsageError) return usageFailure(error);
      if (error instanceof HaretError) return failed(error, null);
      if (error instanceof MalformedError) return failed(errorInfo('BadArgument', error.message), null);
      throw error;
    }
  }

  async bind(words: readonly Word[], here = false): Promise<{ readonly spec: CommandSpec; readonly bound: Bound }> {
    const found = this.table.find(words);
    if (found === null) throw new UsageError(unknownCommand(this.table, words));
    const { spec, length } = found;
    if (here) this.#demand(spec);
    try {
      return { spec, bound: await this.bindTo(spec, words.slice(length)) };
    } catch (error) {
      if (error instanceof UsageError) error.usage ??= usageOf(spec);
      throw error;
    }
  }

  async bindTo(form: Pick<CommandSpec, 'arguments' | 'flags'>, words: readonly Word[]): Promise<Bound> {
    return await bindWords(form, words, this.#options.readFile ?? null);
  }

  exit(): void {
    this.exits = true;
  }

  lastStamp(): Stamp | null {
    return this.#shell.state.stamp(this.#shell.state.lastRequest(), null);
  }

  status(): ConnectionStatus {
    return this.#needConnection().status();
  }

  async execute(operation: Operation): Promise<Executed> {
    const request = this.#shell.state.takeRequest();
    const connection = this.#needConnection();
    const options = { ...this.#callOptions(), consistency: this.consistency };
    try {
      const reply = await this.#interruptible(connection.execute(operation, options));
      this.#shell.state.heard(reply.epoch, reply.view);
      const stamp = { epoch: reply.epoch, view: reply.view, request, op: reply.op };
      const { answer } = reply;
      if (answer.kind === 'error') throw new CommandFailed(failed(answer.error, stamp));
      if (answer.kind !== 'result') {
        throw new CommandFailed(
          failed(errorInfo('Internal', `the node answered ${answer.kind} to an operation`), stamp),
        );
      }
      return { result: answer.result, stamp };
    } catch (error) {
      if (error instanceof HaretError) throw new CommandFailed(failed(error, this.#shell.state.stamp(request, null)));
      throw error;
    }
  }

  async enter(namespace: string): Promise<EnterResult> {
    this.#shell.state.takeRequest();
    try {
      const entered = await this.#interruptible(this.#needConnection().enter(namespace, this.#callOptions()));
      // We are inside even without a primary. The next command looks for it again.
      this.#shell.state.inNamespace(namespace);
      this.#shell.state.heard(entered.epoch, entered.view);
      return entered;
    } catch (error) {
      if (error instanceof HaretError && error.code === 'UnknownNamespace') {
        const info = errorInfo('UnknownNamespace', 'Unknown namespace', { namespace });
        throw new CommandFailed({ ...failed(info, null), bare: true });
      }
      if (error instanceof HaretError && error.code === 'NoPrimary') {
        const { retrySeconds } = error.details;
        const { epoch, view } = this.lastStamp() ?? { epoch: 0, view: 0 };
        const seconds = typeof retrySeconds === 'number' ? retrySeconds : defaultRetrySeconds;
        return { epoch, view, primary: null, redirected: false, retrySeconds: seconds };
      }
      throw error;
    }
  }

  async leave(): Promise<void> {
    this.#shell.state.takeRequest();
    this.#shell.watches.clear();
    this.#shell.holds.clear();
    this.#shell.jobs.clear();
    await this.#interruptible(this.#needConnection().leave(this.#callOptions()));
    this.#shell.state.inNamespace(null);
  }

  async listNamespaces(): Promise<readonly string[]> {
    this.#shell.state.takeRequest();
    return await this.#interruptible(this.#needConnection().listNamespaces(this.#callOptions()));
  }

  async ping(): Promise<number> {
    this.#shell.state.takeRequest();
    return await this.#interruptible(this.#needConnection().ping(this.#callOptions()));
  }

  watch(path: string, options: ShellWatchOptions, background: boolean): ShellWatch {
    this.#shell.state.takeRequest();
    return this.#needConnection().watch(path, options, background ? undefined : this.#signal);
  }

  get holds(): Holds {
    return this.#shell.holds;
  }

  get runProgram(): RunProgram | null {
    return this.#options.runProgram ?? null;
  }

  async claim(wish: ClaimWish): Promise<ShellHold | null> {
    this.#shell.state.takeRequest();
    const hold = await this.#needConnection().claim(wish, this.#callOptions());
    if (hold !== null) this.#shell.holds.add(hold);
    return hold;
  }

  get jobs(): Jobs {
    return this.#shell.jobs;
  }

  async take(wish: TakeWish): Promise<readonly ShellJob[]> {
    this.#shell.state.takeRequest();
    const jobs = await this.#needConnection().take(wish, this.#callOptions());
    for (const job of jobs) this.#shell.jobs.add(job);
    return jobs;
  }

  async release(hold: ShellHold): Promise<void> {
    this.#shell.state.takeRequest();
    await this.#interruptible(hold.release(this.#callOptions()));
  }

  async perform(words: readonly Word[]): Promise<Outcome> {
    return await new Run(this.#shell, this.#options, this.#signal, this.show).outcome(words);
  }

  async admin(command: AdminCommand): Promise<AdminResult> {
    return await this.#interruptible(this.#needAdmin().admin(command, this.#callOptions()));
  }

  async #perform(spec: CommandSpec, bound: Bound): Promise<Outcome> {
    if (spec.run !== undefined) return await spec.run(bound, this);
    if (spec.operation === undefined) throw new UsageError(`${spec.words.join(' ')} does nothing here`);
    const { result, stamp } = await this.execute(spec.operation(bound));
    const shown: Outcome = spec.show === undefined ? showResult(result) : spec.show(result, bound);
    return shown.ok ? ({ ...shown, stamp } satisfies Success) : shown;
  }

  /** Refuses a command that lacks what it needs, before its arguments are read, as the first haret did. */
  #demand(spec: CommandSpec): void {
    if (spec.needs === 'namespace' && this.namespace === null) {
      throw new CommandFailed({ ...failed(errorInfo('NotInNamespace', outsideNamespace), null), bare: true });
    }
  }

  #needConnection(): ShellConnection {
    const { connection } = this.#options;
    if (connection === undefined) throw new UsageError('there is no connection to the API interface here');
    return connection;
  }

  #needAdmin(): ShellAdmin {
    const { admin } = this.#options;
    if (admin === undefined) throw new UsageError('there is no connection to the admin interface here');
    return admin;
  }

  #callOptions(): CallOptions {
    const timeoutMs = this.#options.timeoutMs ?? 0;
    return this.#signal === undefined ? { timeoutMs } : { timeoutMs, signal: this.#signal };
  }

  /** Stops waiting when the user interrupts. A request that was sent may still be executed. */
  async #interruptible<T>(call: Promise<T>): Promise<T> {
    const signal = this.#signal;
    if (signal === undefined) return await call;
    return await new Promise<T>((resolve, reject) => {
      const stop = (): void => reject(new HaretError(interruptedError));
      if (signal.aborted) stop();
      signal.addEventListener('abort', stop, { once: true });
      call.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
    });
  }
}

function failed(error: ErrorInfo, stamp: Stamp | null): Failure {
  return { ok: false, error, stamp, status: statusOf(error), bare: false, hints: [] };
}

/**
 * The first haret's line for everything that it did not understand. For a command that exists, a line for people says
 * what is wrong.
 */
function usageFailure({ problem, usage }: UsageError): Failure {
  const details = usage === null ? { problem } : { problem, usage };
  const error = errorInfo('BadArgument', invalidInput, details);
  const hints = usage === null ? [] : [`${problem}. Usage: ${usage}`];
  return { ok: false, error, stamp: null, status: exitStatus.usage, bare: true, hints };
}

function unknownCommand(table: CommandTable, words: readonly Word[]): string {
  const first = words[0]?.text ?? '';
  return table.isFamily(first)
    ? `there is no such command of ${first}`
    : `there is no command ${JSON.stringify(first)}`;
}
