/**
 * The messages of the API interface, between a client and any node. A frame is a list of them. `id` pairs an answer
 * with its question on this connection. Answers come in any order.
 */

import type { NamespaceId, Op, RequestNumber, SessionId } from '../base/ids.ts';
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
 * An encoded `Operation` body (service/body.ts) or an encoded `Reply` (service/reply.ts). The text codec carries it as
 * the plain value instead. It converts one into the other at the border, and everything behind the border sees bytes.
 */
export const operationBytes = bytes(maxBody);
export const replyBytes = bytes(maxBody);
/** An encoded `WatchEvent` (service/events.ts), which travels in the same way. */
export const eventBytes = bytes(maxBody);

export const consistencySchema = union({
  linearizable: [1, {}],
  local: [2, {}],
  atLeast: [3, { op: uint<Op>() }],
});
export type Consistency = TypeOf<typeof consistencySchema>;

/** Where a watch begins (architecture §5). */
export const watchFromSchema = union({
  /** With what is committed after the node gets this question. */
  now: [1, {}],
  /** With the state as it is now, then every later change. */
  snapshot: [2, {}],
  /** With the first change after this op, where another watch ended. */
  after: [3, { op: uint<Op>() }],
});
export type WatchFrom = TypeOf<typeof watchFromSchema>;

const clientVariants = {
  /** The first message of a connection. `client` names the program and its version, for people. */
  hello: [1, { protocol: uint(), client: text(128) }],
  /** Asks for a namespace by name. The answer gives its id and where its primary is. */
  enter: [2, { id: idField, namespace: nameSchema }],
  /**
   * Registers a session in a namespace, through its log. A reply answers it, with the answer `registered`. A client
   * that knows `secret` can use the session. With null, the node draws a secret.
   */
  register: [3, { id: idField, namespaceId: uint<NamespaceId>(), client: text(128), secret: nullable(secretSchema) }],
  /** A write. It is executed once, however often it is sent (protocol §7). */
  request: [
    4,
    {
      id: idField,
      namespaceId: uint<NamespaceId>(),
      session: uint<SessionId>(),
      request: uint<RequestNumber>(),
      answered: uint<RequestNumber>(),
      operation: operationBytes,
    },
  ],
  read: [
    5,
    { id: idField, namespaceId: uint<NamespaceId>(), consistency: consistencySchema, operation: operationBytes },
  ],
  listNamespaces: [6, { id: idField }],
  ping: [7, { id: idField }],
  /** Ends a session before it expires. */
  unregister: [8, { id: idField, namespaceId: uint<NamespaceId>(), session: uint<SessionId>() }],
  /**
   * Keeps a session alive. It is answered once it is committed, by a reply with the answer `alive`. `heard` is the op of
   * the last answer `alive` of the session, or 0 (coordination §3).
   */
  keepAlive: [9, { id: idField, namespaceId: uint<NamespaceId>(), session: uint<SessionId>(), heard: uint<Op>() }],
  /**
   * Begins a watch. `id` names it until it ends. The first answer is `watching`. Then come `snapshot`, `event` and
   * `progress` for what happens at `path`, and beneath it with `subtree`. `oneshot` ends the watch after the first
   * event. `consistency` is for its beginning (now and snapshot); a local one needs no primary. A reader that falls
   * behind what the node remembers gets a new snapshot (`reset`). With `slow` `fold` it gets the changes that it missed
   * folded into one event, if they are remembered.
   */
  watch: [
    10,
    {
      id: idField,
      namespaceId: uint<NamespaceId>(),
      path: pathSchema,
      subtree: bool,
      from: watchFromSchema,
      values: bool,
      oneshot: bool,
      slow: oneOf('reset', 'fold'),
      consistency: consistencySchema,
    },
  ],
  /** Ends the watch that was begun with `id`. There is no answer. What is already on its way may still arrive. */
  unwatch: [11, { id: idField }],
  /**
   * Registers a session for the one holder of a ClientID. A reply answers it, with the answer `bound`, or else the
   * error `ClientIdHeld` or `ClientIdTaken`. `attempt` is drawn for each bind, and stays the same when the bind is
   * sent again. `previous` is the session that this very process had last under this identity; 0 for a process that has
   * just begun.
   */
  bind: [
    12,
    {
      id: idField,
      namespaceId: uint<NamespaceId>(),
      client: text(128),
      identity: clientIdentitySchema,
      attempt: uint(),
      previous: uint<SessionId>(),
      secret: nullable(secretSchema),
    },
  ],
  /**
   * With this secret, the connection uses a session that was registered over another connection. There is no answer.
   * The node checks later questions of the session by this secret.
   */
  resume: [13, { namespaceId: uint<NamespaceId>(), session: uint<SessionId>(), secret: secretSchema }],
} as const;
export const clientMessageSchema = union(
  clientVariants,
  // Most messages are of this kind.
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

/** Messages that a node sends. */
export const serverMessageSchema = union({
  ...serverVariants,
  reply: [2, { id: idField, reply: replyBytes }],
  event: [9, { id: idField, event: eventBytes }],
});
export type ServerMessage = TypeOf<typeof serverMessageSchema>;

/** Messages that a client sends, with operations as plain values, as the text codec carries them. */
export const plainClientSchema = union({
  ...clientVariants,
  request: [4, { ...clientVariants.request[1], operation: embedded(operationSchema) }],
  read: [5, { ...clientVariants.read[1], operation: embedded(operationSchema) }],
});

export const clientFrameSchema = list(clientMessageSchema, maxFrameMessages);
export const serverFrameSchema = list(serverMessageSchema, maxFrameMessages);

// Most of what clients receive are results of reads and writes. They are read at once, not field by field.
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
