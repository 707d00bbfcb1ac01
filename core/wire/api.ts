/**
 * The messages of the API interface, between a client and any node. A frame is a list of them. `id` pairs an answer with what
 * was asked on this connection; answers come in any order.
 */

import { nameSchema } from '../base/ids.ts';
import type { Schema, TypeOf } from '../base/schema.ts';
import { bool, bytes, embedded, list, nullable, oneOf, text, uint, union } from '../base/schema.ts';
import { secretSchema } from '../base/session-secret.ts';
import { clientIdentitySchema } from '../service/body.ts';
import { answerVariants, replySchema } from '../service/reply.ts';
import type { Reply } from '../service/reply.ts';
import { operationSchema, pathSchema } from '../tree/operation.ts';
import { resultVariants } from '../tree/result.ts';
import { idField, maxFrameMessages, serverVariants } from './server-messages.ts';

export { apiProtocol, apiSubprotocols, maxFrameMessages, primarySchema, incomingSchema } from './server-messages.ts';
export type { PrimaryInfo, Incoming } from './server-messages.ts';

const maxBody = 64 * 1024 * 1024;

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

/** Where a watch begins (architecture §5). */
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
  /**
   * Registers a session in a namespace, through its log; answered by a reply whose answer is `registered`. Whoever knows `secret` speaks as
   * the session; null: the node draws one.
   */
  register: [3, { id: idField, namespaceId: uint(), client: text(128), secret: nullable(secretSchema) }],
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
   * Registers a session for the one holder of a ClientID; answered by a reply whose answer is `claimed`, or the error `ClientIdHeld` or
   * `ClientIdTaken`. `attempt` is drawn for each claim and stays the same when that is sent again. `previous` is the session that this very
   * process had last under this identity; 0 for one that has just begun.
   */
  claim: [
    12,
    {
      id: idField,
      namespaceId: uint(),
      client: text(128),
      identity: clientIdentitySchema,
      attempt: uint(),
      previous: uint(),
      secret: nullable(secretSchema),
    },
  ],
  /**
   * By this secret this connection speaks as a session that was registered over another one. It is not answered; what is asked as the
   * session is judged by it.
   */
  resume: [13, { namespaceId: uint(), session: uint(), secret: secretSchema }],
} as const;
export const clientMessageSchema = union(
  clientVariants,
  // What most frames are full of.
  {
    request: (reader) => ({
      kind: 'request',
      id: idField.decode(reader),
      namespaceId: idField.decode(reader),
      session: idField.decode(reader),
      request: idField.decode(reader),
      answered: idField.decode(reader),
      operation: operationBytes.decode(reader),
    }),
    read: (reader) => ({
      kind: 'read',
      id: idField.decode(reader),
      namespaceId: idField.decode(reader),
      consistency: consistencySchema.decode(reader),
      operation: operationBytes.decode(reader),
    }),
  },
  {
    request: (writer, { id, namespaceId, session, request, answered, operation }) => {
      writer.uint(id);
      writer.uint(namespaceId);
      writer.uint(session);
      writer.uint(request);
      writer.uint(answered);
      writer.bytes(operation);
    },
    read: (writer, { id, namespaceId, consistency, operation }) => {
      writer.uint(id);
      writer.uint(namespaceId);
      consistencySchema.encode(writer, consistency);
      writer.bytes(operation);
    },
  },
);
export type ClientMessage = TypeOf<typeof clientMessageSchema>;

/** What a node says. */
export const serverMessageSchema = union({
  ...serverVariants,
  reply: [2, { id: idField, reply: replyBytes }],
  event: [9, { id: idField, event: eventBytes }],
});
export type ServerMessage = TypeOf<typeof serverMessageSchema>;

/** What a client says, with operations as the values that they are: as text carries it. */
export const plainClientSchema = union({
  ...clientVariants,
  request: [4, { ...clientVariants.request[1], operation: embedded(operationSchema) }],
  read: [5, { ...clientVariants.read[1], operation: embedded(operationSchema) }],
});

export const clientFrameSchema = list(clientMessageSchema, maxFrameMessages);
export const serverFrameSchema = list(serverMessageSchema, maxFrameMessages);

// Most of what clients are told is the results of reads and writes: these are read at once rather than field by field.
const quickResultSchema = union(resultVariants, {
  done: (reader) => ({ kind: 'done', version: idField.decode(reader) }),
  value: (reader) => ({ kind: 'value', value: resultValue.decode(reader), version: idField.decode(reader) }),
});
const resultValue = resultVariants.value[1].value;
const quickAnswerSchema = union(answerVariants, {
  result: (reader) => ({ kind: 'result', result: quickResultSchema.decode(reader) }),
});
const quickReplySchema: Pick<Schema<Reply>, 'decode'> = {
  decode: (reader) => ({
    epoch: idField.decode(reader),
    view: idField.decode(reader),
    op: idField.decode(reader),
    answer: quickAnswerSchema.decode(reader),
  }),
};
const embeddedReply = embedded<Reply>({ ...replySchema, ...quickReplySchema });
export const incomingFrameSchema = list(
  union(serverVariants, {
    reply: (reader) => ({ kind: 'reply', id: idField.decode(reader), reply: embeddedReply.decode(reader) }),
  }),
  maxFrameMessages,
);
