/** Addresses as people type them, and the explanations for those that a page cannot reach. */

import { describe, expect, it } from 'vitest';
import { readAddress, whyNoAnswer } from '../../playground/address.ts';

const plain = { protocol: 'http:', origin: 'http://127.0.0.1:2002', host: '127.0.0.1:2002' };
const secure = { protocol: 'https:', origin: 'https://haret.example', host: 'haret.example' };
const file = { protocol: 'file:', origin: 'null', host: '' };

describe('an address that is typed', () => {
  it('is host and port, or a URL', () => {
    expect(readAddress(' 127.0.0.1:2002 ', plain)).toEqual({ address: '127.0.0.1:2002' });
    expect(readAddress('ws://dev2.example:3002/', plain)).toEqual({ address: 'ws://dev2.example:3002' });
    expect(readAddress('http://localhost:2002/', file)).toEqual({ address: 'ws://localhost:2002' });
    expect(readAddress('wss://haret.example', secure)).toEqual({ address: 'wss://haret.example' });
  });

  it('is refused in plain words when it is not one', () => {
    for (const none of ['', 'a b', 'ws://', 'me:secret@host:1'])
      expect(readAddress(none, plain)).toMatchObject({
        problem: expect.stringContaining('is not an address') as string,
      });
    expect(readAddress('dev2', plain)).toMatchObject({ problem: expect.stringContaining('lacks the port') as string });
  });

  it('is wss when the page came over https, except for this machine', () => {
    expect(readAddress('ws://10.0.0.1:2002', secure)).toMatchObject({
      problem: expect.stringContaining('only to wss://') as string,
    });
    expect(readAddress('ws://localhost:2002', secure)).toEqual({ address: 'ws://localhost:2002' });
  });
});

describe('an address where no node answers', () => {
  it('is explained with what the node may lack', () => {
    expect(whyNoAnswer('127.0.0.1:3002', plain).join(' ')).toContain('allowed_origins = ["http://127.0.0.1:2002"]');
    expect(whyNoAnswer('127.0.0.1:2002', plain).join(' ')).not.toContain('allowed_origins');
    expect(whyNoAnswer('127.0.0.1:2002', file).join(' ')).toContain('opened from a file');
  });
});
