/**
 * The secret of a session. Many see a session's number, so a client proves by the secret that the session is its own
 * (protocol §7). We hold it as hexadecimal digits, as we do ids: it comes with every request of a session, and
 * comparing it then makes no new object.
 */

import { hexFromBytes } from './hex.ts';
import type { Brand } from './ids.ts';
import type { Random } from './ports.ts';
import type { Schema } from './schema.ts';
import { hex } from './schema.ts';

export const secretBytes = 16;
const digits = 2 * secretBytes;

export type SessionSecret = Brand<string, 'secret'>;

/** Stands where no session is meant. It opens no session. */
export const noSecret: SessionSecret = '00000000000000000000000000000000';

export const secretSchema: Schema<SessionSecret> = hex(secretBytes);

/** The secret that was read last. Forwarded requests often come many times in a row from one session. */
let lastRead = noSecret;

/**
 * The same schema, for values that mostly equal the one before. It then returns that same string and makes no new one.
 */
export const repeatedSecretSchema: Schema<SessionSecret> = /* @__PURE__ */ repeated(secretSchema);

function repeated(schema: Schema<SessionSecret>): Schema<SessionSecret> {
  return { ...schema, decode: (reader) => (lastRead = reader.hexLike(lastRead)) };
}

export function drawSecret(random: Random): SessionSecret {
  return hexFromBytes(random.bytes(secretBytes));
}

/** Whether `given` is the secret `known`. The time it takes does not tell how much of it is right. */
export function opens(known: SessionSecret, given: SessionSecret): boolean {
  if (given.length !== digits || known === noSecret) return false;
  let differs = 0;
  for (let i = 0; i < digits; i++) differs |= known.charCodeAt(i) ^ given.charCodeAt(i);
  return differs === 0;
}
