/**
 * How two nodes prove to each other that they know the cluster's secret (cluster interface, protocol §1). Each draws a
 * nonce. Each answers with a MAC over both nonces, its role, and everything that the other must believe about it,
 * including incarnations and addresses. The secret itself is never sent. The dialler proves first, so that a dialler
 * without the secret learns nothing from the node.
 */

import { hexFromBytes, utf8 } from '../../base/bytes.ts';
import type { ErrorInfo } from '../../base/errors.ts';
import { clusterIdSchema, idSchema, incarnationSchema } from '../../base/ids.ts';
import type { Hash, Random } from '../../base/ports.ts';
import { struct, text } from '../../base/schema.ts';
import { encodeWhole } from '../../base/whole.ts';
import type { NodeInfo } from '../../wire/node-info.ts';
import type { PeerMessage } from '../../wire/peer.ts';
import { nodeInfoSchema } from '../../wire/node-info.ts';
import { peerProtocol } from '../../wire/peer.ts';

type Greet = Extract<PeerMessage, { kind: 'greet' }>;
type Hello = Extract<PeerMessage, { kind: 'hello' }>;
type Welcome = Extract<PeerMessage, { kind: 'welcome' }>;
export type HelloContent = Omit<Hello, 'kind' | 'proofs'>;

export interface ProofPorts {
  readonly hash: Hash;
  readonly random: Random;
}

const nonceBytes = 16;

const saidSchema = struct({
  /** The end that proves. So neither end's proof can be sent back to it as the proof of the other. */
  role: text(16),
  dialler: idSchema,
  acceptor: idSchema,
  cluster: clusterIdSchema,
  from: nodeInfoSchema,
  target: text(64),
  targetIncarnation: incarnationSchema,
  /** What the acceptor says about itself. In the dialler's proof it is the dialler again. */
  answer: nodeInfoSchema,
  answerCluster: clusterIdSchema,
  /** Whether the acceptor can use the link; `taken` in the dialler's proof. */
  verdict: text(16),
});

/** What the dialler believes of the problem in a welcome. Its words are only for the log. */
type Verdict = 'taken' | 'refused' | 'emptied';

function verdictOf(problem: ErrorInfo | null): Verdict {
  if (problem === null) return 'taken';
  return problem.details['emptied'] === true ? 'emptied' : 'refused';
}

interface Nonces {
  readonly dialler: string;
  readonly acceptor: string;
}

/** Everything that a proof covers. */
interface Proven {
  readonly role: 'dialler' | 'acceptor';
  readonly nonces: Nonces;
  readonly hello: HelloContent;
  /** What the acceptor says of itself; in the dialler's proof, the dialler again. */
  readonly answer: NodeInfo;
  readonly answerCluster: string;
  readonly verdict: Verdict;
}

function prove(hash: Hash, secret: string, { role, nonces, hello, ...answered }: Proven): string {
  const { cluster, from, target, targetIncarnation } = hello;
  const said = { role, ...nonces, cluster, from, target, targetIncarnation, ...answered };
  return hash.mac(utf8(secret), encodeWhole(saidSchema, said));
}

function ofDialler(nonces: Nonces, hello: HelloContent): Proven {
  return { role: 'dialler', nonces, hello, answer: hello.from, answerCluster: hello.cluster, verdict: 'taken' };
}

function ofAcceptor(
  nonces: Nonces,
  hello: HelloContent,
  { from, cluster, problem }: Pick<Welcome, 'from' | 'cluster' | 'problem'>,
): Proven {
  return {
    role: 'acceptor',
    nonces,
    hello,
    answer: from,
    answerCluster: cluster,
    verdict: verdictOf(problem),
  };
}

/** Compares texts in a time that does not depend on where they differ. */
function same(a: string, b: string): boolean {
  if (a.length !== b.length) return false;
  let different = 0;
  for (let i = 0; i < a.length; i++) different |= a.charCodeAt(i) ^ b.charCodeAt(i);
  return different === 0;
}

function drawNonce(random: Random): string {
  return hexFromBytes(random.bytes(nonceBytes));
}

const beforeHello = ['greet', 'refused'] as const;
const afterHello = ['welcome', 'refused'] as const;

/** The end that dialled. */
export class DiallerProof {
  readonly #ports: ProofPorts;
  readonly #secrets: readonly string[];
  readonly #nonce: string;
  #hello: Hello | null = null;
  #nonces: Nonces | null = null;

  /** @param secrets the secrets in force, newest first. */
  constructor(ports: ProofPorts, secrets: readonly string[]) {
    this.#ports = ports;
    this.#secrets = secrets;
    this.#nonce = drawNonce(ports.random);
  }

  greet(): Greet {
    return { kind: 'greet', protocol: peerProtocol, nonce: this.#nonce };
  }

  /** The messages that the other end may send now. */
  get next(): readonly ('greet' | 'welcome' | 'refused')[] {
    return this.#hello === null ? beforeHello : afterHello;
  }

  /** The answer to the other end's greeting. Null when it was answered before. */
  hello(theirs: Greet, content: HelloContent): Hello | null {
    if (this.#hello !== null) return null;
    const nonces = { dialler: this.#nonce, acceptor: theirs.nonce };
    this.#nonces = nonces;
    const proofs = this.#secrets.map((secret) => prove(this.#ports.hash, secret, ofDialler(nonces, content)));
    this.#hello = { kind: 'hello', ...content, proofs };
    return this.#hello;
  }

  /** True when the other end has proven that it knows one of our secrets. */
  proven(welcome: Welcome): boolean {
    const hello = this.#hello;
    const nonces = this.#nonces;
    const { proof } = welcome;
    if (hello === null || nonces === null || proof === null) return false;
    const proven = ofAcceptor(nonces, hello, welcome);
    return this.#secrets.some((secret) => same(proof, prove(this.#ports.hash, secret, proven)));
  }
}

/** The end that was dialled. */
export class AcceptorProof {
  readonly #ports: ProofPorts;
  readonly #nonce: string;
  #theirs: string | null = null;

  constructor(ports: ProofPorts) {
    this.#ports = ports;
    this.#nonce = drawNonce(ports.random);
  }

  /** The answer to the dialler's greeting. Null when it was answered before. */
  greet(theirs: Greet): Greet | null {
    if (this.#theirs !== null) return null;
    this.#theirs = theirs.nonce;
    return { kind: 'greet', protocol: peerProtocol, nonce: this.#nonce };
  }

  get greeted(): boolean {
    return this.#theirs !== null;
  }

  /** Our secret that the dialler has proven to know, or null. */
  judge(hello: Hello, secrets: readonly string[]): string | null {
    const proven = ofDialler(this.#nonces(), hello);
    for (const secret of secrets) {
      const expected = prove(this.#ports.hash, secret, proven);
      if (hello.proofs.some((proof) => same(proof, expected))) return secret;
    }
    return null;
  }

  /** @param secret the secret that the dialler has proven, or null where this node has none yet. */
  welcome(hello: Hello, secret: string | null, from: NodeInfo, cluster: string, problem: ErrorInfo | null): Welcome {
    const proven = ofAcceptor(this.#nonces(), hello, { from, cluster, problem });
    const proof = secret === null ? null : prove(this.#ports.hash, secret, proven);
    return { kind: 'welcome', cluster, from, proof, problem };
  }

  #nonces(): Nonces {
    return { dialler: this.#theirs ?? '', acceptor: this.#nonce };
  }
}
