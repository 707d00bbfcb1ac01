import { describe, expect, it } from 'vitest';
import { Reader, Writer } from '../../core/base/bytes.ts';
import { MalformedError } from '../../core/base/errors.ts';
import { makeEntry } from '../../core/vr/entry.ts';
import type { Message } from '../../core/vr/messages.ts';
import { decodeMessage, encodeMessage } from '../../core/vr/messages.ts';
import { NodeHash } from '../../node-server/node-hash.ts';
import { body } from './toy-machine.ts';

const hash = new NodeHash();
const id = 'ab'.repeat(16);
const envelope = { cluster: id, namespace: 3, replica: 'a', node: 'n', incarnation: id, to: 'b', epoch: 1, view: 4 };
const place = { epoch: 1, view: 4, commit: 0, timestamp: 5, session: 9, request: 2, answered: 1 };
const first = makeEntry({ ...place, op: 1, parent: id, body: body('one') }, hash);
const second = makeEntry({ ...place, op: 2, parent: first.checksum, body: body('') }, hash);

function encoded(message: Message): Uint8Array {
  const writer = new Writer();
  encodeMessage(writer, message);
  return writer.finish();
}

describe('messages between replicas', () => {
  it('are decoded as they were encoded', () => {
    const log = {
      logView: { epoch: 1, view: 3 },
      head: 2,
      floor: 1,
      floorChecksum: id,
      checkpointOp: 1,
      checksums: [id],
      corrupt: [2],
    };
    const messages: Message[] = [
      { ...envelope, kind: 'prepare', commit: 1, entries: [first, second] },
      { ...envelope, kind: 'prepareOk', op: 2 },
      { ...envelope, kind: 'commit', round: 1, commit: 2, head: 3, agreed: { op: 1, hash: id }, shortenTo: 0 },
      { ...envelope, kind: 'doViewChange', log },
      { ...envelope, kind: 'startView', nonce: 0, commit: 2, log },
      { ...envelope, kind: 'chunk', nonce: 1, index: 0, bytes: null },
      { ...envelope, kind: 'viewNow' },
    ];
    for (const message of messages) {
      const reader = new Reader(encoded(message));
      expect(decodeMessage(reader, hash)).toEqual(message);
      reader.end();
    }
  });

  it('with a flipped bit in an entry are refused', () => {
    const bytes = encoded({ ...envelope, kind: 'prepare', commit: 1, entries: [first] });
    bytes[bytes.length - 1]! ^= 1;
    expect(() => decodeMessage(new Reader(bytes), hash)).toThrow(MalformedError);
  });

  it('cut off anywhere are refused', () => {
    const bytes = encoded({ ...envelope, kind: 'prepare', commit: 1, entries: [first, second] });
    for (let length = 0; length < bytes.length; length++) {
      expect(() => decodeMessage(new Reader(bytes.subarray(0, length)), hash)).toThrow(MalformedError);
    }
  });
});
