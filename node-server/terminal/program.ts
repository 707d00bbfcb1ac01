/**
 * What both terminal programs do: read their command line, connect, and run commands from `-e`, a script or a prompt.
 */

import { readFile } from 'node:fs/promises';
import { HaretError, errorInfo } from '../../core/base/errors.ts';
import type { ErrorInfo } from '../../core/base/errors.ts';
import {
  escapeControls,
  exitStatus,
  harmlessJson,
  LineHistory,
  Shell,
  statusOf,
  UsageError,
} from '../../core/shell/index.ts';
import type { CommandTable, ExitStatus, OutputStyle, ShellAdmin, ShellConnection } from '../../core/shell/index.ts';
import { programVersion } from '../version.ts';
import { parseArguments, usageText } from './arguments.ts';
import type { ProgramKind, TerminalArguments } from './arguments.ts';
import { Ending, isKeyboardSignal } from './ending.ts';
import { historyPath, openHistory } from './history-file.ts';
import { processTerminal, runInteractive } from './interactive.ts';
import { ProcessOutput } from './output.ts';
import { TiedPrograms } from './run-program.ts';
import { linesOf, runScript } from './script.ts';

/** What a program is connected to. */
export interface Connected {
  readonly connection?: ShellConnection;
  readonly admin?: ShellAdmin;
  close(): Promise<void>;
}

export interface TerminalProgram {
  readonly name: string;
  readonly kind: ProgramKind;
  readonly prompt: string;
  readonly table: CommandTable;
  /** @throws {@link HaretError} when no address answers. The user reads its message. */
  connect(options: TerminalArguments): Promise<Connected>;
}

/** Runs a program with this process's arguments, input and output, and ends the process with its exit status. */
export async function runProgram(program: TerminalProgram): Promise<never> {
  const output = new ProcessOutput();
  let status: ExitStatus;
  try {
    status = await run(program, process.argv.slice(2), output);
  } catch (error) {
    status = explain(program, error, output);
  }
  await output.flush();
  process.exit(status);
}

function explain(program: TerminalProgram, error: unknown, output: ProcessOutput): ExitStatus {
  if (error instanceof UsageError) {
    output.write({ stream: 'err', data: `${program.name}: ${error.problem}\nTry '${program.name} --help'.\n` });
    return exitStatus.usage;
  }
  const info = infoOf(error);
  output.write({ stream: 'err', data: `${program.name}: ${escapeControls(info.message)}\n` });
  return statusOf(info);
}

function infoOf(error: unknown): ErrorInfo {
  if (error instanceof HaretError) return error;
  return errorInfo('Internal', error instanceof Error ? error.message : String(error));
}

async function run(program: TerminalProgram, argv: readonly string[], output: ProcessOutput): Promise<ExitStatus> {
  const parsed = parseArguments(program.kind, argv);
  if (parsed.kind === 'help') {
    output.write({ stream: 'out', data: usageText(program.kind, program.name) });
    return exitStatus.done;
  }
  if (parsed.kind === 'version') {
    output.write({ stream: 'out', data: `${program.name} ${programVersion()}\n` });
    return exitStatus.done;
  }
  const options = parsed.arguments;
  let connected: Connected;
  try {
    connected = await program.connect(options);
  } catch (error) {
    if (options.mode !== 'json') throw error;
    // With --json, this failure is an object like every other.
    const { code, message, retryable, outcome, details } = infoOf(error);
    const told = { ok: false, error: { ...details, code, message, retryable, outcome } };
    output.write({ stream: 'out', data: `${harmlessJson(told)}\n` });
    return statusOf(infoOf(error));
  }
  try {
    return await runConnected(program, options, connected, output);
  } finally {
    await connected.close();
  }
}

async function runConnected(
  program: TerminalProgram,
  options: TerminalArguments,
  connected: Connected,
  output: ProcessOutput,
): Promise<ExitStatus> {
  const scripted = options.commands.length > 0 || !process.stdin.isTTY || !process.stdout.isTTY;
  const history = scripted ? new LineHistory() : openHistory(historyPath(program.name));
  const programs = new TiedPrograms();
  const ending = new Ending(output.closed, (signal) => !scripted && programs.running && isKeyboardSignal(signal));
  const shell = new Shell({
    table: program.table,
    output: outputStyle(options),
    runProgram: programs.run,
    readFile: async (path) => new Uint8Array(await readFile(path)),
    consistency: options.consistency,
    timeoutMs: options.timeoutMs,
    keepGoing: options.keepGoing || !scripted,
    history,
    ...(connected.connection === undefined ? {} : { connection: connected.connection }),
    ...(connected.admin === undefined ? {} : { admin: connected.admin }),
  });
  if (options.namespace !== null) {
    const status = await Promise.race([enterFirst(shell, options.namespace, output), ending.soon]);
    if (status !== exitStatus.done || ending.signal.aborted) return status;
  }
  if (!scripted) {
    const terminal = processTerminal();
    programs.cook = () => terminal.cook();
    try {
      await runInteractive(shell, history, program.prompt, terminal, output, ending.signal);
    } finally {
      terminal.release();
    }
    return ending.status;
  }
  process.stdin.setEncoding('utf8');
  const lines = options.commands.length > 0 ? options.commands : linesOf(process.stdin as AsyncIterable<string>);
  return await runScript(shell, lines, options.keepGoing, output, ending);
}

/** Enters the namespace of `--ns`. The user did not type this command, so only a failure is shown. */
async function enterFirst(shell: Shell, namespace: string, output: ProcessOutput): Promise<ExitStatus> {
  const failure = await shell.enter(namespace);
  if (failure === null) return exitStatus.done;
  for (const chunk of failure.chunks) output.write(chunk);
  return failure.status;
}

function outputStyle(options: TerminalArguments): OutputStyle {
  const terminal = process.stdout.isTTY;
  const { NO_COLOR: noColour, TERM: kind } = process.env;
  const colours = terminal && (noColour === undefined || noColour === '') && kind !== 'dumb';
  return { mode: options.mode, terminal, errorTerminal: process.stderr.isTTY, colours };
}
