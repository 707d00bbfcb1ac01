/**
 * The meaning of the dots in the picture. For a real cluster also their number in a second, since not every one can be
 * drawn.
 */

import type { MessageKind } from './cluster/frame.ts';
import { messageLooks } from './picture.ts';

export type Rates = ReadonlyMap<MessageKind, number>;

export class Legend {
  readonly #items = new Map<MessageKind, HTMLElement>();

  constructor(element: HTMLElement) {
    for (const [kind, { name }] of Object.entries(messageLooks) as [MessageKind, { name: string }][]) {
      const item = document.createElement('span');
      item.className = `kind ${kind}`;
      item.textContent = name;
      this.#items.set(kind, item);
      element.append(item);
    }
  }

  /** @param rates messages in a second. Null where all of them are drawn. */
  show(rates: Rates | null): void {
    for (const [kind, item] of this.#items) {
      const { name } = messageLooks[kind];
      const text = rates === null ? name : `${name} ${perSecond(rates.get(kind) ?? 0)}`;
      if (item.textContent !== text) item.textContent = text;
    }
  }
}

function perSecond(rate: number): string {
  return `${rate < 10 ? Math.round(rate) : rate < 100 ? Math.round(rate / 5) * 5 : Number(rate.toPrecision(2))}/s`;
}
