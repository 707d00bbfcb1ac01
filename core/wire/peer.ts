/**
 * What nodes say to each other over the cluster interface: the handshake, replicas' messages, requests that are
 * forwarded to a node that can serve them, and what each node knows of the primaries. A frame is a list of messages.
 * Replicas' messages keep their own codec.
 */

import { Reader, Writer } from '../base/bytes.ts';
import { errorSchema } from '../base/error-schema.ts';
import { MalformedError } from '../base/errors.ts';
import type { Epoch, NamespaceId, Op, RequestNumber, RunId, SessionId, View } from '../base/ids.ts';
import { clusterIdSchema, idSchema, incarnationSchema, nameSchema } from '../base/ids.ts';
import type { Frame, Hash } from '../base/ports.ts';
import type { TypeOf } from '../base/schema.ts';
import { bool, hex, list, nullable, struct, text, uint, union } from '../base/schema.ts';
import { repeatedSecretSchema, secretSchema } from '../base/session-secret.ts';
import { clientIdentitySchema } from '../service/body.ts';
import { recordSchema } from '../service/told.ts';
import { configurationSchema } from '../vr/configuration.ts';
import type { Message } from '../vr/messages.ts';
import { decodeMessage, encodeMessage } from '../vr/messages.ts';
import { adminCommandSchema, adminResultSchema } from './admin.ts';
import {
  clientMessageSchema,
  consistencySchema,
  operationBytes,
  primarySchema,
  replyBytes,
  serverMessageSchema,
} from './api.ts';
import { nodeInfoSchema } from './node-info.ts';

/**
 * A node of another major version is refused at the handshake, so that mixed releases fail early and with a clear
 * message.
 */
export const peerProtocol = 2;
export const peerSubprotocol = 'haret-cluster.v1.binary';

/** Who is primary of a namespace, as far as the sender knows. The highest (epoch, view) wins. */
export const primaryHintSchema = struct({
  namespaceId: uint<NamespaceId>(),
  epoch: uint<Epoch>(),
  view: uint<View>(),
  replica: nameSchema,
  node: nameSchema,
});
export type PrimaryHint = TypeOf<typeof primaryHintSchema>;

/** What a node asks another node to do for it. */
export const forwardItemSchema = union({
  register: [1, { client: text(128), secret: secretSchema }],
  request: [
    2,
    {
      session: uint<SessionId>(),
      request: uint<RequestNumber>(),
      answered: uint<RequestNumber>(),
      operation: operationBytes,
    },
  ],
  read: [3, { consistency: consistencySchema, operation: operationBytes }],
  unregister: [4, { session: uint<SessionId>() }],
  keepAlive: [5, { session: uint<SessionId>(), heard: uint<Op>() }],
  /** Looks a namespace up in the catalog of the root group's primary, for a node whose own copy may lag. */
  lookup: [6, { namespace: nameSchema }],
  admin: [7, { command: adminCommandSchema }],
  bind: [
    8,
    {
      client: text(128),
      identity: clientIdentitySchema,
      attempt: uint(),
      previous: uint<SessionId>(),
      secret: secretSchema,
    },
  ],
});
export type ForwardItem = TypeOf<typeof forwardItemSchema>;

export const forwardOutcomeSchema = union({
  reply: [1, { reply: replyBytes }],
  error: [2, { error: errorSchema }],
  /**
   * The namespace exists. The answer includes its primary as the answering node knows it, for a node that knows
   * neither.
   */
  found: [
    3,
    { namespaceId: uint<NamespaceId>(), epoch: uint<Epoch>(), view: uint<View>(), primary: nullable(primarySchema) },
  ],
  admin: [4, { result: adminResultSchema }],
});
export type ForwardOutcome = TypeOf<typeof forwardOutcomeSchema>;

/** One for each secret in force. */
const maxProofs = 2;

/** The messages by which two ends come to know each other, and by which a fresh node is taken in. */
const handshakeVariants = {
  /**
   * What the dialler says once it was greeted. `cluster` is all zeros until the dialler has one. `target` and
   * `targetIncarnation` say which node it means to reach, so that a node whose disk was replaced learns that it is a
   * stranger (protocol §2); all zeros mean any node. There is a proof for each secret in force, over both nonces and
   * everything in this message.
   */
  hello: [
    1,
    {
      cluster: clusterIdSchema,
      from: nodeInfoSchema,
      target: text(64),
      targetIncarnation: incarnationSchema,
      proofs: list(hex(32), maxProofs),
    },
  ],
  /**
   * The answer to a hello that was proven. `proof` is null where there is no secret yet. With `problem`, the link
   * cannot be used.
   */
  welcome: [
    2,
    { cluster: clusterIdSchema, from: nodeInfoSchema, proof: nullable(hex(32)), problem: nullable(errorSchema) },
  ],
  /**
   * Offers a fresh node membership: the root group that it shall follow, and the nodes of the cluster. Where the
   * cluster made its own secret, the secret comes along, but only over loopback.
   */
  join: [
    3,
    {
      cluster: clusterIdSchema,
      root: configurationSchema,
      nodes: list(nodeInfoSchema, 4096),
      secret: nullable(text(1024)),
    },
  ],
  joined: [4, {}],
  refused: [5, { error: errorSchema }],
  /**
   * The first message of each end. The nonce is drawn for this link, so a proof over it cannot have been heard before.
   */
  greet: [13, { protocol: uint(), nonce: idSchema }],
} as const;

const controlSchema = union({
  ...handshakeVariants,
  /**
   * The sender's process numbers the ids. `run` tells this process from the one before it, because an answer may come
   * after the asker was restarted.
   */
  forward: [
    6,
    {
      run: uint<RunId>(),
      id: uint(),
      hops: uint(8),
      namespaceId: uint<NamespaceId>(),
      /** The secret by which the item uses its session. All zeros when it uses none. */
      secret: repeatedSecretSchema,
      item: forwardItemSchema,
    },
  ],
  forwarded: [7, { run: uint<RunId>(), id: uint(), outcome: forwardOutcomeSchema }],
  hints: [8, { hints: list(primaryHintSchema, 65_536) }],
  /** Asks for an answer, so that the sender notices a link that is open but dead. */
  ping: [9, { answer: bool }],
  /**
   * A client of the sender began or ended a watch, and the sender has no replica for it. Ids belong to the sender's
   * process, as with `forward`, and rise.
   */
  relay: [10, { run: uint<RunId>(), message: clientMessageSchema }],
  /**
   * What such a watch tells, numbered from 0 for each watch. Frames between nodes may be lost and doubled, but a watch
   * loses nothing.
   */
  relayed: [11, { run: uint<RunId>(), number: uint(), message: serverMessageSchema }],
  /** Another client binds the ClientID of this session. If the holder is connected there, ask it. */
  who: [12, { namespaceId: uint<NamespaceId>(), session: uint<SessionId>() }],
  /** What became of a belonging of a session that was last heard of through the receiver (coordination §3). */
  notice: [14, { namespaceId: uint<NamespaceId>(), session: uint<SessionId>(), record: recordSchema }],
});
export type ControlMessage = TypeOf<typeof controlSchema>;
export type PeerMessage = ControlMessage | { readonly kind: 'vr'; readonly message: Message };

const handshakeSchema = union(handshakeVariants);
export type HandshakeKind = keyof typeof handshakeVariants;
export type HandshakeMessage<K extends HandshakeKind = HandshakeKind> = Extract<PeerMessage, { kind: K }>;
/** Greetings, a hello and a welcome are far smaller. Whoever has proven nothing costs no more to read than that. */
export const maxHandshakeBytes: number = 16 * 1024;

const replicaTag = 0;
const controlTag = 1;
const maxFrameMessages = 65_536;
const scratch = new Writer(64 * 1024);

/**
 * Encodes messages into as few frames as `softMaxBytes` allows. A single message that is larger gets a frame of its
 * own.
 */
export function encodePeerFrames(messages: readonly PeerMessage[], softMaxBytes: number): Uint8Array[] {
  const frames: Uint8Array[] = [];
  scratch.reset();
  let inFrame = 0;
  for (const message of messages) {
    if (message.kind === 'vr') {
      scratch.u8(replicaTag);
      encodeMessage(scratch, message.message);
    } else {
      scratch.u8(controlTag);
      controlSchema.encode(scratch, message);
    }
    if (scratch.length >= softMaxBytes || ++inFrame === maxFrameMessages) {
      frames.push(scratch.finish());
      scratch.reset();
      inFrame = 0;
    }
  }
  if (scratch.length > 0) frames.push(scratch.finish());
  return frames;
}

/** @throws {@link MalformedError} on anything that no release of this protocol writes. */
export function decodePeerFrame(frame: Frame, hash: Hash): PeerMessage[] {
  if (typeof frame === 'string') throw new MalformedError('a text frame on the cluster interface, which is binary');
  const reader = new Reader(frame);
  const messages: PeerMessage[] = [];
  while (reader.remaining > 0) {
    if (messages.length === maxFrameMessages)
      throw new MalformedError(`more than ${maxFrameMessages} messages in a frame`);
    const tag = reader.u8();
    if (tag === replicaTag) messages.push({ kind: 'vr', message: decodeMessage(reader, hash) });
    else if (tag === controlTag) messages.push(controlSchema.decode(reader));
    else throw new MalformedError(`unknown kind number ${tag} of a message`);
  }
  return messages;
}

/**
 * Decodes what comes over a link until both ends have proven the secret (protocol §1): one message in a frame, of a bounded length, and
 * only what can come next. Its kind is judged before anything else of it is read.
 * @throws {@link MalformedError} on everything else. Its text does not depend on what the other end chose.
 */
export function decodeHandshake<K extends HandshakeKind>(
  frame: Frame,
  next: readonly K[],
  maxBytes: number = maxHandshakeBytes,
): HandshakeMessage<K> {
  const due = `the next message must be ${next.join(' or ')}`;
  if (typeof frame === 'string') throw new MalformedError(`${due}, and binary`);
  if (frame.length > maxBytes) throw new MalformedError(`${due}, and is too long for that`);
  const [tag, kind] = frame;
  if (tag !== controlTag || !next.some((one) => handshakeVariants[one][0] === kind)) throw new MalformedError(due);
  const reader = new Reader(frame.subarray(1));
  try {
    const message = handshakeSchema.decode(reader);
    reader.end();
    return message as HandshakeMessage<K>;
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    throw new MalformedError(`${due}, and is malformed`);
  }
}
