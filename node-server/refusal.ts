/**
 * How a connection is refused before it becomes a WebSocket: with an HTTP status and a typed error as JSON. And how the
 * dialling end reads that.
 */

import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import * as closeCodes from '../core/wire/close-codes.ts';
import type { ErrorInfo } from '../core/base/errors.ts';

const maxBodyBytes = 4096;

export interface HttpStatus {
  readonly code: number;
  readonly text: string;
}

/** Answers an upgrade with `status` and `{"error": ...}`, and ends the connection. */
export function refuseUpgrade(socket: Duplex, status: HttpStatus, error: ErrorInfo): void {
  const body = JSON.stringify({ error });
  socket.on('error', () => socket.destroy());
  socket.once('finish', () => socket.destroy());
  socket.end(
    `HTTP/1.1 ${status.code} ${status.text}\r\nConnection: close\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

/** Reads what {@link refuseUpgrade} wrote, and gives the matching close code and the reason. It never fails. */
export function readRefusal(response: IncomingMessage, done: (code: number, reason: string) => void): void {
  const status = response.statusCode ?? 0;
  const code =
    status === 503
      ? closeCodes.tooManyConnections
      : status === 403
        ? closeCodes.notAllowed
        : status === 400
          ? closeCodes.wrongProtocol
          : closeCodes.abnormal;
  const chunks: Buffer[] = [];
  let length = 0;
  const finish = (): void => {
    response.removeAllListeners();
    response.on('error', () => undefined);
    response.destroy();
    done(code, messageOf(Buffer.concat(chunks).toString('utf8')) ?? `refused with HTTP status ${status}`);
  };
  response.on('data', (chunk: Buffer) => {
    length += chunk.length;
    if (length > maxBodyBytes) finish();
    else chunks.push(chunk);
  });
  response.on('end', finish);
  response.on('error', finish);
  response.on('aborted', finish);
}

function messageOf(body: string): string | null {
  try {
    const parsed: unknown = JSON.parse(body);
    if (typeof parsed !== 'object' || parsed === null || !('error' in parsed)) return null;
    const { error } = parsed;
    if (typeof error !== 'object' || error === null || !('message' in error)) return null;
    return typeof error.message === 'string' ? error.message : null;
  } catch {
    return null;
  }
}
