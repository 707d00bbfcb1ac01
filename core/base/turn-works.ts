/** Work that the clock of a real host puts off until it has taken in everything that had already arrived. */

export class TurnWorks {
  #works: (() => void)[] = [];
  readonly #schedule: () => void;

  /** @param scheduler takes `run`, and returns a function that has `run` called once, soon. */
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
        // If one of them throws, the others must still run, wherever the error ends up.
        for (const rest of works.slice(i + 1)) this.add(rest);
        throw error;
      }
    }
  }
}
