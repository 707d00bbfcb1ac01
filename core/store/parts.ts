/**
 * The parts of which a batch of the node's log consists. Each belongs to one replica or to the node. A part has two
 * encodings: whole, and as the next batch repeats it, with only the names of its entries. Everything but the bodies of
 * entries is repeated whole, so one rotten batch loses no promise (view, log_view), configuration or checkpoint.
 */

import { Reader, Writer } from '../base/bytes.ts';
import { MalformedError } from '../base/errors.ts';
import type { Checksum, NamespaceId, Op } from '../base/ids.ts';
import { checksumSchema, clusterIdSchema, incarnationSchema, nameSchema } from '../base/ids.ts';
import type { Hash } from '../base/ports.ts';
import { bool, list, nullable, struct, uint, text } from '../base/schema.ts';
import type { TypeOf } from '../base/schema.ts';
import { checkpointInfoSchema } from '../vr/checkpoint.ts';
import type { CheckpointInfo } from '../vr/checkpoint.ts';
import { configurationSchema, viewstampSchema } from '../vr/configuration.ts';
import type { Configuration, Viewstamp } from '../vr/configuration.ts';
import type { Entry, EntryName } from '../vr/entry.ts';
import { decodeEntry } from '../vr/entry.ts';
import type { StorageBatch } from '../vr/ports.ts';

const identitySchema = struct({
  cluster: clusterIdSchema,
  namespace: uint<NamespaceId>(),
  replica: nameSchema,
  node: nameSchema,
  incarnation: incarnationSchema,
});

const nameOfEntrySchema = struct({ op: uint<Op>(), checksum: checksumSchema, parent: checksumSchema });
const maxNames = 16_777_216;
/** Bytes of the text that says why a head is not proven. */
export const maxDoubt = 1024;

/** Everything about one replica except its readable entries, at one moment of the log. */
export const replicaStateSchema = struct({
  identity: identitySchema,
  configuration: configurationSchema,
  /** The number of parts of this replica so far. If two counts are equal, no part was lost between them. */
  turn: uint(),
  view: viewstampSchema,
  logView: viewstampSchema,
  checkpoint: nullable(checkpointInfoSchema),
  first: uint<Op>(),
  head: uint<Op>(),
  headProven: bool,
  /** Why the head is not proven; '' while it is. */
  doubt: text(maxDoubt),
  corrupt: list(nameOfEntrySchema, maxNames),
});
export type ReplicaState = TypeOf<typeof replicaStateSchema>;

/** One replica's batch (`StorageBatch`) as it is logged. Each one repeats the promises, whether they changed or not. */
export interface ChangePart {
  readonly kind: 'change';
  readonly namespace: NamespaceId;
  readonly replica: string;
  readonly turn: number;
  readonly view: Viewstamp;
  readonly logView: Viewstamp;
  /** The batch set log_view: a canonical suffix was installed, which proves the head again (protocol §2, §4.5). */
  readonly installs: boolean;
  readonly configuration: Configuration | null;
  readonly checkpoint: CheckpointInfo | null;
  /**
   * The checkpoint replaces the log up to its op, because the log does not hold the entry there. Otherwise the log
   * keeps everything that is not cut off.
   */
  readonly resets: boolean;
  readonly truncateFrom: Op | null;
  readonly shortenTo: Op | null;
  readonly entries: readonly PartEntry[];
  /** Where the entries begin in the bytes. What comes before is the same in the echo. */
  readonly entriesAt: number;
}

/** Entries of an old segment, written again so that the segment can go. Only the places of the entries change. */
export interface CopyPart {
  readonly kind: 'copy';
  readonly namespace: NamespaceId;
  readonly replica: string;
  readonly entries: readonly PartEntry[];
  readonly entriesAt: number;
}

export type Part =
  | ChangePart
  | CopyPart
  | { readonly kind: 'create'; readonly state: ReplicaState }
  | { readonly kind: 'remove'; readonly namespace: NamespaceId; readonly replica: string }
  | { readonly kind: 'node'; readonly record: Uint8Array }
  | {
      readonly kind: 'manifest';
      /** The first manifest of a run. Its writer has judged everything before it. */
      readonly opening: boolean;
      readonly record: Uint8Array | null;
      /** How many replicas were created and removed so far. */
      readonly roster: number;
      readonly rosterProven: boolean;
      readonly replicas: readonly ReplicaState[];
    };

/** An entry in a part: the place of its bytes in the body, or only its name when the part comes from an echo. */
export interface PartEntry {
  readonly op: Op;
  readonly at: number;
  readonly length: number;
  /** Not null when the part comes from an echo. Then there are no bytes. */
  readonly name: EntryName | null;
}

const tags = { change: 1, copy: 2, create: 3, remove: 4, node: 5, manifest: 6 } as const;

const hasConfiguration = 1;
const hasCheckpoint = 2;
const hasTruncate = 4;
const hasShorten = 8;
const hasInstall = 16;
const hasReset = 32;

const manifestSchema = list(replicaStateSchema, 65_536);

/** The fields of a change, without its entries. */
export type ChangeHead = Omit<ChangePart, 'kind' | 'entries' | 'entriesAt'>;

/**
 * Writes a change into body and echo. Calls `placed` with the place in the body where the bytes of each entry begin.
 */
export function writeChange(
  body: Writer,
  echo: Writer,
  head: ChangeHead,
  entries: readonly Entry[],
  placed: (entry: Entry, at: number) => void,
): void {
  const start = body.length;
  body.u8(tags.change);
  body.uint(head.namespace);
  body.text(head.replica);
  body.uint(head.turn);
  viewstampSchema.encode(body, head.view);
  viewstampSchema.encode(body, head.logView);
  body.u8(
    (head.configuration === null ? 0 : hasConfiguration) |
      (head.checkpoint === null ? 0 : hasCheckpoint) |
      (head.truncateFrom === null ? 0 : hasTruncate) |
      (head.shortenTo === null ? 0 : hasShorten) |
      (head.installs ? hasInstall : 0) |
      (head.resets ? hasReset : 0),
  );
  if (head.configuration !== null) configurationSchema.encode(body, head.configuration);
  if (head.checkpoint !== null) checkpointInfoSchema.encode(body, head.checkpoint);
  if (head.truncateFrom !== null) body.uint(head.truncateFrom);
  if (head.shortenTo !== null) body.uint(head.shortenTo);
  echo.raw(body.view().subarray(start));
  writeEntries(body, echo, entries, placed);
}

/** Writes entries again, for compaction. */
export function writeCopy(
  body: Writer,
  echo: Writer,
  namespace: NamespaceId,
  replica: string,
  entries: readonly Entry[],
  placed: (entry: Entry, at: number) => void,
): void {
  for (const writer of [body, echo]) {
    writer.u8(tags.copy);
    writer.uint(namespace);
    writer.text(replica);
  }
  writeEntries(body, echo, entries, placed);
}

/** Writes a part without entries. It is the same in body and echo. */
export function writeWhole(body: Writer, echo: Writer, part: Exclude<Part, ChangePart | CopyPart>): void {
  const start = body.length;
  body.u8(tags[part.kind]);
  switch (part.kind) {
    case 'create':
      replicaStateSchema.encode(body, part.state);
      break;
    case 'remove':
      body.uint(part.namespace);
      body.text(part.replica);
      break;
    case 'node':
      body.bytes(part.record);
      break;
    case 'manifest':
      bool.encode(body, part.opening);
      bool.encode(body, part.record !== null);
      if (part.record !== null) body.bytes(part.record);
      body.uint(part.roster);
      bool.encode(body, part.rosterProven);
      manifestSchema.encode(body, part.replicas);
      break;
  }
  echo.raw(body.view().subarray(start));
}

/** At least as many bytes as the configuration takes. */
function configurationSize(configuration: Configuration): number {
  // Names are ASCII by their pattern, but an address may be anything, so we count three bytes for each UTF-16 unit.
  let size = 32;
  for (const member of [...configuration.voters, ...configuration.learners]) {
    size += 32 + 3 * (member.replica.length + member.node.length + member.address.length);
  }
  return size;
}

function checkpointSize(checkpoint: CheckpointInfo): number {
  return 128 + configurationSize(checkpoint.configuration) + 16 * checkpoint.chunks.length;
}

/** At least as many bytes as a replica's state takes in a part. */
export function stateSize(state: ReplicaState): number {
  const { checkpoint } = state;
  const names = 3 * (state.identity.replica.length + state.identity.node.length);
  return (
    160 +
    names +
    configurationSize(state.configuration) +
    (checkpoint === null ? 0 : checkpointSize(checkpoint)) +
    3 * state.doubt.length +
    40 * state.corrupt.length
  );
}

/** At least as many bytes as a batch takes as a part. */
export function changeSize(batch: StorageBatch): number {
  let size = 320;
  if (batch.configuration !== undefined) size += configurationSize(batch.configuration);
  if (batch.checkpoint !== undefined) size += checkpointSize(batch.checkpoint);
  for (const entry of batch.entries) size += entry.bytes.length + 20;
  return size;
}

/**
 * In a run of entries, each op is one more than the one before. In the echo, each parent is also the checksum of the
 * entry before.
 */
const inRun = 0;
const onItsOwn = 1;

function writeEntries(
  body: Writer,
  echo: Writer,
  entries: readonly Entry[],
  placed: (entry: Entry, at: number) => void,
): void {
  body.uint(entries.length);
  let op = -1;
  for (const entry of entries) {
    if (entry.op === op + 1) body.u8(inRun);
    else {
      body.u8(onItsOwn);
      body.uint(entry.op);
    }
    body.uint(entry.bytes.length);
    placed(entry, body.length);
    body.raw(entry.bytes);
    op = entry.op;
  }
  writeNames(echo, entries);
}

function writeNames(echo: Writer, entries: readonly Entry[]): void {
  echo.uint(entries.length);
  let op = -1;
  let checksum: Checksum = '';
  for (const entry of entries) {
    if (entry.op === op + 1 && entry.parent === checksum) echo.u8(inRun);
    else {
      echo.u8(onItsOwn);
      echo.uint(entry.op);
      echo.hex(entry.parent);
    }
    // An entry's bytes begin with its checksum. We copy those sixteen bytes and need not make them from text again.
    echo.raw(entry.bytes.subarray(0, 16));
    op = entry.op;
    checksum = entry.checksum;
  }
}

/**
 * The echo of a body that was read back. The first batch of the next run repeats with it the last batch of this run.
 */
export function echoOf(body: Uint8Array, hash: Hash): Uint8Array {
  const reader = new Reader(body);
  const echo = new Writer(1024);
  while (reader.remaining > 0) {
    const start = reader.position;
    const part = readPart(reader, false);
    if (part.kind === 'change' || part.kind === 'copy') {
      echo.raw(body.subarray(start, part.entriesAt));
      writeNames(
        echo,
        part.entries.map(({ at, length }) => decodeEntry(body.subarray(at, at + length), hash)),
      );
    } else echo.raw(body.subarray(start, reader.position));
  }
  return echo.finish();
}

function readEntries(reader: Reader, named: boolean): PartEntry[] {
  const count = reader.uint();
  if (count > reader.remaining) throw new MalformedError(`${count} entries in ${reader.remaining} bytes`);
  const entries: PartEntry[] = [];
  let op = -1;
  let checksum: Checksum = '';
  for (let i = 0; i < count; i++) {
    const tag = reader.u8();
    if (tag > onItsOwn || (tag === inRun && i === 0)) throw new MalformedError('unknown form of an entry');
    op = tag === inRun ? op + 1 : reader.uint();
    if (named) {
      const parent: Checksum = tag === inRun ? checksum : reader.hex(16);
      checksum = reader.hex(16);
      entries.push({ op, at: 0, length: 0, name: { op, checksum, parent } });
    } else {
      const length = reader.uint();
      const at = reader.position;
      reader.raw(length);
      entries.push({ op, at, length, name: null });
    }
  }
  return entries;
}

/**
 * Reads the parts of a body, or of an echo when `named` is true.
 * @throws {@link MalformedError} when the bytes pass their CRC but are not valid parts.
 */
export function readParts(bytes: Uint8Array, named: boolean, each: (part: Part) => void): void {
  const reader = new Reader(bytes);
  while (reader.remaining > 0) each(readPart(reader, named));
}

function readPart(reader: Reader, named: boolean): Part {
  const tag = reader.u8();
  switch (tag) {
    case tags.change: {
      const namespace = reader.uint();
      const replica = reader.text();
      const turn = reader.uint();
      const view = viewstampSchema.decode(reader);
      const logView = viewstampSchema.decode(reader);
      const flags = reader.u8();
      const configuration = (flags & hasConfiguration) === 0 ? null : configurationSchema.decode(reader);
      const checkpoint = (flags & hasCheckpoint) === 0 ? null : checkpointInfoSchema.decode(reader);
      const truncateFrom = (flags & hasTruncate) === 0 ? null : reader.uint();
      const shortenTo = (flags & hasShorten) === 0 ? null : reader.uint();
      const installs = (flags & hasInstall) !== 0;
      const resets = (flags & hasReset) !== 0;
      const entriesAt = reader.position;
      const entries = readEntries(reader, named);
      return {
        kind: 'change',
        namespace,
        replica,
        turn,
        view,
        logView,
        installs,
        configuration,
        checkpoint,
        resets,
        truncateFrom,
        shortenTo,
        entries,
        entriesAt,
      };
    }
    case tags.copy: {
      const namespace = reader.uint();
      const replica = reader.text();
      const entriesAt = reader.position;
      return { kind: 'copy', namespace, replica, entries: readEntries(reader, named), entriesAt };
    }
    case tags.create:
      return { kind: 'create', state: replicaStateSchema.decode(reader) };
    case tags.remove:
      return { kind: 'remove', namespace: reader.uint(), replica: reader.text() };
    case tags.node:
      return { kind: 'node', record: reader.bytes().slice() };
    case tags.manifest: {
      const opening = bool.decode(reader);
      const record = bool.decode(reader) ? reader.bytes().slice() : null;
      const roster = reader.uint();
      const rosterProven = bool.decode(reader);
      return { kind: 'manifest', opening, record, roster, rosterProven, replicas: manifestSchema.decode(reader) };
    }
    default:
      throw new MalformedError(`unknown part ${tag}`);
  }
}

/** The entry in `bytes`, or null when they hold no entry. */
export function entryIn(bytes: Uint8Array, hash: Hash): Entry | null {
  try {
    return decodeEntry(bytes, hash);
  } catch (error) {
    if (error instanceof MalformedError) return null;
    throw error;
  }
}
