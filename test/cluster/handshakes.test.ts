/**
 * Random handshakes (docs/simulator.md).
 * @module-tag slow
 */

import { describe, expect, it } from 'vitest';
import { errorInfo } from '../../core/base/errors.ts';
import { SeededRandom } from '../../core/base/random.ts';
import { AcceptorProof, DiallerProof } from '../../core/cluster/peers/handshake.ts';
import { NodeHash } from '../../node-server/node-hash.ts';
import { seedsOf } from '../again.ts';
import { shakeHands } from './handshakes.ts';

describe('nodes that somebody comes between', () => {
  it.each(seedsOf(1, 10))('believe nothing that was altered, and find each other again, seed %i', shakeHands);
});

describe('a welcome with a problem', () => {
  it('is proven with it: nobody between the two adds, takes out or changes that the other has lost its log', () => {
    const ports = { hash: new NodeHash(), random: new SeededRandom(1) };
    const [dialler, acceptor] = [new DiallerProof(ports, ['secret']), new AcceptorProof(ports)];
    const info = (name: string) => {
      return { name, incarnation: 'a'.repeat(32), clusterAddress: 'x:1', adminAddress: 'x:2', apiAddress: 'x:3' };
    };
    const cluster = 'c'.repeat(32);
    const greet = acceptor.greet(dialler.greet())!;
    const content = { cluster, from: info('n1'), target: 'n2', targetIncarnation: 'a'.repeat(32) };
    const hello = dialler.hello(greet, content)!;
    expect(acceptor.judge(hello, ['secret'])).toBe('secret');
    const problems = [
      null,
      errorInfo('NodeRefused', 'not now', {}),
      errorInfo('NodeRefused', 'its log is gone', { emptied: true }),
    ];
    for (const problem of problems) {
      const welcome = acceptor.welcome(hello, 'secret', info('n2'), cluster, problem);
      for (const told of problems) expect(dialler.proven({ ...welcome, problem: told })).toBe(told === problem);
    }
  });
});
