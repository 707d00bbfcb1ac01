/**
 * A program at the cluster port of a node: with the secret, without it, or with another one. It says what a test wants.
 */

import { textOf } from '../../core/base/bytes.ts';
import { SeededRandom } from '../../core/base/random.ts';
import { noCluster } from '../../core/base/ids.ts';
import { DiallerProof } from '../../core/cluster/peers/handshake.ts';
import type { HelloContent } from '../../core/cluster/peers/handshake.ts';
import { secretFile } from '../../core/cluster/peers/secret.ts';
import type { SimNode } from '../../core/sim/sim-node.ts';
import { decodePeerFrame, encodePeerFrames, peerSubprotocol } from '../../core/wire/peer.ts';
import type { PeerMessage } from '../../core/wire/peer.ts';
import { NodeHash } from '../../node-server/node-hash.ts';
import type { RawConnection, Story } from './story.ts';

const hash = new NodeHash();
const addresses = { clusterAddress: 'x:1', adminAddress: 'x:2', apiAddress: 'x:3' };

/** The secret that a node drew or was given, as it is on its disk. */
export function secretOf(node: SimNode): string {
  return textOf(node.disk.read(secretFile, 0, 4096))!.trim();
}

/** A hello of a node `x` to n1. */
export function helloTo(story: Story, more: Partial<HelloContent> = {}): HelloContent {
  const { name, incarnation, cluster } = story.node('n1').node!.view();
  const from = { name: 'x', incarnation: 'ab'.repeat(16), ...addresses };
  return { cluster: cluster ?? noCluster, from, target: name, targetIncarnation: incarnation, ...more };
}

/** What a member of the cluster says about itself. */
export function memberHello(story: Story, name: string, more: Partial<HelloContent> = {}): HelloContent {
  const node = story.node(name);
  const { clusterAddress, adminAddress, apiAddress } = node;
  const { incarnation } = node.node!.view();
  return helloTo(story, { from: { name, incarnation, clusterAddress, adminAddress, apiAddress }, ...more });
}

export class Dialler {
  readonly raw: RawConnection;
  /** Everything that it has said so far. */
  readonly said: PeerMessage[] = [];
  readonly #story: Story;
  #read = 0;
  readonly #messages: PeerMessage[] = [];

  constructor(story: Story, to = 'n1') {
    this.#story = story;
    this.raw = story.dial(story.node(to).clusterAddress, peerSubprotocol);
  }

  /** Everything that it has received so far. */
  get heard(): readonly PeerMessage[] {
    for (; this.#read < this.raw.frames.length; this.#read++) {
      this.#messages.push(...decodePeerFrame(this.raw.frames[this.#read]!, hash));
    }
    return this.#messages;
  }

  tell(...messages: PeerMessage[]): void {
    this.said.push(...messages);
    for (const frame of encodePeerFrames(messages, 1024 * 1024)) this.raw.link.send(frame);
  }

  /** Greets, waits for the greeting, and sends `hello` with proofs of these secrets. */
  greet(hello: HelloContent, secrets: readonly string[]): this {
    const proof = new DiallerProof({ hash, random: new SeededRandom(99) }, secrets);
    this.tell(proof.greet());
    const greeting = (): Extract<PeerMessage, { kind: 'greet' }> | undefined =>
      this.heard.find((message) => message.kind === 'greet');
    this.#story.until('a greeting', () => greeting() !== undefined || this.raw.closed !== null);
    const theirs = greeting();
    const said = theirs === undefined ? null : proof.hello(theirs, hello);
    if (said !== null) this.tell(said);
    this.#story.until('an answer', () => this.heard.length > 1 || this.raw.closed !== null);
    return this;
  }

  untilClosed(): number {
    this.#story.until('it is closed', () => this.raw.closed !== null, 1000);
    return this.raw.closed!.code;
  }
}
