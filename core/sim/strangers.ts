/**
 * A stranger in a simulated world. At the cluster ports it says anything that can be said, in the names of members,
 * with what it overheard from them, whole and altered. It answers where a node that is off would answer. At the API
 * ports it asks for the impossible. It knows no secret. So nodes must tell it nothing except that it is refused, and
 * everything else must hold as if it were not there (protocol §1, "Judged before believed", V31).
 */

import { hexFromBytes } from '../base/bytes.ts';
import { MalformedError } from '../base/errors.ts';
import { noCluster, noIncarnation } from '../base/ids.ts';
import type { Frame, Hash, Link, LinkHandler } from '../base/ports.ts';
import { SeededRandom } from '../base/random.ts';
import { AcceptorProof, DiallerProof } from '../cluster/peers/handshake.ts';
import { encodeOperation } from '../service/body.ts';
import { apiClientCodec } from '../wire/api-codecs.ts';
import { apiProtocol, apiSubprotocols } from '../wire/api.ts';
import type { ClientMessage } from '../wire/api.ts';
import { decodePeerFrame, encodePeerFrames, peerSubprotocol } from '../wire/peer.ts';
import type { PeerMessage } from '../wire/peer.ts';
import { RuleBroken } from './checker.ts';
import type { SimNode } from './sim-node.ts';
import type { World } from './world.ts';

const host = 'x1';
const most = Number.MAX_SAFE_INTEGER;
const maxOverheard = 40;
const frameBytes = 64 * 1024;
/** What a node may tell someone who has proven nothing. */
const harmless: ReadonlySet<PeerMessage['kind']> = new Set<PeerMessage['kind']>(['greet', 'refused']);

export class Stranger {
  readonly #world: World;
  readonly #hash: Hash;
  readonly #random: SeededRandom;
  readonly #overheard: Uint8Array[] = [];
  readonly #hellos: Uint8Array[] = [];
  #active = false;

  constructor(world: World, hash: Hash, seed: number) {
    this.#world = world;
    this.#hash = hash;
    this.#random = new SeededRandom(seed, 0x57a6);
  }

  begin(): void {
    this.#active = true;
    this.#world.network.tap = (from, frame) => this.#listen(from, frame);
    this.#world.impostor = (node, link, from) => this.#inPlaceOf(node, link, from);
    this.#next();
  }

  end(): void {
    this.#active = false;
    this.#world.network.tap = null;
    this.#world.impostor = null;
  }

  #next(): void {
    this.#world.schedule.after(5000 + this.#random.below(200_000), () => {
      if (!this.#active) return;
      if (this.#random.chance(3, 4)) this.#atCluster();
      else this.#atApi();
      this.#next();
    });
  }

  /** It hears what nodes say to each other, because they do not encrypt it. */
  #listen(from: string, frame: Frame): void {
    if (from === host || typeof frame === 'string') return;
    const kept = this.#isHello(frame) ? this.#hellos : this.#overheard;
    if (kept.length < maxOverheard) kept.push(frame);
    else kept[this.#random.below(maxOverheard)] = frame;
  }

  #isHello(frame: Uint8Array): boolean {
    try {
      return frame.length < 1024 && decodePeerFrame(frame, this.#hash).some(({ kind }) => kind === 'hello');
    } catch (error) {
      // What it says itself in place of a node passes here as well.
      if (error instanceof MalformedError) return false;
      throw error;
    }
  }

  #atCluster(): void {
    const random = this.#random;
    const node = random.pick(this.#world.nodes);
    const proof = new DiallerProof({ hash: this.#hash, random }, [hexFromBytes(random.bytes(32))]);
    const send = (...messages: PeerMessage[]): void => {
      for (const frame of encodePeerFrames(messages, frameBytes)) link.send(frame);
    };
    const link: Link = this.#world.network.transportOf(host).dial(node.clusterAddress, peerSubprotocol, {
      onOpen: () => {
        if (random.chance(1, 6)) this.#say(link);
        send(proof.greet());
      },
      onFrame: (frame) => {
        for (const message of decodePeerFrame(frame, this.#hash)) {
          this.#judge(node.name, message);
          if (message.kind !== 'greet') continue;
          if (random.chance(1, 2) && this.#hellos.length > 0) link.send(random.pick(this.#hellos));
          else send(...[proof.hello(message, this.#hello(node.name))].filter((one) => one !== null));
          this.#say(link);
        }
      },
      onClose: () => undefined,
    });
    this.#world.schedule.after(2_000_000, () => link.close(1000, ''));
  }

  /**
   * It has the address of a node that is off. A node that dials it says hello, with a proof, and must say nothing else.
   */
  #inPlaceOf(node: SimNode, link: Link, from: string): LinkHandler | null {
    if (from === host) return null;
    const random = this.#random;
    const { name, clusterAddress, adminAddress, apiAddress } = node;
    const send = (...messages: PeerMessage[]): void => {
      for (const frame of encodePeerFrames(messages, frameBytes)) link.send(frame);
    };
    const ids = (own: string): string => random.pick([own, noCluster, hexFromBytes(random.bytes(16))]);
    return {
      onFrame: (frame) => {
        for (const message of decodePeerFrame(frame, this.#hash)) {
          if (message.kind === 'greet') send(new AcceptorProof({ hash: this.#hash, random }).greet(message)!);
          else if (message.kind !== 'hello') this.#judge(from, message);
          else {
            const incarnation = ids(message.targetIncarnation);
            const answer = { name, incarnation, clusterAddress, adminAddress, apiAddress };
            const proof = random.pick([null, message.proofs[0] ?? null, hexFromBytes(random.bytes(32))]);
            send({ kind: 'welcome', cluster: ids(message.cluster), from: answer, proof, problem: null });
            this.#say(link);
          }
        }
      },
      onClose: () => undefined,
    };
  }

  #judge(node: string, message: PeerMessage): void {
    const { kind } = message;
    // A node that lost its disk is in no cluster and has no secret. Anyone on its machine may take it in.
    const blank = kind === 'welcome' && message.proof === null && message.cluster === noCluster;
    if (!harmless.has(kind) && !blank)
      throw new RuleBroken(`${node} told a stranger more than that it is refused: ${kind}`);
  }

  /** Speaks in the name of a member, mostly without a change. */
  #hello(target: string): Parameters<DiallerProof['hello']>[1] {
    const random = this.#random;
    const { nodes } = this.#world;
    const { name, clusterAddress, adminAddress, apiAddress, node } = random.pick(nodes);
    const there = nodes.find((one) => one.name === target)?.node?.view();
    const any = hexFromBytes(random.bytes(16));
    const view = node?.view();
    return {
      cluster: random.chance(4, 5) ? (view?.cluster ?? noCluster) : any,
      from: {
        name: random.chance(4, 5) ? name : 'x\u001b[2J\n',
        incarnation: random.chance(4, 5) ? (view?.incarnation ?? any) : any,
        clusterAddress: random.chance(1, 2) ? clusterAddress : 'evil:1',
        adminAddress,
        apiAddress: random.chance(1, 2) ? apiAddress : 'evil:3',
      },
      target: random.chance(4, 5) ? target : name,
      targetIncarnation: random.chance(1, 2)
        ? (there?.incarnation ?? noIncarnation)
        : random.pick([any, noIncarnation]),
    };
  }

  /** Says what it overheard, whole and altered, and what it makes up. */
  #say(link: Link): void {
    const random = this.#random;
    for (let left = random.below(4); left > 0; left--) {
      const frame = this.#overheard.length === 0 ? random.bytes(20) : random.pick(this.#overheard).slice();
      if (frame.length > 0 && random.chance(1, 2)) frame[random.below(frame.length)] = random.below(256);
      link.send(frame);
    }
    const hint = { namespaceId: random.below(3), epoch: 1, view: most, replica: 'r1', node: 'n1' };
    const found = { kind: 'found', namespaceId: most, epoch: 1, view: most, primary: null } as const;
    const made: PeerMessage[] = [
      { kind: 'hints', hints: [hint] },
      { kind: 'forwarded', run: random.uint32(), id: random.below(50), outcome: found },
      { kind: 'who', namespaceId: random.below(9), session: random.below(99) },
      { kind: 'join', cluster: hexFromBytes(random.bytes(16)), root: nobody, nodes: [], secret: 'x'.repeat(20) },
      { kind: 'joined' },
      { kind: 'ping', answer: true },
    ];
    for (const frame of encodePeerFrames([random.pick(made)], frameBytes)) link.send(frame);
  }

  /** A client that asks for what does not exist, with numbers that are impossible. */
  #atApi(): void {
    const random = this.#random;
    const codec = apiClientCodec(apiSubprotocols.binary);
    const operation = encodeOperation({ kind: 'exists', path: '/' });
    const id = random.below(100);
    const asked: ClientMessage[] = [
      { kind: 'read', id, namespaceId: random.pick([0, most]), consistency: { kind: 'atLeast', op: most }, operation },
      { kind: 'read', id, namespaceId: random.below(9), consistency: { kind: 'local' }, operation: random.bytes(9) },
      { kind: 'keepAlive', id, namespaceId: random.below(9), session: most, heard: 0 },
      { kind: 'listNamespaces', id },
      { kind: 'unwatch', id },
      { kind: 'ping', id },
    ];
    const link: Link = this.#world.network
      .transportOf(host)
      .dial(random.pick(this.#world.nodes).apiAddress, codec.subprotocol, {
        onOpen: () => {
          link.send(codec.encode([{ kind: 'hello', protocol: apiProtocol, client: 'x' }]));
          for (let left = 1 + random.below(4); left > 0; left--) link.send(codec.encode([random.pick(asked)]));
          if (random.chance(1, 3)) link.send(random.bytes(1 + random.below(60)));
        },
        onFrame: (frame) => {
          try {
            codec.decode(frame);
          } catch (error) {
            if (error instanceof MalformedError)
              throw new RuleBroken(`a client was told what is no message: ${error.message}`);
            throw error;
          }
        },
        onClose: () => undefined,
      });
    this.#world.schedule.after(2_000_000, () => link.close(1000, ''));
  }
}

const nobody = { epoch: 1, voters: [], learners: [] };
