/** Mutants of the handshake between nodes, of what it proves and of how much it takes: scenario V31. */

import type { Mutant } from './mutant.ts';

const peers = 'core/cluster/peers/peers.ts';
const handshake = 'core/cluster/peers/handshake.ts';
const wire = 'core/wire/peer.ts';

function unbound(name: string, file: string, find: string, replace: string): Mutant {
  return { scenario: 'V31', name, by: 'handshakes', edits: [{ file, find, replace }] };
}

export const handshakeMutants: readonly Mutant[] = [
  unbound(
    'a hello of any length is read of who has proven nothing',
    wire,
    'if (frame.length > maxBytes)',
    'if (frame.length > maxBytes * 1e6)',
  ),
  unbound(
    'any message of a handshake is read, whichever is due',
    wire,
    'if (tag !== controlTag || !next.some((one) => handshakeVariants[one][0] === kind))',
    'if (tag !== controlTag || !Object.values(handshakeVariants).some(([one]) => one === kind))',
  ),
  unbound(
    'what follows the message that is due in its frame is ignored',
    wire,
    '    const message = handshakeSchema.decode(reader);\n    reader.end();\n',
    '    const message = handshakeSchema.decode(reader);\n',
  ),
  unbound(
    'links that have proven nothing take as many places as they like',
    peers,
    'if (this.#greeting.size >= maxGreeting)',
    'if (this.#greeting.size >= 100 * maxGreeting)',
  ),
  unbound(
    'a link that has proven nothing may wait for ever',
    peers,
    "if (now - since > this.#times.helloMs) link.close(closeCodes.timeout, 'no hello');",
    "if (now < since) link.close(closeCodes.timeout, 'no hello');",
  ),
  {
    scenario: 'V31',
    name: 'the addresses of a hello are not proven',
    by: 'handshakes',
    edits: [
      {
        file: handshake,
        find: 'const said = { role, ...nonces, cluster, from, target,',
        replace: 'const said = { role, ...nonces, cluster, from: { ...from, apiAddress: from.name }, target,',
      },
      {
        file: handshake,
        find: "{ role: 'dialler', nonces, hello, answer: hello.from,",
        replace: "{ role: 'dialler', nonces, hello, answer: { ...hello.from, apiAddress: hello.from.name },",
      },
    ],
  },
  unbound(
    'the node that is meant is not proven',
    handshake,
    'cluster, from, target, targetIncarnation, ...answered };',
    'cluster, from, target: "", targetIncarnation: cluster, ...answered };',
  ),
  unbound(
    'what the acceptor says of itself is not proven',
    handshake,
    'cluster, from, target, targetIncarnation, ...answered };',
    'cluster, from, target, targetIncarnation, ...answered, answer: from };',
  ),
  unbound(
    'whether the acceptor refuses, and has lost its log, is not proven',
    handshake,
    'verdict: verdictOf(problem),',
    "verdict: problem === null ? 'taken' : 'taken',",
  ),
];
