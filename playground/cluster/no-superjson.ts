/**
 * Stands in for superjson in the worker, whose clients and nodes speak the binary codec among themselves: the text codec is never called
 * there, and need not be downloaded.
 */

export default class NoSuperjson {
  registerCustom(): void {
    // Nothing is ever written by it.
  }

  serialize(): never {
    throw new Error('the cluster in the tab speaks no text codec');
  }

  deserialize(): never {
    throw new Error('the cluster in the tab speaks no text codec');
  }
}
