/** What a clock of a real host puts off until everything that had already arrived was taken in. */

export class TurnWorks {
  #works: (() => void)[] = [];
  readonly #schedule: () => void;

  /** @param scheduler gives what is called to have `run` called once, soon. */
  constructor(scheduler: (run: () => void) => () => void) {
    this.#schedule = scheduler(() => this.#run());
  }

  add(work: () => void): void {
    if (this.#works.push(work) === 1) this.#schedule();
  }

  #run(): void {
    const works = this.#works;
    this.#works = [];
    for (let i = 0; i < works.length; i++) {
      try {
        works[i]!();
      } catch (error) {
        // What one work threw must not cost the others theirs, wherever the error ends up.
        for (const rest of works.slice(i + 1)) this.add(rest);
        throw error;
      }
    }
  }
}
