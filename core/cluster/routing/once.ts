/**
 * Remembers which requests of peers were taken. Frames between nodes may be doubled. If the first copy of a write was
 * refused for good, the second copy could meet another state and be executed (protocol §7). So each request is done
 * once, by its id and the run of its sender's process.
 */

import type { RunId } from '../../base/ids.ts';

/**
 * How many ids of one run are remembered. Of ids with the same remainder, the highest is kept. A copy that comes after
 * this many other requests is not done either.
 */
const window = 2048;
/**
 * How many runs of a peer that is restarted again and again are remembered. No process waits for late frames of older
 * runs.
 */
const maxRuns = 4;
/** Far more peers than a cluster has nodes. */
const maxPeers = 256;

interface Run {
  readonly run: RunId;
  /** The highest id by its remainder modulo the window. 0 is not an id. */
  readonly taken: Float64Array;
}

export class Once {
  /** The runs of each peer, the last heard first. */
  readonly #peers = new Map<string, Run[]>();

  /**
   * True for the first copy of what `from` sent under `id`. False for a copy, and for a frame that is too late to tell.
   */
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
