/**
 * Where the cluster's secret comes from. It is configured, or, on loopback, drawn when the cluster is founded and kept
 * in its own file next to the store, readable only by its owner. A peer never replaces a secret that is configured or
 * in use.
 */

import { hexFromBytes, textOf, utf8 } from '../../base/bytes.ts';
import type { Result } from '../../base/errors.ts';
import { fail, ok } from '../../base/errors.ts';
import type { Disk, DiskError, Random } from '../../base/ports.ts';
import { temporaryPrefix } from '../../store/format.ts';
import type { SecretOptions } from '../base/host.ts';

export const secretFile = 'cluster-secret';
/** The message for the operator of a member that has lost its secret. @param what describes the file that was found. */
const secretLost = (what: string): string =>
  `this node has lost its cluster's secret: the file "${secretFile}" of its data directory ${what}. Copy the file itself from another node and restart; until then no node lets it in`;
const secretBytes = 32;
const maxFileBytes = 4096;
/** A text that can be a secret. The configuration reports a text that is too short. */
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
  /** A store that is in no cluster has no secret, even if an attempt to join left one there. */
  readonly inCluster: () => boolean;
  /**
   * But a store that was in a cluster and has lost its log uses the secret, to prove that its report comes from a
   * member.
   */
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
  /** Why no secret was kept. */
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

  /** Reads the secret that an earlier life has kept. */
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
      // A sector that cannot be read is a lost secret. The node says so, and an operator copies the file from another
      // node.
      this.#why = `cannot be read: ${error instanceof Error ? error.message : String(error)}`;
    }
  }

  /** The secrets that prove a member now, the one in force first. */
  get known(): readonly string[] {
    const { configured } = this.#options;
    if (configured.length > 0) return configured;
    return this.#kept !== null && (this.#inCluster() || this.#emptied) ? [this.#kept] : [];
  }

  /** The message for the operator of a node that is in a cluster and has no secret to prove it. Otherwise null. */
  get lost(): string | null {
    return this.#inCluster() && this.known.length === 0 ? secretLost(this.#why) : null;
  }

  /**
   * True when this store has no secret and takes an offer of membership without proof, because the offer can only come
   * from this machine.
   */
  get takesOffers(): boolean {
    return this.#options.configured.length === 0 && !this.#inCluster() && this.#options.staysWithin(this.#self);
  }

  /**
   * The secret that may be handed to a fresh node at `address` that has none. Null when the node must know it already.
   */
  handedTo(address: string): string | null {
    const [secret] = this.known;
    if (this.#options.configured.length > 0 || secret === undefined) return null;
    return this.#options.staysWithin(address) && this.#options.staysWithin(this.#self) ? secret : null;
  }

  /**
   * Draws a secret for the cluster that is about to be founded, unless one is configured. It is durable when `done` is
   * called.
   */
  draw(done: (result: Result<null>) => void): void {
    if (this.#options.configured.length > 0) return done(ok(null));
    this.#keep(hexFromBytes(this.#random.bytes(secretBytes)), done);
  }

  /** Takes the secret that came with an offer, unless one is configured. It is durable when `done` is called. */
  take(secret: string | null, done: (result: Result<null>) => void): void {
    if (this.#options.configured.length > 0) return done(ok(null));
    if (secret === null || !isSecret(secret)) return done(fail('NodeRefused', 'the offer came without a secret'));
    this.#keep(secret, done);
  }

  /** Writes a temporary file and renames it, so that the file exists whole or not at all. */
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
