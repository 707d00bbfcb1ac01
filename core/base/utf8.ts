/** Text as UTF-8. Malformed bytes are refused. */

const encoder = new TextEncoder();
const strictDecoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * The UTF-8 of `text`. A lone surrogate becomes U+FFFD, so callers that store names check `text.isWellFormed` first.
 */
export function utf8(text: string): Uint8Array {
  return encoder.encode(text);
}

/** The text of UTF-8 `bytes`, or null when they are not well-formed. */
export function textOf(bytes: Uint8Array): string | null {
  try {
    return strictDecoder.decode(bytes);
  } catch {
    return null;
  }
}

/** True when `text` has no lone surrogate, and so survives being encoded as UTF-8 and decoded again. */
export function isWellFormed(text: string): boolean {
  return !/\p{Surrogate}/u.test(text);
}
