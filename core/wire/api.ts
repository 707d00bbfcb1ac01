/**
 * The messages of the API interface, between a client and any node. A frame is a list of them. `id` pairs an answer with what
 * was asked on this connection; answers come in any order.
 */

import { addressSchema, idSchema, nameSchema } from '../base/ids.ts';
import { errorSchema } from '../base/error-schema.ts';
import type { TypeOf } from '../base/schema.ts';
import { clientIdentitySchema } from '../service/body.ts';
import { changesSchema, watchEventSchema } from '../service/events.ts';
import { replySchema } from '../service/reply.ts';
import { operationSchema, pathSchema } from '../tree/operation.ts';
import { bool, bytes, list, nullable, oneOf, struct, text, uint, union } from '../base/schema.ts';

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
/** An encoded `WatchEvent` (service/events.ts), in the same manner. */
export const eventBytes = bytes(maxBody);

export const consistencySchema = union({
  linearizable: [1, {}],
  local: [2, {}],
  atLeast: [3, { op: uint() }],
});
export type Consistency = TypeOf<typeof consistencySchema>;

/** Where a watch begins (design §5). */
export const watchFromSchema = union({
  /** With what is committed after this is asked. */
  now: [1, {}],
  /** With the state as it is now, then every change behind it. */
  snapshot: [2, {}],
  /** With the first change behind this op: where another watch ended. */
  after: [3, { op: uint() }],
});
export type WatchFrom = TypeOf<typeof watchFromSchema>;

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
  /**
   * Begins a watch, which is known by `id` until it ends. It is answered by `watching`, and then by what happens at `path`, with `subtree`
   * also beneath it: `snapshot`, `event` and `progress`. `oneshot` ends it after the first event. `consistency` is of its beginning
   * (now and snapshot): a local one needs no primary. A reader that falls behind what is remembered gets a new snapshot (`reset`), or
   * with `slow` `fold` the changes that it missed folded into one event, as far as they are remembered.
   */
  watch: [
    10,
    {
      id: idField,
      namespaceId: uint(),
      path: pathSchema,
      subtree: bool,
      from: watchFromSchema,
      values: bool,
      oneshot: bool,
      slow: oneOf('reset', 'fold'),
      consistency: consistencySchema,
    },
  ],
  /** Ends the watch that was begun with `id`. It is not answered; what is on its way may still come. */
  unwatch: [11, { id: idField }],
  /**
   * Registers a session for the one holder of a ClientID, or goes on with the session that this holder has already; answered by a reply
   * whose answer is `claimed`, or the error `ClientIdHeld`. `attempt` is drawn for each claim and stays the same when that is sent again.
   */
  claim: [12, { id: idField, namespaceId: uint(), client: text(128), identity: clientIdentitySchema, attempt: uint() }],
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
  /** The watch `id` has begun: it tells everything behind `op`. An `error` with its id ends it, then or later. */
  watching: [8, { id: idField, op: uint() }],
  /** What one committed entry changed of what is watched. */
  event: [9, { id: idField, event: eventBytes }],
  /**
   * A page of the state after `op`, told as changes that make it, depth first. The events behind `op` follow its last page. `reset`:
   * it stands in the place of events that are no longer remembered.
   */
  snapshot: [10, { id: idField, op: uint(), reset: bool, first: bool, last: bool, changes: changesSchema }],
  /** Everything up to `op` was told: there was nothing else of what is watched. */
  progress: [11, { id: idField, op: uint() }],
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
  event: [9, { id: idField, event: watchEventSchema }],
});

export const clientFrameSchema = list(clientMessageSchema, maxFrameMessages);
export const serverFrameSchema = list(serverMessageSchema, maxFrameMessages);
