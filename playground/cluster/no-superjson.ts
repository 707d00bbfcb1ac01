/**
 * Replaces superjson in the worker. Its clients and nodes use the binary codec, so the text codec is never called there
 * and need not be downloaded.
 */

export default class NoSuperjson {
  registerCustom(): void {
    // Nothing is ever written with it.
  }

  serialize(): never {
    throw new Error('the cluster in the tab has no text codec');
  }

  deserialize(): never {
    throw new Error('the cluster in the tab has no text codec');
  }
}
