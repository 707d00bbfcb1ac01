/** What a page loads in the place of something else says the same, whatever is asked of it. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as base64 from '../../core/base/base64.ts';
import * as base64OfPage from '../../browser-client/page-base64.ts';
import { errorSchema as errorOfPage } from '../../core/base/error-checks.ts';
import { errorSchema } from '../../core/base/error-schema.ts';
import { errorInfo } from '../../core/base/errors.ts';
import { utf8Length } from '../../core/base/utf8-length.ts';
import { utf8Length as utf8LengthOfPage } from '../../browser-client/page-utf8-length.ts';
import { Numbered } from '../../core/base/numbered.ts';
import { Numbered as NumberedOfPage } from '../../core/base/numbered-page.ts';
import * as deadlines from '../../core/client/deadlines.ts';
import * as deadlinesOfPage from '../../core/client/deadlines-page.ts';
import { error } from '../wire/arbitrary.ts';

describe('in a page', () => {
  it('base64 has the same one form of each value', () => {
    const same = (text: string): void => {
      expect(base64OfPage.bytesFromBase64(text)).toEqual(base64.bytesFromBase64(text));
    };
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 20_000 }), (bytes) => {
        const text = base64.base64FromBytes(bytes);
        expect(base64OfPage.base64FromBytes(bytes)).toBe(text);
        for (const one of [text, `${text} `, text.slice(1), text.replace(/=+$/, ''), `${text}====`]) same(one);
      }),
    );
    fc.assert(fc.property(fc.stringMatching(/^[A-Za-z0-9+/=_ -]{0,12}$/), same));
    fc.assert(fc.property(fc.string({ unit: 'binary' }), same));
  });

  it('text has the same length in UTF-8, with lone surrogates too', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }),
        fc.string({ unit: fc.constantFrom('a', 'é', '€', '\ud800', '\udc00') }),
        (one, other) => {
          for (const text of [one, other]) expect(utf8LengthOfPage(text)).toBe(utf8Length(text));
        },
      ),
    );
  });

  it('an error has the same code, message and details', () => {
    fc.assert(
      fc.property(error, (one) => {
        expect(errorOfPage.check(one)).toEqual(errorSchema.check(one));
      }),
    );
    expect(
      errorOfPage.check({ ...errorInfo('Timeout', 'late'), details: { list: [], none: null, text: 'kept' } }).details,
    ).toEqual({ text: 'kept' });
  });

  it('a table by number says the same', () => {
    const step = fc.tuple(fc.constantFrom('set', 'take', 'get', 'clear'), fc.nat(60));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const one = new Numbered<string>();
        const other = new NumberedOfPage<string>();
        steps.forEach(([kind, number], at) => {
          if (kind === 'clear' && number > 50) for (const table of [one, other]) table.clear();
          if (kind === 'set') for (const table of [one, other]) table.set(number, `item ${at}`);
          if (kind === 'take') expect(other.take(number)).toBe(one.take(number));
          expect(other.get(number)).toBe(one.get(number));
          expect(other.size).toBe(one.size);
        });
        expect(other.entries()).toEqual(one.entries());
        expect(other.values()).toEqual(one.values());
      }),
    );
  });

  it('calls run out of time at the same ticks', () => {
    class Call extends deadlines.Timed {
      over = 0;
      override expired(): void {
        this.over++;
      }
    }
    class CallOfPage extends deadlinesOfPage.Timed {
      over = 0;
      override expired(): void {
        this.over++;
      }
    }
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(3), fc.nat(20)), { maxLength: 60 }), (steps) => {
        const one = new deadlines.Deadlines();
        const other = new deadlinesOfPage.Deadlines();
        const calls: [Call, CallOfPage][] = [];
        let now = 0;
        for (const [kind, n] of steps) {
          if (kind < 2) {
            const [a, b] = [new Call(n), new CallOfPage(n)];
            calls.push([a, b]);
            one.add(a, now);
            other.add(b, now);
          } else if (kind === 2) {
            now += n;
            one.expire(now);
            other.expire(now);
          } else {
            const pair = calls[n];
            if (pair === undefined) continue;
            one.remove(pair[0]);
            other.remove(pair[1]);
          }
          for (const [a, b] of calls) expect([b.over, b.timed, b.deadlineMs]).toEqual([a.over, a.timed, a.deadlineMs]);
          expect(other.all()).toHaveLength(one.all().length);
        }
      }),
    );
  });
});
