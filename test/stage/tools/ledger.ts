/** What was acknowledged, and whether it is still there. Trials that damage things keep such a book. */

import { text } from '../../../browser-client/index.ts';
import type { Namespace } from '../../../browser-client/index.ts';
import type { NodeUnderTest } from '../../integration/cluster-process.ts';
import { namespaceName } from '../stage.ts';
import type { Stage } from '../stage.ts';
import { comes } from './waiting.ts';

const readLimitMs = 20_000;

export class Ledger {
  readonly #stage: Stage;
  readonly #acknowledged = new Map<string, string>();
  /** Writes of which the client was told that they were not done and never will be. */
  readonly #denied = new Map<string, string>();
  #next = 0;
  /** What the last check found. */
  #present = 0;

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  get size(): number {
    return this.#acknowledged.size;
  }

  /** Creates one blob. Returns true when that was acknowledged. */
  async write(namespace: Namespace, bytes = 16, timeoutMs = 20_000): Promise<boolean> {
    const path = `/k${this.#next++}`;
    const value = `${path}-`.padEnd(bytes, 'x');
    try {
      await namespace.blob(path, text).create(value, { timeoutMs });
      this.#acknowledged.set(path, value);
      this.#stage.acknowledged++;
      return true;
    } catch (error) {
      if (this.#stage.refused(error)?.outcome === 'definite') this.#denied.set(path, value);
      return false;
    }
  }

  /** Writes `count` blobs at once. Returns how many were acknowledged. */
  async writeMany(namespace: Namespace, count: number, bytes = 16): Promise<number> {
    const done = await Promise.all(Array.from({ length: count }, () => this.write(namespace, bytes)));
    return done.filter((one) => one).length;
  }

  /**
   * Reads everything back, linearizably, through `nodes`: what was acknowledged must be there, and what was denied must
   * not.
   */
  async check(nodes: readonly NodeUnderTest[]): Promise<void> {
    const haret = await this.#stage.client(nodes);
    const namespace = haret.namespace(namespaceName);
    const missing: string[] = [];
    let present = 0;
    const read = (path: string): Promise<string | undefined> =>
      namespace.blob(path, text).get({ timeoutMs: readLimitMs });
    await Promise.all(
      [...this.#acknowledged].map(async ([path, value]) => {
        try {
          if ((await read(path)) === value) present++;
          else missing.push(path);
        } catch (error) {
          this.#stage.refused(error);
          missing.push(path);
        }
      }),
    );
    // A trial may keep several books, and check each more than once.
    this.#stage.present += present - this.#present;
    this.#present = present;
    this.#stage.step(`${present} of ${this.#acknowledged.size} acknowledged writes are there`);
    if (missing.length > 0) {
      this.#stage.fault(
        `${missing.length} acknowledged writes are not served, such as ${missing.slice(0, 5).join(', ')}`,
      );
    }
    for (const [path, value] of this.#denied) {
      if ((await read(path)) === value) this.#stage.fault(`the write of ${path} was denied for good, and was done`);
    }
    await haret.close();
  }

  /**
   * How many acknowledged writes are answered wrongly now. The group may lack a quorum: no answer is not a wrong one.
   */
  async contradicted(nodes: readonly NodeUnderTest[], limitMs = 3000): Promise<number> {
    const haret = await this.#stage.client(nodes);
    const namespace = haret.namespace(namespaceName);
    let wrong = 0;
    await Promise.all(
      [...this.#acknowledged].map(async ([path, value]) => {
        try {
          if ((await namespace.blob(path, text).get({ timeoutMs: limitMs })) !== value) wrong++;
        } catch (error) {
          if (this.#stage.refused(error)?.code === 'UnknownNamespace') wrong++;
        }
      }),
    );
    this.#stage.step(`${wrong} of ${this.#acknowledged.size} acknowledged writes are answered wrongly`);
    if (wrong > 0)
      this.#stage.fault(
        `${wrong} of ${this.#acknowledged.size} acknowledged writes are answered as if they had never been`,
      );
    await haret.close();
    return wrong;
  }

  /** Each node itself has every acknowledged write, within the limit. */
  async checkEach(nodes: readonly NodeUnderTest[], limitMs = 30_000): Promise<void> {
    for (const node of nodes) {
      const haret = await this.#stage.client([node], { followRedirects: false, read: 'local' });
      const namespace = haret.namespace(namespaceName);
      let wrong = 0;
      const whole = await comes(limitMs, async () => {
        const values = await Promise.all(
          [...this.#acknowledged.keys()].map((path) => namespace.blob(path, text).get()),
        );
        wrong = [...this.#acknowledged.values()].filter((value, i) => values[i] !== value).length;
        return wrong === 0;
      });
      if (!whole)
        this.#stage.fault(`${node.name} itself lacks ${wrong} of ${this.#acknowledged.size} acknowledged writes`);
      await haret.close();
    }
  }
}
