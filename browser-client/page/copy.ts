/** What superjson copies documents with, where a page's bundle takes the browser's own in the place of a library. */

export const copy: typeof structuredClone = structuredClone;
