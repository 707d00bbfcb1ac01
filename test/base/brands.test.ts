/** What the compiler refuses. `tsc` holds this file: an expected error that does not come is an error. */

import { describe, expect, it } from 'vitest';
import { Reader, Writer } from '../../core/base/bytes.ts';
import type { ClusterId, Incarnation, Op, SessionId, View } from '../../core/base/ids.ts';
import { namespaceOf, sessionOf } from '../../core/base/ids.ts';
import { struct, uint } from '../../core/base/schema.ts';

const stampSchema = struct({ view: uint<View>(), op: uint<Op>() });

function next(op: Op): Op {
  return op + 1;
}

describe('a branded number', () => {
  it('is a number at run time, and takes part in arithmetic', () => {
    const op: Op = 7;
    expect(next(op)).toBe(8);
    expect(sessionOf(op)).toBe(7);
    expect(namespaceOf(op)).toBe(7);
  });

  it('has one kind', () => {
    const op: Op = 7;
    const view: View = 3;
    // @ts-expect-error a view is not an op
    expect(next(view)).toBe(4);
    // @ts-expect-error a session is named by an op, but not every op is a session
    const session: SessionId = op;
    expect(session).toBe(7);
    const cluster: ClusterId = '00';
    // @ts-expect-error a cluster is not an incarnation
    const incarnation: Incarnation = cluster;
    expect(incarnation).toBe('00');
  });

  it('has the kind that the schema of a message names', () => {
    const writer = new Writer();
    stampSchema.encode(writer, { view: 3, op: 7 });
    const decoded = stampSchema.decode(new Reader(writer.view()));
    expect(next(decoded.op)).toBe(8);
    // @ts-expect-error a view is not an op
    expect(next(decoded.view)).toBe(4);
    const view: View = 3;
    // @ts-expect-error the fields are not exchanged
    stampSchema.encode(writer, { view: decoded.op, op: view });
  });
});
