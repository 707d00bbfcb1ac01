/** The bench knows an event when it sees one, in either codec, without reading it. */

import { describe, expect, it } from 'vitest';
import { isEvent } from '../../bench/watch-fan-out.ts';
import { encodeEvent } from '../../core/service/events.ts';
import { apiServerCodec } from '../../core/wire/api-codecs.ts';
import { apiSubprotocols } from '../../core/wire/api.ts';

const event = encodeEvent({ op: 1, timestamp: 2, folded: false, changes: [] });

describe.each(Object.values(apiSubprotocols))('%s', (subprotocol) => {
  const codec = apiServerCodec(subprotocol);

  it('tells an event from the other messages of a watch', () => {
    expect(isEvent(codec.encode([{ kind: 'event', id: 2, event }]))).toBe(true);
    expect(isEvent(codec.encode([{ kind: 'progress', id: 2, op: 7 }]))).toBe(false);
    expect(isEvent(codec.encode([{ kind: 'watching', id: 2, op: 7 }]))).toBe(false);
  });
});
