/** Small properties of a link: reasons that fit their frame, and addresses as people write them. */

import { describe, expect, it } from 'vitest';
import { isWellFormed } from '../../core/base/bytes.ts';
import { OriginCheck, isOrigin } from '../../node-server/origins.ts';
import { closeReason } from '../../node-server/ws-link.ts';
import { urlOf } from '../../node-server/ws-transport.ts';

describe('the reason of a close', () => {
  it('is cut at a character to the 123 bytes that a close frame has', () => {
    expect(closeReason('short')).toBe('short');
    expect(closeReason('x'.repeat(123))).toBe('x'.repeat(123));
    for (const long of ['x'.repeat(124), 'ü'.repeat(100), '🙂'.repeat(50)]) {
      const cut = closeReason(long);
      expect(Buffer.byteLength(cut)).toBeLessThanOrEqual(123);
      expect(Buffer.byteLength(cut)).toBeGreaterThan(115);
      expect(cut.endsWith('…')).toBe(true);
      expect(isWellFormed(cut)).toBe(true);
    }
  });
});

describe('an address', () => {
  it('is host:port or a URL', () => {
    expect(urlOf('127.0.0.1:5000')?.href).toBe('ws://127.0.0.1:5000/');
    expect(urlOf('[::1]:5000')?.href).toBe('ws://[::1]:5000/');
    expect(urlOf('wss://db.example.org/haret')?.href).toBe('wss://db.example.org/haret');
    for (const wrong of ['', 'a b:1', '127.0.0.1:99999', 'ws://']) expect(urlOf(wrong)).toBeNull();
  });
});

describe('an origin', () => {
  it('in the configuration is scheme, host and port, and nothing more', () => {
    expect(['http://a.example', 'https://a.example:8443', 'HTTPS://A.example'].every(isOrigin)).toBe(true);
    expect(
      ['a.example', 'https://a.example/', 'https://a.example/x', 'ws://a.example', '*', 'null'].some(isOrigin),
    ).toBe(false);
  });

  it('of a page is our own when this machine serves the page at the address in the request', () => {
    const check = new OriginCheck([]);
    check.serveFrom(['db.example.org:5002'], 5002);
    expect(check.allows('http://db.example.org:5002', { localAddress: '10.0.0.7' })).toBe(true);
    expect(check.allows('http://10.0.0.7:5002', { localAddress: '::ffff:10.0.0.7' })).toBe(true);
    expect(check.allows('http://10.0.0.8:5002', { localAddress: '10.0.0.7' })).toBe(false);
    expect(check.allows('http://10.0.0.7:80', { localAddress: '10.0.0.7' })).toBe(false);
    // Its name may have been bound to our address since.
    expect(check.allows('http://evil.example:5002', { localAddress: '10.0.0.7' })).toBe(false);
  });
});
