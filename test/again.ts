/** A seed that fails says what runs it again. */

/**
 * Runs `work` with a seed.
 * @throws what `work` throws, with the seed and the command that repeats it. The first line says what went wrong.
 */
export function telling(what: string, seed: number, file: string, work: () => void): void {
  try {
    work();
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    const again = `again: FIRST=${seed} SEEDS=1 npx vitest run ${file}`;
    throw new Error(`seed ${seed} of ${what}: ${said}\n  ${again}`, { cause: error });
  }
}

/** The seeds that a test runs: those of FIRST and SEEDS, or as many as are usual, from `first` on. */
export function seedsOf(first: number, usual: number): readonly number[] {
  const { env } = process;
  return Array.from({ length: Number(env['SEEDS'] ?? usual) }, (_, i) => Number(env['FIRST'] ?? first) + i);
}
