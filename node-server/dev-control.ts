/**
 * How `haret dev stop|start|status` reaches the `haret dev` of another terminal: over a socket in the data directory,
 * with one line of JSON in each direction. The socket also shows a second `haret dev` on the same directory that the
 * first one runs.
 */

import { unlinkSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { Server } from 'node:net';
import { join, relative, resolve } from 'node:path';

export const devCommands = ['start', 'stop', 'status'] as const;
export interface DevCommand {
  readonly command: (typeof devCommands)[number];
  /** '' for all. */
  readonly name: string;
}
export interface DevAnswer {
  readonly ok: boolean;
  readonly message: string;
}

const maxLine = 4096;
const answerTimeoutMs = 60_000;

/**
 * Paths of sockets must be short (108 bytes). We use the path relative to the current directory when that is shorter.
 */
function socketPath(root: string): string {
  const absolute = resolve(root, 'control.sock');
  const near = relative(process.cwd(), absolute);
  return near.length < absolute.length ? join('.', near) : absolute;
}

/** Null when nothing listens in `root`. @throws when something listens and does not answer. */
export async function askDev(root: string, command: DevCommand): Promise<DevAnswer | null> {
  return new Promise((resolveAnswer, reject) => {
    const socket = connect(socketPath(root));
    let text = '';
    socket.setTimeout(answerTimeoutMs, () => socket.destroy(new Error('haret dev does not answer')));
    socket.on('connect', () => socket.write(`${JSON.stringify(command)}\n`));
    socket.on('data', (chunk: Buffer) => (text += chunk.toString('utf8')));
    socket.on('end', () => {
      socket.destroy();
      const answer = answerOf(text);
      if (answer === null) reject(new Error('haret dev ended before it answered'));
      else resolveAnswer(answer);
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED') resolveAnswer(null);
      else reject(error);
    });
  });
}

/** Listens in `root` until closed. @throws when the socket cannot be made, or when another `haret dev` has it. */
export async function serveDev(root: string, handle: (command: DevCommand) => Promise<DevAnswer>): Promise<Server> {
  if ((await askDev(root, { command: 'status', name: '' })) !== null) {
    throw new Error(`haret dev already runs on ${root}/; end it with Ctrl-C in its terminal`);
  }
  const path = socketPath(root);
  try {
    // Nothing listens: the socket is left over from a process that was killed.
    unlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    let text = '';
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('utf8');
      if (text.length > maxLine) socket.destroy();
      if (!text.includes('\n')) return;
      const command = commandOf(text);
      text = '';
      const answer = command === null ? Promise.resolve({ ok: false, message: 'unknown command' }) : handle(command);
      answer.then(
        (one) => socket.end(`${JSON.stringify(one)}\n`),
        (error: unknown) => socket.end(`${JSON.stringify({ ok: false, message: String(error) })}\n`),
      );
    });
    socket.on('end', () => socket.end());
  });
  await new Promise<void>((resolveListening, reject) => {
    server.once('error', reject);
    server.listen(path, resolveListening);
  });
  return server;
}

function fieldsOf(text: string): Readonly<Record<string, unknown>> {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null ? { ...parsed } : {};
  } catch {
    return {};
  }
}

function commandOf(text: string): DevCommand | null {
  const fields = fieldsOf(text);
  const command = devCommands.find((one) => one === fields['command']);
  const name = fields['name'];
  return command === undefined || typeof name !== 'string' ? null : { command, name };
}

function answerOf(text: string): DevAnswer | null {
  const { ok, message } = fieldsOf(text);
  return typeof ok === 'boolean' && typeof message === 'string' ? { ok, message } : null;
}
