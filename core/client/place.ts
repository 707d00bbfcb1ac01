/** Where the primary of the entered namespace is, as far as this client knows, and when to ask again. */

import type { Epoch, NamespaceId, View } from '../base/ids.ts';
import type { PrimaryInfo } from '../wire/api.ts';

/**
 * A node that could not be reached is not tried again for this long. Its address may be one that only other nodes can
 * reach.
 */
const unreachableMs = 10_000;
const maxUnreachable = 64;
const firstRefreshMs = 50;
const maxRefreshMs = 5000;

export class Place {
  readonly namespace: string;
  readonly namespaceId: NamespaceId;
  #epoch = 0;
  #view = 0;
  #wanted = false;
  #asking = false;
  #refreshMs = firstRefreshMs;
  #refreshAtMs = 0;
  readonly #unreachable = new Map<string, number>();

  constructor(namespace: string, namespaceId: NamespaceId) {
    this.namespace = namespace;
    this.namespaceId = namespaceId;
  }

  /** A reply came from this view. If the view is later than the known one, the primary may have changed. */
  heard(epoch: Epoch, view: View): void {
    if (epoch > this.#epoch || (epoch === this.#epoch && view > this.#view)) this.#wanted = true;
  }

  /** Something suggests that the primary may have moved. */
  doubt(): void {
    this.#wanted = true;
  }

  /** True when it is time to ask where the primary is. The caller then asks. */
  due(nowMs: number): boolean {
    if (!this.#wanted || this.#asking || nowMs < this.#refreshAtMs) return false;
    this.#wanted = false;
    this.#asking = true;
    // A node that lags would be asked in a loop. So each question delays the next one more, until the view changes.
    this.#refreshAtMs = nowMs + this.#refreshMs;
    this.#refreshMs = Math.min(2 * this.#refreshMs, maxRefreshMs);
    return true;
  }

  answered(epoch: Epoch, view: View, primary: PrimaryInfo | null): void {
    this.#asking = false;
    if (primary === null) {
      this.#wanted = true;
    } else if (epoch > this.#epoch || (epoch === this.#epoch && view > this.#view)) {
      this.#epoch = epoch;
      this.#view = view;
      this.#refreshMs = firstRefreshMs;
    }
  }

  failed(): void {
    this.#asking = false;
    this.#wanted = true;
  }

  unreachable(address: string, nowMs: number): void {
    this.avoid(address, nowMs);
    this.#wanted = true;
    this.#refreshAtMs = Math.max(this.#refreshAtMs, nowMs + unreachableMs);
  }

  /** The client left this node. It must not be redirected there for a while. */
  avoid(address: string, nowMs: number): void {
    if (this.#unreachable.size >= maxUnreachable) this.#unreachable.clear();
    this.#unreachable.set(address, nowMs + unreachableMs);
  }

  mayTry(address: string, nowMs: number): boolean {
    return nowMs >= (this.#unreachable.get(address) ?? 0);
  }
}
