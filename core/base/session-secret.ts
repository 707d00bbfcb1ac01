/**
 * The secret of a session: its number is told to many, so it is by this that one speaks as it (protocol §7). Held as hexadecimal digits, as
 * ids are: it comes with every request of a session, and nothing has to be made to compare it.
 */

import { hexFromBytes } from './hex.ts';
import type { Random } from './ports.ts';
import type { Schema } from './schema.ts';
import { hex } from './schema.ts';

export const secretBytes = 16;
const digits = 2 * secretBytes;

export type SessionSecret = string;

/** What is given where nothing speaks as a session. It is no session's. */
export const noSecret: SessionSecret = '0'.repeat(digits);

export const secretSchema: Schema<SessionSecret> = hex(secretBytes);

/** The one that was read last: what is forwarded comes many times in a row from one session. */
let lastRead = noSecret;

/** The same where most are the one that came before: that very string then, and none is made. */
export const repeatedSecretSchema: Schema<SessionSecret> = /* @__PURE__ */ repeated(secretSchema);

function repeated(schema: Schema<SessionSecret>): Schema<SessionSecret> {
  return { ...schema, decode: (reader) => (lastRead = reader.hexLike(lastRead)) };
}

export function drawSecret(random: Random): SessionSecret {
  return hexFromBytes(random.bytes(secretBytes));
}

/** Whether `given` opens what `known` closes, in a time that does not tell how much of it is right. */
export function opens(known: SessionSecret, given: SessionSecret): boolean {
  if (given.length !== digits || known === noSecret) return false;
  let differs = 0;
  for (let i = 0; i < digits; i++) differs |= known.charCodeAt(i) ^ given.charCodeAt(i);
  return differs === 0;
}
