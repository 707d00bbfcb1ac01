/** The release of the programs, from the package to which they belong. */

import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The version in haret's own `package.json`, whether this runs from the sources or from the bundle. */
export function programVersion(): string {
  for (let directory = dirname(fileURLToPath(import.meta.url)); ; directory = dirname(directory)) {
    const version = versionIn(directory);
    if (version !== null) return version;
    if (dirname(directory) === directory) return 'unknown';
  }
}

function versionIn(directory: string): string | null {
  try {
    const manifest: unknown = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));
    if (typeof manifest !== 'object' || manifest === null || !('name' in manifest) || !('version' in manifest))
      return null;
    return manifest.name === 'haret' && typeof manifest.version === 'string' ? manifest.version : null;
  } catch {
    return null;
  }
}
