/** Turns words into typed arguments and flags, according to the table's entry for a command (docs/language.md). */

import { bytesFromBase64, bytesFromHex, isWellFormed, utf8 } from '../base/bytes.ts';
import { invariant } from '../base/assert.ts';
import { isName } from '../base/ids.ts';
import type { Placement } from '../wire/admin.ts';
import type { ReadFile } from './connection.ts';
import { readDuration, readLongDuration } from './duration.ts';
import { UsageError } from './status.ts';
import type { ArgumentSpec, CommandSpec, FlagSpec } from './table.ts';
import type { Word } from './words.ts';

type BoundValue = string | number | boolean | Uint8Array | Placement | readonly Word[];

/** The arguments of one call, by their names in the table. Each getter is for arguments of its kind. */
export class Bound {
  readonly #values: ReadonlyMap<string, readonly BoundValue[]>;

  constructor(values: ReadonlyMap<string, readonly BoundValue[]>) {
    this.#values = values;
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  text(name: string): string {
    const value = this.#one(name);
    invariant(typeof value === 'string', 'a text argument is text', { name });
    return value;
  }

  texts(name: string): readonly string[] {
    return this.#all(name).filter((value) => typeof value === 'string');
  }

  textOr(name: string, otherwise: string): string {
    return this.has(name) ? this.text(name) : otherwise;
  }

  number(name: string): number {
    const value = this.#one(name);
    invariant(typeof value === 'number', 'an integer argument is a number', { name });
    return value;
  }

  numberOr<T>(name: string, otherwise: T): number | T {
    return this.has(name) ? this.number(name) : otherwise;
  }

  bytes(name: string): Uint8Array {
    const value = this.#one(name);
    invariant(value instanceof Uint8Array, 'a value argument is bytes', { name });
    return value;
  }

  bytesOr<T>(name: string, otherwise: T): Uint8Array | T {
    return this.has(name) ? this.bytes(name) : otherwise;
  }

  allBytes(name: string): readonly Uint8Array[] {
    return this.#all(name).filter((value) => value instanceof Uint8Array);
  }

  placements(name: string): readonly Placement[] {
    return this.#all(name).filter(
      (value): value is Placement => typeof value === 'object' && 'replica' in value && 'node' in value,
    );
  }

  /** The words that a `rest` argument took. */
  words(name: string): readonly Word[] {
    const value = this.#values.get(name)?.[0];
    if (value === undefined) return [];
    invariant(Array.isArray(value), 'a rest argument is words', { name });
    return value as readonly Word[];
  }

  #one(name: string): BoundValue {
    const value = this.#values.get(name)?.[0];
    invariant(value !== undefined, 'the command asked for an argument that was given', { name });
    return value;
  }

  #all(name: string): readonly BoundValue[] {
    return this.#values.get(name) ?? [];
  }
}

/** The form of the arguments of a command, or of a guard of a transaction. */
export type Form = Pick<CommandSpec, 'arguments' | 'flags'>;

/**
 * Reads `words`, without the name of the command, according to the form.
 * @param readFile reads `@FILE`. Null where there are no files.
 * @throws UsageError that names the argument.
 */
export async function bindWords(form: Form, words: readonly Word[], readFile: ReadFile | null): Promise<Bound> {
  const values = new Map<string, BoundValue[]>();
  const give = (name: string, value: BoundValue): void => {
    const given = values.get(name);
    if (given === undefined) values.set(name, [value]);
    else given.push(value);
  };

  const rest = form.arguments.find((argument) => argument.kind === 'rest');
  let own = words;
  if (rest !== undefined) {
    const alone = form.arguments.length === 1;
    const mark = alone ? -1 : words.findIndex((word) => !word.quoted && word.text === '--');
    const taken = alone ? words : mark < 0 ? [] : words.slice(mark + 1);
    if (taken.length === 0 && (rest.optional !== true || mark >= 0)) throw new UsageError(`${rest.name} is missing`);
    if (taken.length > 0) values.set(rest.name, [taken]);
    if (alone) return new Bound(values);
    if (mark >= 0) own = words.slice(0, mark);
  }

  let position = 0;
  let flagsEnded = false;
  for (let i = 0; i < own.length; i++) {
    const word = own[i]!;
    if (word.open) throw new UsageError(`the quote before ${JSON.stringify(word.text)} is not closed`);
    if (!isWellFormed(word.text)) throw new UsageError('the text is not well-formed Unicode');
    const argument = form.arguments[position];
    if (!flagsEnded && !word.quoted) {
      if (word.text === '--') {
        flagsEnded = true;
        continue;
      }
      const flags = findFlags(form.flags, word.text);
      if (flags !== null) {
        for (const { flag, inline } of flags) {
          if (values.has(flag.long) && flag.repeated !== true) throw new UsageError(`--${flag.long} is given twice`);
          if (flag.argument === undefined) {
            if (inline !== null) throw new UsageError(`--${flag.long} takes no value`);
            give(flag.long, true);
          } else {
            const operand = inline === null ? own[++i] : { ...word, text: inline };
            if (operand === undefined) throw new UsageError(`--${flag.long} needs ${flag.argument.name}`);
            give(flag.long, await readArgument(flag.argument, operand, readFile));
          }
        }
        continue;
      }
      // Where a value is expected, a word that is not a known flag is that value, as in the first haret. Elsewhere it
      // is a mistake.
      if (/^--?[A-Za-z]/.test(word.text) && argument?.kind !== 'value') {
        throw new UsageError(`unknown flag ${word.text}`);
      }
    }
    if (argument === undefined) throw new UsageError(`${JSON.stringify(word.text)} is one word too many`);
    if (argument.kind === 'placement') {
      for (const part of word.text.split(',')) if (part !== '') give(argument.name, readPlacement(part));
    } else {
      const value = await readArgument(argument, word, readFile);
      if (argument.kind !== 'literal') give(argument.name, value);
    }
    if (argument.repeated !== true) position++;
  }
  for (const argument of form.arguments.slice(position)) {
    const given = argument.repeated === true && values.has(argument.name);
    if (!given && argument.optional !== true) throw new UsageError(`${argument.name} is missing`);
  }
  return new Bound(values);
}

/** The flags in `text`: `--limit`, `--limit=5`, `-l`, or several letters in one, `-lR`. Null when it has none. */
function findFlags(
  flags: readonly FlagSpec[],
  text: string,
): readonly { readonly flag: FlagSpec; readonly inline: string | null }[] | null {
  if (text.startsWith('--')) {
    const equals = text.indexOf('=');
    const name = text.slice(2, equals < 0 ? undefined : equals);
    const flag = flags.find((one) => one.long === name);
    return flag === undefined ? null : [{ flag, inline: equals < 0 ? null : text.slice(equals + 1) }];
  }
  if (!/^-[A-Za-z]+$/.test(text)) return null;
  const found: { flag: FlagSpec; inline: null }[] = [];
  for (const letter of text.slice(1)) {
    const flag = flags.find((one) => one.short === letter);
    if (flag === undefined || (flag.argument !== undefined && text.length > 2)) return null;
    found.push({ flag, inline: null });
  }
  return found;
}

async function readArgument(argument: ArgumentSpec, word: Word, readFile: ReadFile | null): Promise<BoundValue> {
  switch (argument.kind) {
    case 'value':
      return await readValue(word, readFile);
    case 'integer':
      return readInteger(argument, word.text);
    case 'duration':
      return argument.max === undefined
        ? readDuration(word.text)
        : readLongDuration(word.text, argument.min ?? 1, argument.max);
    case 'choice':
      if (!(argument.choices ?? []).includes(word.text)) {
        throw new UsageError(
          `${argument.name} is one of ${(argument.choices ?? []).join(', ')}, not ${JSON.stringify(word.text)}`,
        );
      }
      return word.text;
    case 'literal':
      if (word.quoted || word.text !== argument.name) {
        throw new UsageError(`expected ${argument.name} instead of ${JSON.stringify(word.text)}`);
      }
      return word.text;
    case 'placement':
      return readPlacement(word.text);
    case 'path':
    case 'text':
    case 'namespace':
    case 'command':
    case 'rest':
      return word.text;
  }
}

function readInteger(argument: ArgumentSpec, text: string): number {
  const number = /^[+-]?\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  const min = argument.min ?? 0;
  const max = argument.max ?? Number.MAX_SAFE_INTEGER;
  if (!Number.isSafeInteger(number))
    throw new UsageError(`${argument.name} is a whole number, not ${JSON.stringify(text)}`);
  if (number < min || number > max) throw new UsageError(`${argument.name} is from ${min} to ${max}, not ${text}`);
  return number === 0 ? 0 : number;
}

/** The bytes of a value: text as it is typed, or the bytes that an unquoted `b64:`, `hex:` or `@FILE` means. */
async function readValue(word: Word, readFile: ReadFile | null): Promise<Uint8Array> {
  const { text, quoted } = word;
  if (quoted) return utf8(text);
  if (text.startsWith('b64:')) {
    const bytes = bytesFromBase64(text.slice(4));
    if (bytes === null) throw new UsageError('what follows b64: is not base64');
    return bytes;
  }
  if (text.startsWith('hex:')) {
    const bytes = bytesFromHex(text.slice(4));
    if (bytes === null) throw new UsageError('what follows hex: is not hexadecimal');
    return bytes;
  }
  if (text.startsWith('@') && text.length > 1) {
    if (readFile === null) throw new UsageError(`${text}: there are no files here; quote it to store it as text`);
    try {
      return await readFile(text.slice(1));
    } catch (error) {
      throw new UsageError(`${text}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return utf8(text);
}

const placementPattern = /^([^:]+)::([^@]+)@(.+:\d{1,5})$/;

/** Reads the place of a replica, `r1::dev1@127.0.0.1:2000`. */
function readPlacement(text: string): Placement {
  const match = placementPattern.exec(text);
  const [, replica, node, address] = match ?? [];
  if (replica === undefined || node === undefined || address === undefined || !isName(replica) || !isName(node)) {
    throw new UsageError(`a replica is written r1::NAME@HOST:PORT, not ${JSON.stringify(text)}`);
  }
  return { replica, node, address };
}
