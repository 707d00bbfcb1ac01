/**
 * Random handshakes of two nodes from one seed, with somebody between them and somebody at their doors. The one between
 * them alters what it passes on, or says again what it heard before. The others say too much, too early, or nothing at
 * all. No link opens on what was altered, nothing is read of who has proven nothing but the message that is due, and the
 * two nodes find each other again (protocol §1).
 */

import { hexFromBytes } from '../../core/base/bytes.ts';
import { errorInfo } from '../../core/base/errors.ts';
import type { Frame, Link, LinkHandler } from '../../core/base/ports.ts';
import { SeededRandom } from '../../core/base/random.ts';
import { defaultTiming } from '../../core/cluster/base/host.ts';
import { nodeTimes } from '../../core/cluster/base/times.ts';
import { DiallerProof } from '../../core/cluster/peers/handshake.ts';
import type { SimNode } from '../../core/sim/sim-node.ts';
import { World } from '../../core/sim/world.ts';
import {
  decodePeerFrame,
  encodePeerFrames,
  maxHandshakeBytes,
  peerProtocol,
  peerSubprotocol,
} from '../../core/wire/peer.ts';
import type { PeerMessage } from '../../core/wire/peer.ts';
import { NodeHash } from '../../node-server/node-hash.ts';
import { telling } from '../again.ts';

const hash = new NodeHash();
const times = nodeTimes(defaultTiming);
/** So many links that have proven nothing may be open at a node at once. */
const maxGreeting = 64;
const secret = 'the secret of this cluster';
const frameOf = (...messages: readonly PeerMessage[]): Uint8Array => encodePeerFrames(messages, 2 ** 24)[0]!;
type Of<K extends PeerMessage['kind']> = Extract<PeerMessage, { kind: K }>;

/** @throws with what runs the seed again, when a link opens that should not, or one does not that should. */
export function shakeHands(seed: number): void {
  telling('handshakes', seed, 'test/cluster/handshakes.test.ts', () => {
    const shaking = new Handshakes(seed);
    for (let step = 0; step < 12; step++) shaking.step();
  });
}

/** What is done to the links between the nodes: to which message, and how. */
type Trick = Readonly<Partial<Record<'greet' | 'hello' | 'welcome', (message: PeerMessage) => PeerMessage>>>;

class Handshakes {
  readonly #random: SeededRandom;
  readonly #world: World;
  #trick: Trick | null = null;
  /** What was said on links before. */
  readonly #heard: PeerMessage[] = [];

  constructor(seed: number) {
    this.#random = new SeededRandom(seed, 0x5ba4e);
    const configured = this.#random.chance(1, 2);
    this.#world = new World({
      seed,
      nodes: 2,
      settings: {
        timing: defaultTiming,
        hash,
        segmentBytes: 1024 * 1024,
        checkpointBytes: 1024 * 1024,
        ...(configured ? { secrets: this.#random.chance(1, 2) ? [secret] : [secret, 'the one before it'] } : {}),
      },
    });
    this.#world.found([]);
    for (const node of this.#world.nodes) this.#standBefore(node);
  }

  step(): void {
    const node = this.#random.pick(this.#world.nodes);
    switch (this.#random.pick(['between', 'between', 'door', 'door', 'door', 'crowd'] as const)) {
      case 'between':
        this.#trick = this.#anyTrick();
        this.#world.network.reset('n1', 'n2');
        this.#world.run(2_000_000);
        this.#believesNothing();
        this.#trick = null;
        break;
      case 'door':
        for (let i = 0; i < 4; i++) this.#atDoor(node);
        break;
      case 'crowd':
        this.#crowd(node);
    }
    this.#together();
  }

  /** What was altered is no proof that a node has lost anything. */
  #believesNothing(): void {
    for (const { name, node } of this.#world.nodes) {
      const believed = node!.health().problems.find((text) => /has lost its log|has another data directory/.test(text));
      if (believed !== undefined) throw new Error(`${name} believes what was altered: ${believed}`);
    }
  }

  /** Each is connected with the other, and has nothing to report. */
  #together(): void {
    const { nodes } = this.#world;
    const whole = (): boolean => nodes.every((node) => node.node?.view().connectedPeers.length === 1);
    if (!this.#world.until(whole, 3_000_000)) throw new Error('the two nodes do not find each other');
    this.#world.run(2_000_000);
    for (const { name, node } of nodes) {
      const { problems } = node!.health();
      if (problems.length > 0) throw new Error(`${name} reports ${problems.join(' | ')}`);
    }
  }

  // Between the two.

  /** Whoever dials `node` from another node gets through somebody who alters what passes. */
  #standBefore(node: SimNode): void {
    const usual = node.accept.bind(node);
    node.accept = (through, subprotocol, link, from) => {
      if (through !== 'cluster' || !from.startsWith('n')) return usual(through, subprotocol, link, from);
      return new Between(this.#trick, this.#heard, link).handler((far) => usual(through, subprotocol, far, from));
    };
  }

  #anyTrick(): Trick {
    const random = this.#random;
    const kind = random.pick(['greet', 'hello', 'welcome'] as const);
    if (random.chance(1, 4)) {
      const before = this.#heard.filter((one) => one.kind === kind);
      if (before.length > 0) return { [kind]: () => random.pick(before) };
    }
    const change = (message: PeerMessage): PeerMessage => {
      if (message.kind === 'greet') return { ...message, nonce: this.#id() };
      if (message.kind === 'hello') return this.#alteredHello(message);
      return message.kind === 'welcome' ? this.#alteredWelcome(message) : message;
    };
    return { [kind]: change };
  }

  #id(): string {
    return hexFromBytes(this.#random.bytes(16));
  }

  #alteredFrom(from: Of<'hello'>['from']): Of<'hello'>['from'] {
    const field = this.#random.pick(['name', 'incarnation', 'clusterAddress', 'adminAddress', 'apiAddress'] as const);
    return { ...from, [field]: field === 'incarnation' ? this.#id() : field === 'name' ? 'x1' : 'evil:9' };
  }

  #alteredHello(hello: Of<'hello'>): Of<'hello'> {
    switch (this.#random.below(5)) {
      case 0:
        return { ...hello, cluster: this.#id() };
      case 1:
        return { ...hello, target: '' };
      case 2:
        return { ...hello, targetIncarnation: '0'.repeat(32) };
      case 3:
        return { ...hello, proofs: [hexFromBytes(this.#random.bytes(32))] };
      default:
        return { ...hello, from: this.#alteredFrom(hello.from) };
    }
  }

  #alteredWelcome(welcome: Of<'welcome'>): Of<'welcome'> {
    switch (this.#random.below(5)) {
      case 0:
        return { ...welcome, cluster: this.#random.pick(['0'.repeat(32), this.#id()]) };
      case 1:
        return { ...welcome, proof: this.#random.pick([null, hexFromBytes(this.#random.bytes(32))]) };
      case 2:
        return { ...welcome, problem: errorInfo('NodeRefused', 'it is gone', { emptied: this.#random.chance(3, 4) }) };
      default:
        return { ...welcome, from: this.#alteredFrom(welcome.from) };
    }
  }

  // At the door.

  /** Somebody without the secret says one thing after the other. */
  #atDoor(node: SimNode): void {
    const random = this.#random;
    const heard: PeerMessage[] = [];
    const closed: number[] = [];
    let due: 'greet' | 'hello' | 'nothing' = 'greet';
    const proof = new DiallerProof({ hash, random }, [hexFromBytes(random.bytes(32))]);
    const link: Link = this.#world.network.transportOf('x1').dial(node.clusterAddress, peerSubprotocol, {
      onFrame: (frame) => void heard.push(...decodePeerFrame(frame, hash)),
      onClose: (code) => void closed.push(code),
    });
    this.#world.run(2000);
    for (let left = 1 + random.below(4); left > 0; left--) {
      const before = heard.length;
      const { frame, kind } = this.#saying(node, proof, heard);
      link.send(frame);
      this.#world.run(5000);
      const answers = heard.slice(before);
      const greeted: boolean = kind === 'greet' && due === 'greet';
      const said = answers.map((one) => (one.kind === 'refused' ? one.error.code : one.kind)).join();
      const wanted = greeted ? 'greet' : due === 'nothing' ? '' : kind === due ? 'NodeRefused' : 'BadFrame';
      if (said !== wanted) throw new Error(`${node.name} answers "${said}" and not "${wanted}" when ${due} is due`);
      const [refused] = answers;
      if (
        frame.length > maxHandshakeBytes &&
        refused?.kind === 'refused' &&
        !refused.error.message.includes('too long')
      )
        throw new Error(`${node.name} reads ${frame.length} bytes of who has proven nothing`);
      due = greeted ? 'hello' : 'nothing';
    }
    link.close(1000, '');
    if (due === 'nothing' && closed.length === 0) throw new Error(`${node.name} keeps the link of whom it refused`);
  }

  #saying(
    { name, clusterAddress, adminAddress, apiAddress, node }: SimNode,
    proof: DiallerProof,
    heard: readonly PeerMessage[],
  ): { readonly frame: Frame; readonly kind: 'greet' | 'hello' | 'other' } {
    const random = this.#random;
    const greet: PeerMessage = { kind: 'greet', protocol: peerProtocol, nonce: this.#id() };
    const theirs = heard.find((one) => one.kind === 'greet');
    const { cluster, incarnation } = node!.view();
    const from = { name: 'n9', incarnation: this.#id(), clusterAddress, adminAddress, apiAddress };
    const content = { cluster: cluster!, from, target: name, targetIncarnation: incarnation };
    const hello = theirs === undefined ? null : proof.hello(theirs, content);
    const overheard = this.#heard.filter((one) => one.kind === 'hello');
    switch (random.below(6)) {
      case 0:
        return {
          frame: frameOf(greet, random.pick<PeerMessage>([greet, { kind: 'ping', answer: true }])),
          kind: 'other',
        };
      case 1:
        return { frame: frameOf({ kind: 'ping', answer: true }), kind: 'other' };
      case 2: {
        // It begins as what is due, and goes on for very long.
        const first = frameOf(theirs === undefined ? greet : (hello ?? random.pick(overheard)));
        const frame = new Uint8Array(maxHandshakeBytes + 1 + random.below(100_000));
        frame.set(first);
        return { frame, kind: 'other' };
      }
      case 3:
        return overheard.length === 0
          ? { frame: frameOf(greet), kind: 'greet' }
          : { frame: frameOf(random.pick(overheard)), kind: 'hello' };
      default:
        return hello === null ? { frame: frameOf(greet), kind: 'greet' } : { frame: frameOf(hello), kind: 'hello' };
    }
  }

  /** Many come, and say nothing. */
  #crowd(node: SimNode): void {
    const open = new Set<Link>();
    for (let i = 0; i < maxGreeting + 40; i++) {
      const link: Link = this.#world.network.transportOf('x1').dial(node.clusterAddress, peerSubprotocol, {
        onOpen: () => open.add(link),
        onFrame: () => undefined,
        onClose: () => open.delete(link),
      });
    }
    this.#world.run(20_000);
    if (open.size > maxGreeting) throw new Error(`${node.name} keeps ${open.size} links that have proven nothing`);
    this.#world.network.reset('n1', 'n2');
    this.#world.run(3_000_000);
    if (node.node!.view().connectedPeers.length === 0) throw new Error(`${node.name} has no place for a member`);
    this.#world.run((times.helloMs + defaultTiming.suspicionMs - 3000) * 1000);
    if (open.size > 0) throw new Error(`${node.name} waits for ever for ${open.size} links that have proven nothing`);
  }
}

/** Somebody between the two ends of a link. */
class Between {
  readonly #trick: Trick | null;
  readonly #heard: PeerMessage[];
  readonly #near: Link;
  /** What was altered on the way to each end. */
  #toAcceptor = false;
  #toDialler = false;

  constructor(trick: Trick | null, heard: PeerMessage[], near: Link) {
    this.#trick = trick;
    this.#heard = heard;
    this.#near = near;
  }

  /** @param accept takes the link, as the acceptor sees it. */
  handler(accept: (far: Link) => LinkHandler | null): LinkHandler | null {
    const near = this.#near;
    const far: Link = {
      send: (frame) => near.send(this.#toTheDialler(frame)),
      close: (code, reason) => near.close(code, reason),
      buffered: () => near.buffered(),
    };
    const inner = accept(far);
    if (inner === null) return null;
    return {
      onFrame: (frame) => inner.onFrame(this.#toTheAcceptor(frame)),
      onClose: (code, reason) => inner.onClose(code, reason),
    };
  }

  #toTheAcceptor(frame: Frame): Frame {
    const messages = decodePeerFrame(frame, hash);
    const [first] = messages;
    if (first?.kind === 'greet' || first?.kind === 'hello') {
      const passed = this.#pass(first);
      if (passed !== first) this.#toAcceptor = true;
      return passed === first ? frame : frameOf(passed);
    }
    if (this.#toDialler || this.#toAcceptor)
      throw new Error(`a node says ${first?.kind ?? 'nothing'} on a link whose handshake was altered`);
    return frame;
  }

  #toTheDialler(frame: Frame): Frame {
    const messages = decodePeerFrame(frame, hash);
    const [first] = messages;
    if (this.#toAcceptor && first?.kind !== 'greet' && first?.kind !== 'refused')
      throw new Error(`a node answers ${first?.kind ?? 'nothing'} to a handshake that was altered`);
    if (first?.kind !== 'greet' && first?.kind !== 'welcome') return frame;
    const passed = this.#pass(first);
    if (passed === first) return frame;
    this.#toDialler = true;
    // What follows of a dialler that heard another greeting is altered as well.
    if (first.kind === 'greet') this.#toAcceptor = true;
    return frameOf(passed);
  }

  #pass(message: PeerMessage): PeerMessage {
    const known = this.#heard.length < 60;
    if (known) this.#heard.push(message);
    const { kind } = message;
    if (this.#trick === null || (kind !== 'greet' && kind !== 'hello' && kind !== 'welcome')) return message;
    const passed = this.#trick[kind]?.(message) ?? message;
    return JSON.stringify(passed) === JSON.stringify(message) ? message : passed;
  }
}
