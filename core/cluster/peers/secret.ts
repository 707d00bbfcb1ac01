/**
 * The cluster's secret, where it comes from: configured, or, on loopback, drawn when the cluster is founded and kept in a file of its own
 * beside the store, readable by its owner only. A peer never replaces one that is configured or in use.
 */

import { hexFromBytes, textOf, utf8 } from '../../base/bytes.ts';
import type { Result } from '../../base/errors.ts';
import { fail, ok } from '../../base/errors.ts';
import type { Disk, DiskError, Random } from '../../base/ports.ts';
import { temporaryPrefix } from '../../store/format.ts';
import type { SecretOptions } from '../base/host.ts';

export const secretFile = 'cluster-secret';
/** What an operator of a member that has lost its secret is told. @param what the file is found to be. */
const secretLost = (what: string): string =>
  `this node has lost its cluster's secret: the file "${secretFile}" of its data directory ${what}. Copy the file itself from another node and restart; until then no node lets it in`;
const secretBytes = 32;
const maxFileBytes = 4096;
/** A text that can be a secret: whoever writes a short one is told so by the configuration. */
const secretPattern = /^[\x21-\x7e]{16,1024}$/;

export function isSecret(text: string): boolean {
  return secretPattern.test(text);
}

export interface SecretParts {
  readonly disk: Disk;
  readonly random: Random;
  readonly options: SecretOptions;
  /** The address of this node's own cluster interface. */
  readonly self: string;
  /** A store that is in no cluster has no secret, whatever an attempt to join left there. */
  readonly inCluster: () => boolean;
  /** But one that was, and has lost its log, proves by the secret that it still has who says so. */
  readonly emptied: boolean;
}

export class ClusterSecret {
  readonly #disk: Disk;
  readonly #random: Random;
  readonly #options: SecretOptions;
  readonly #self: string;
  readonly #inCluster: () => boolean;
  readonly #emptied: boolean;
  #kept: string | null = null;
  /** Why nothing was kept. */
  #why = 'is missing';
  #writes = 0;

  constructor(parts: SecretParts) {
    this.#disk = parts.disk;
    this.#random = parts.random;
    this.#options = parts.options;
    this.#self = parts.self;
    this.#inCluster = parts.inCluster;
    this.#emptied = parts.emptied;
  }

  /** Reads what an earlier life has kept. */
  recover(): void {
    const other = this.#disk.noFile?.(secretFile) ?? null;
    if (other !== null) this.#why = `is ${other}`;
    if (!this.#disk.list().some(({ name }) => name === secretFile)) return;
    try {
      const bytes = this.#disk.read(secretFile, 0, maxFileBytes);
      const text = textOf(bytes)?.trim() ?? null;
      if (text !== null && isSecret(text)) this.#kept = text;
      else this.#why = text === '' ? 'is empty' : 'holds no secret, which is one line of 16 to 1024 visible characters';
    } catch (error) {
      // A sector that can't be read is a secret that is lost: the node says so, and an operator copies it from another.
      this.#why = `cannot be read: ${error instanceof Error ? error.message : String(error)}`;
    }
  }

  /** Those that prove a member now, the one in force first. */
  get known(): readonly string[] {
    const { configured } = this.#options;
    if (configured.length > 0) return configured;
    return this.#kept !== null && (this.#inCluster() || this.#emptied) ? [this.#kept] : [];
  }

  /** What an operator is told where this node is in a cluster and has no secret to prove it by; else null. */
  get lost(): string | null {
    return this.#inCluster() && this.known.length === 0 ? secretLost(this.#why) : null;
  }

  /** A store that has none takes an offer of membership without proof, where that can come from this machine only. */
  get takesOffers(): boolean {
    return this.#options.configured.length === 0 && !this.#inCluster() && this.#options.staysWithin(this.#self);
  }

  /** What a fresh node at `address` may be handed that has no secret; null when it has to know it. */
  handedTo(address: string): string | null {
    const [secret] = this.known;
    if (this.#options.configured.length > 0 || secret === undefined) return null;
    return this.#options.staysWithin(address) && this.#options.staysWithin(this.#self) ? secret : null;
  }

  /** Draws one for the cluster that is about to be founded, unless one is configured; durable when `done` is called. */
  draw(done: (result: Result<null>) => void): void {
    if (this.#options.configured.length > 0) return done(ok(null));
    this.#keep(hexFromBytes(this.#random.bytes(secretBytes)), done);
  }

  /** Takes the one that came with an offer, unless one is configured; durable when `done` is called. */
  take(secret: string | null, done: (result: Result<null>) => void): void {
    if (this.#options.configured.length > 0) return done(ok(null));
    if (secret === null || !isSecret(secret)) return done(fail('NodeRefused', 'the offer came without a secret'));
    this.#keep(secret, done);
  }

  /** Made beside its place and moved there, so that there is all of it or none. */
  #keep(secret: string, done: (result: Result<null>) => void): void {
    const temporary = `${temporaryPrefix}${secretFile}-${++this.#writes}`;
    const bytes = utf8(`${secret}\n`);
    const failed = (error: DiskError): void =>
      done(fail('Internal', `the cluster's secret cannot be kept in the data directory: ${error.message}`));
    this.#disk.create(temporary, bytes.length, (created) => {
      if (created !== null) return failed(created);
      this.#disk.write(temporary, 0, [bytes], true, (written) => {
        if (written !== null) return failed(written);
        this.#disk.rename(temporary, secretFile, (renamed) => {
          if (renamed !== null) return failed(renamed);
          this.#kept = secret;
          done(ok(null));
        });
      });
    });
  }
}
