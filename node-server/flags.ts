/** The command line of a program: `node:util` splits it, and what is wrong with it is said in our words. */

import { parseArgs } from 'node:util';
import { UsageError } from '../core/shell/index.ts';

/** By its name without dashes: `value` flags take one, and may be given again; `short` is its letter. */
export type Flags = Readonly<Record<string, { readonly kind: 'value' | 'plain'; readonly short?: string }>>;

export interface CommandLine<F extends Flags> {
  /** What is no flag, in order. */
  readonly words: readonly string[];
  /** In the order in which they were given. */
  readonly given: readonly { readonly name: keyof F & string; readonly value: string }[];
}

/** @throws UsageError that names the flag that is unknown, lacks its value, or takes none. */
export function readCommandLine<F extends Flags>(argv: readonly string[], flags: Partial<F>): CommandLine<F> {
  const known: Readonly<Record<string, Flags[string] | undefined>> = flags;
  const options = Object.fromEntries(
    Object.entries(flags as Flags).map(([name, { kind, short }]) => [
      name,
      { type: kind === 'value' ? 'string' : 'boolean', ...(short === undefined ? {} : { short }) } as const,
    ]),
  );
  const { tokens } = parseArgs({ args: [...argv], options, strict: false, allowPositionals: true, tokens: true });
  const words: string[] = [];
  const given: { name: keyof F & string; value: string }[] = [];
  for (const token of tokens) {
    if (token.kind === 'positional') words.push(token.value);
    if (token.kind !== 'option') continue;
    const { name, rawName, value } = token;
    const flag = Object.hasOwn(known, name) ? known[name] : undefined;
    // A flag of one letter has no long form.
    if (flag === undefined || rawName === `--${flag.short ?? ''}`) throw new UsageError(`unknown flag ${rawName}`);
    if (flag.kind === 'value' && value === undefined) throw new UsageError(`${rawName} needs a value`);
    if (flag.kind === 'plain' && value !== undefined) throw new UsageError(`${rawName} takes no value`);
    given.push({ name, value: value ?? '' });
  }
  return { words, given };
}
