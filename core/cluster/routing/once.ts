/**
 * Which of the requests that peers forward were taken before: frames between nodes may be doubled, and the second copy of a write may meet
 * another state than the first, which was refused for good (protocol §7). So each is done once, by its id and the run of its sender's process.
 */

import type { RunId } from '../../base/ids.ts';

/** Ids of one run: of those with one remainder, the highest is kept. A copy that is later than so many others is not done either. */
const window = 2048;
/** Of a peer that is started again and again, the last runs; those of its late frames that are older are nobody's any more. */
const maxRuns = 4;
/** Far more than a cluster has nodes. */
const maxPeers = 256;

interface Run {
  readonly run: RunId;
  /** By id modulo the window; 0 is no id. */
  readonly taken: Float64Array;
}

export class Once {
  /** Of each peer the run that was heard last comes first. */
  readonly #peers = new Map<string, Run[]>();

  /** True for the first copy of what `from` sent under `id`; false for what was taken before, or is so late that nobody can tell. */
  takes(from: string, run: RunId, id: number): boolean {
    const { taken } = this.#run(from, run);
    const slot = id % window;
    if (taken[slot]! >= id) return false;
    taken[slot] = id;
    return true;
  }

  #run(from: string, run: RunId): Run {
    let runs = this.#peers.get(from);
    if (runs === undefined) {
      if (this.#peers.size >= maxPeers) this.#peers.clear();
      this.#peers.set(from, (runs = []));
    }
    const [newest] = runs;
    if (newest?.run === run) return newest;
    let found = runs.find((one) => one.run === run);
    if (found === undefined) {
      found = { run, taken: new Float64Array(window) };
      runs.unshift(found);
      runs.length = Math.min(runs.length, maxRuns);
    }
    return found;
  }
}
