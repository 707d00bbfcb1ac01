/** Paths: which are well formed (architecture §3), their parts, and how they are joined. */

import { isWellFormed, utf8Length } from '../base/bytes.ts';
import type { ErrorDetails } from '../base/errors.ts';
import { Failure } from './failure.ts';

export const maxPathBytes = 1024;
export const maxPathParts = 32;
export const maxPartBytes = 255;

const slash = 47;
const noParts: readonly string[] = [];

/** A path for an error. A path that is far too long is cut, so that the error stays within its own bounds. */
function shown(path: string): string {
  if (path.length <= maxPathBytes) return path;
  const last = path.charCodeAt(maxPathBytes - 1);
  return `${path.slice(0, last >= 0xd800 && last < 0xdc00 ? maxPathBytes - 1 : maxPathBytes)}...`;
}

function malformed(whole: string, why: string, details: ErrorDetails = {}): Failure {
  const path = shown(whole);
  return new Failure('PathMalformed', `Path is malformatted ${path}: ${why}`, { path, ...details });
}

function tooLong(path: string, what: string, limit: number, actual: number): Failure {
  return malformed(path, `${what}: ${actual}, the limit is ${limit}`, { limit, actual });
}

/** The names on the way from the root to `path`. It is empty for `/` itself. */
export function parsePath(path: string): readonly string[] | Failure {
  if (path.charCodeAt(0) !== slash)
    return new Failure('PathNotAbsolute', 'Paths must be absolute', { path: shown(path) });
  if (path.length === 1) return noParts;
  const parts: string[] = [];
  let start = 1;
  let ascii = true;
  for (let i = 1; i <= path.length; i++) {
    const unit = i === path.length ? slash : path.charCodeAt(i);
    if (unit > 127) ascii = false;
    if (unit !== slash) continue;
    if (i === start) return malformed(path, i === path.length ? 'it ends in a slash' : 'it has an empty part');
    const part = path.slice(start, i);
    if (part === '.' || part === '..') return malformed(path, `it has the part ${part}`);
    parts.push(part);
    start = i + 1;
  }
  if (!ascii && !isWellFormed(path)) return malformed(path, 'it is not well-formed text');
  const bytes = ascii ? path.length : utf8Length(path);
  if (bytes > maxPathBytes) return tooLong(path, 'bytes', maxPathBytes, bytes);
  if (parts.length > maxPathParts) return tooLong(path, 'levels', maxPathParts, parts.length);
  if (bytes > maxPartBytes) {
    for (const part of parts) {
      const partBytes = ascii ? part.length : utf8Length(part);
      if (partBytes > maxPartBytes) return tooLong(path, 'bytes in one part', maxPartBytes, partBytes);
    }
  }
  return parts;
}

/** True for a name that can be one part of a path. */
export function isPartName(name: string): boolean {
  if (name === '' || name === '.' || name === '..' || name.includes('/')) return false;
  return utf8Length(name) <= maxPartBytes && isWellFormed(name);
}

/** The path of the child `name` of the directory at `path`. */
export function childPath(path: string, name: string): string {
  return path === '/' ? `/${name}` : `${path}/${name}`;
}
