/** The exports for hosts of the shell: the programs, the web terminal and the tests. */

export { Shell } from './shell.ts';
export type { Emit, RunResult, ShellOptions } from './shell.ts';
export { adminTable, apiTable, wholeTable } from './commands/index.ts';
export type {
  CallOptions,
  ConnectionStatus,
  EnterResult,
  ExecuteOptions,
  ReadFile,
  ShellAdmin,
  ShellConnection,
} from './connection.ts';
export type { OutputChunk, OutputStyle } from './format.ts';
export type { Candidate, Completion } from './complete.ts';
export { AdminConnection, ClientConnection } from './client-connection.ts';
export { simCommands } from './commands/sim.ts';
export type { SimAction, SimControl } from './commands/sim.ts';
export { complete } from './complete.ts';
export type { CompletionSources } from './complete.ts';
export { LineHistory } from './history.ts';
export { disablePasteMarks, enablePasteMarks, LineEditor } from './editor/editor.ts';
export type { EditorEffect, EditorOptions } from './editor/editor.ts';
export { exitStatus, statusOf, UsageError } from './status.ts';
export type { ExitStatus } from './status.ts';
export { CommandTable } from './table.ts';
export type { CommandContext, CommandSpec } from './table.ts';
export { referenceOf } from './help.ts';
export { escapeControls, escapeControlsOfJson, harmlessJson } from './display.ts';
