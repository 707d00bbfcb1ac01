/** What the light load is told, and what it says. */

export interface LoadOptions {
  /** The addresses of each node's clients, its own first. */
  readonly urls: readonly (readonly string[])[];
  readonly namespace: string;
  /** Puts, and as many gets, of each client in a second. */
  readonly perSecond: number;
  readonly callTimeoutMs: number;
}

export const loadKinds = ['put', 'get', 'watch'] as const;
export type LoadKind = (typeof loadKinds)[number];

export type LoadLine =
  | {
      readonly kind: LoadKind;
      /** The index of the node whose client it is. */
      readonly node: number;
      /** When it was due, in milliseconds since 1970. */
      readonly due: number;
      readonly ms: number;
      /** '' when it was done. */
      readonly words: string;
    }
  | {
      readonly kind: 'settled';
      /** Everything that was due before this has been answered, and told to each watch. */
      readonly before: number;
    };
