/**
 * The messages of the API interface, between a client and any node. A frame is a list of them. `id` pairs an answer with what
 * was asked on this connection; answers come in any order.
 */

import { addressSchema, idSchema, nameSchema } from '../base/ids.ts';
import { errorSchema } from '../base/error-schema.ts';
import type { TypeOf } from '../base/schema.ts';
import { replySchema } from '../service/reply.ts';
import { operationSchema } from '../tree/operation.ts';
import { bool, bytes, list, nullable, struct, text, uint, union } from '../base/schema.ts';

/** The version of these messages; a node answers a `hello` of another major version with `BadFrame` and closes. */
export const apiProtocol = 1;
export const apiSubprotocols = { binary: 'haret.v1.binary', superjson: 'haret.v1.superjson' } as const;

const maxBody = 64 * 1024 * 1024;
const idField = uint();

/**
 * An encoded `Operation` body (service/body.ts) or encoded `Reply` (service/reply.ts). In the text codec it travels as the plain
 * value instead: the text codec turns one into the other at the border, and everything behind it sees bytes.
 */
export const operationBytes = bytes(maxBody);
export const replyBytes = bytes(maxBody);

export const consistencySchema = union({
  linearizable: [1, {}],
  local: [2, {}],
  atLeast: [3, { op: uint() }],
});
export type Consistency = TypeOf<typeof consistencySchema>;

const clientVariants = {
  /** The first message of a connection. `client` names program and version, for people. */
  hello: [1, { protocol: uint(), client: text(128) }],
  /** Asks for a namespace by name: its id and where its primary is. */
  enter: [2, { id: idField, namespace: nameSchema }],
  /** Registers a session in a namespace, through its log; answered by a reply whose answer is `registered`. */
  register: [3, { id: idField, namespaceId: uint(), client: text(128) }],
  /** A write: executed once, however often it is sent (protocol §7). */
  request: [
    4,
    { id: idField, namespaceId: uint(), session: uint(), request: uint(), answered: uint(), operation: operationBytes },
  ],
  read: [5, { id: idField, namespaceId: uint(), consistency: consistencySchema, operation: operationBytes }],
  listNamespaces: [6, { id: idField }],
  ping: [7, { id: idField }],
  /** Ends a session early. */
  unregister: [8, { id: idField, namespaceId: uint(), session: uint() }],
  /** Keeps sessions alive; answered once committed. */
  keepAlive: [9, { id: idField, namespaceId: uint(), session: uint() }],
} as const;
export const clientMessageSchema = union(clientVariants);
export type ClientMessage = TypeOf<typeof clientMessageSchema>;

/** Where a replica is, as `enter` prints it. */
export const primarySchema = struct({
  name: nameSchema,
  group: nameSchema,
  nodeName: nameSchema,
  nodeAddress: addressSchema,
  apiAddress: addressSchema,
});
export type PrimaryInfo = TypeOf<typeof primarySchema>;

const serverVariants = {
  /** Answers `hello`. */
  welcome: [
    1,
    {
      protocol: uint(),
      cluster: idSchema,
      node: nameSchema,
      maxFrameBytes: uint(),
      maxValueBytes: uint(),
      maxWindow: uint(),
    },
  ],
  reply: [2, { id: idField, reply: replyBytes }],
  /** It was not done, or (`outcome` unknown) may have been. */
  error: [3, { id: idField, error: errorSchema }],
  /** `here`: the primary is on this node. `primary` null: none is known now. */
  entered: [
    4,
    { id: idField, namespaceId: uint(), epoch: uint(), view: uint(), here: bool, primary: nullable(primarySchema) },
  ],
  namespaces: [5, { id: idField, names: list(nameSchema, 65_536) }],
  pong: [6, { id: idField }],
  /** A fault of the whole connection; it is closed after this. */
  goodbye: [7, { error: errorSchema }],
} as const;
export const serverMessageSchema = union(serverVariants);
export type ServerMessage = TypeOf<typeof serverMessageSchema>;

/** Messages in one frame. */
export const maxFrameMessages = 65_536;
/** The same messages as the text codec carries them, with operations and replies as plain values. */
export const clientTextSchema = union({
  ...clientVariants,
  request: [4, { ...clientVariants.request[1], operation: operationSchema }],
  read: [5, { ...clientVariants.read[1], operation: operationSchema }],
});
export const serverTextSchema = union({
  ...serverVariants,
  reply: [2, { id: idField, reply: replySchema }],
});

export const clientFrameSchema = list(clientMessageSchema, maxFrameMessages);
export const serverFrameSchema = list(serverMessageSchema, maxFrameMessages);
