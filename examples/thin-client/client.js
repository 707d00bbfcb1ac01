// A client of haret in some 300 lines of plain WebSockets and JSON, as docs/wire.md describes it: what one in another language takes. It is driven by
// lines of JSON on its standard input, each answered by a line, so that test/integration/wire.test.ts and wire-rules.test.ts can hold any
// client to the protocol.
import { randomBytes } from 'node:crypto';
import { createInterface } from 'node:readline';
import { WebSocket } from 'ws';

const subprotocol = 'haret.v1.superjson';
let urls = [];
let namespace = '';
let namespaceId = 0;
let socket = null;
/** The namespace was entered over this connection: questions may be asked. */
let inside = false;
let lastId = 0;
/** Questions by their id: `message` is sent again over each new connection, until `done` has its answer. */
const open = new Map();
/** The session with what one speaks as it by, the number of its next write, and the numbers that have no answer yet. */
let session = 0;
let secret = '';
let registering = false;
let next = 1;
const unanswered = new Set();
let maxWindow = 1;
let maxFrameBytes = 65_536;
let maxValueBytes = maxFrameBytes;
/** Writes that have no number yet, because there is no session or its window is full. */
const queue = [];
/** Watches by id, with the last op that each was told. */
const watches = new Map();

const resendMs = 2000;
const keepAliveMs = 30_000;
const silenceMs = 2000;
/** An election may be over by then. */
const unservedMs = 500;

function frame(messages) {
  // Bytes are base64, and their places are named.
  const values = {};
  const walk = (value, path) => {
    if (value instanceof Uint8Array) {
      values[path] = [['custom', 'bytes']];
      return Buffer.from(value).toString('base64');
    }
    if (Array.isArray(value)) return value.map((one, i) => walk(one, path === '' ? `${i}` : `${path}.${i}`));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, walk(one, `${path}.${name}`)]));
  };
  const json = walk(messages, '');
  return JSON.stringify(Object.keys(values).length === 0 ? { json } : { json, meta: { values, v: 1 } });
}

function send(messages) {
  if (socket?.readyState === WebSocket.OPEN && messages.length > 0) socket.send(frame(messages));
}

function read(text) {
  const { json, meta } = JSON.parse(text);
  for (const path of Object.keys(meta?.values ?? {})) {
    const steps = path.split('.');
    const name = steps.pop();
    const holder = steps.reduce((value, step) => value[step], json);
    holder[name] = Buffer.from(holder[name], 'base64');
  }
  return json;
}

let heardAt = 0;
/** Goes on at another node, without waiting for what this one may still say. */
let goOn = () => undefined;
let leaving = null;

function connect(at = 0) {
  clearTimeout(leaving);
  const mine = new WebSocket(`ws://${urls[at % urls.length]}`, [subprotocol], { perMessageDeflate: false });
  socket = mine;
  inside = false;
  heardAt = Date.now();
  mine.on('open', () => send([{ kind: 'hello', protocol: 1, client: 'thin/2' }]));
  mine.on('message', (data) => {
    heardAt = Date.now();
    // What an earlier connection still says is for nobody.
    if (mine === socket) read(data.toString()).forEach(told);
  });
  mine.on('error', () => undefined);
  // Another node is as good: nodes forward what they cannot do themselves.
  mine.on('close', () => setTimeout(() => mine === socket && connect(at + 1), 50));
  goOn = () => {
    mine.terminate();
    if (mine === socket) connect(at + 1);
  };
  // A node that stopped, or a way to it that broke, says nothing at all.
  const watch = setInterval(() => {
    if (mine !== socket) return clearInterval(watch);
    const silentMs = Date.now() - heardAt;
    if (silentMs > silenceMs) {
      clearInterval(watch);
      goOn();
    } else if (silentMs > silenceMs / 2) send([{ kind: 'ping', id: ++lastId }]);
  }, silenceMs / 4);
}

const enter = () => send([{ kind: 'enter', id: ++lastId, namespace }]);

function told(message) {
  switch (message.kind) {
    case 'welcome':
      ({ maxWindow, maxFrameBytes, maxValueBytes } = message);
      enter();
      return;
    case 'entered':
      namespaceId = message.namespaceId;
      inside = true;
      // First who speaks, then the same questions under the same numbers, the lowest first: what was done is not done twice.
      if (session !== 0) send([{ kind: 'resume', namespaceId, session, secret }]);
      for (const id of open.keys()) sendAgain(id);
      for (const id of watches.keys()) sendWatch(id);
      return pump();
    case 'reply':
      return answered(message.id, message.reply);
    case 'error':
      return refused(message);
    case 'event':
      watches.get(message.id).op = message.event.op;
      watches.get(message.id).events.push(message.event);
      return;
    case 'snapshot':
      // What was to be told is no longer remembered: this is the state in its place. It is whole with its last page.
      if (message.last) watches.get(message.id).op = message.op;
      return;
    case 'progress':
      watches.get(message.id).op = message.op;
      return;
    case 'watching':
      watches.get(message.id).op ??= message.op;
      return;
    case 'standing':
      // A node that has lost its group does nothing for us until it finds it again. Another one may have it.
      clearTimeout(leaving);
      if (!message.served && urls.length > 1) leaving = setTimeout(() => goOn(), unservedMs);
      return;
    case 'who':
      send([{ kind: 'keepAlive', id: ++lastId, namespaceId, session: message.session, heard: 0 }]);
  }
}

/** Refusals of the log, inside of a reply: they are about one sending, as an `error` is. */
const ofTheLog = new Set(['Retry', 'WindowExceeded', 'SessionGone', 'RequestTooOld', 'BadArgument']);

function answered(id, reply) {
  const question = open.get(id);
  if (question === undefined) return;
  const { answer } = reply;
  if (question.number !== undefined && answer.kind === 'error' && ofTheLog.has(answer.error.code))
    return refused({ id, error: answer.error });
  end(id, reply);
}

function refused({ id, error }) {
  if (watches.has(id)) return void setTimeout(() => sendWatch(id), 50);
  const question = open.get(id);
  if (question === undefined) {
    // Nothing of ours but an `enter`.
    if (!inside) setTimeout(() => inside || enter(), 50);
    return;
  }
  if (error.code === 'SessionGone' && question.number !== undefined) return lost(error);
  // Not now: later. What may have happened is safe to repeat, because it has a number.
  if (error.retryable) return void setTimeout(() => sendAgain(id), 50);
  // It says that this sending was not executed: that settles the number only if there was no other one.
  const outcome = question.number !== undefined && question.sends > 1 ? 'unknown' : error.outcome;
  end(id, { answer: { kind: 'error', error: { ...error, outcome } } });
  // Those behind it are held back until they say that nobody waits for it.
  if (question.number !== undefined)
    for (const [later, { number }] of open) if (number > question.number) sendAgain(later);
}

function end(id, reply) {
  const question = open.get(id);
  open.delete(id);
  if (question.number !== undefined) unanswered.delete(question.number);
  question.done(reply);
  pump();
}

/** The session is gone: of what was outstanding nobody will ever know. What has no number yet goes on in the next one. */
function lost(error) {
  session = 0;
  next = 1;
  for (const [id, { number }] of [...open]) {
    if (number !== undefined) end(id, { answer: { kind: 'error', error: { ...error, outcome: 'unknown' } } });
  }
  pump();
}

/** As it is to be sent now: with the namespace as it was entered, and the session's lowest unanswered number. */
function current(id) {
  const { message, number } = open.get(id);
  const now = { ...message, id, namespaceId };
  if (number !== undefined) Object.assign(now, { session, request: number, answered: Math.min(...unanswered) });
  return now;
}

function sendAgain(id) {
  const question = open.get(id);
  if (question === undefined || !inside) return;
  question.sends++;
  question.sentAt = Date.now();
  send([current(id)]);
}

/** @param number of a write: the same for as long as it is asked. */
function ask(message, done, number) {
  const id = ++lastId;
  open.set(id, { message, done, number, sends: 0, sentAt: 0 });
  sendAgain(id);
}

function pump() {
  if (queue.length === 0) return;
  if (session === 0) return register();
  while (queue.length > 0 && next < Math.min(next, ...unanswered) + maxWindow) {
    const { operation, done } = queue.shift();
    unanswered.add(next);
    ask({ kind: 'request', operation }, done, next++);
  }
}

function register() {
  if (registering) return;
  registering = true;
  // The same when it is sent again: it is ours from the first time on.
  secret = randomBytes(16).toString('hex');
  ask({ kind: 'register', client: 'thin/2', secret }, ({ answer }) => {
    registering = false;
    if (answer.kind === 'registered') session = answer.session;
    else setTimeout(pump, 500);
  });
}

/** The size of the largest bytes in it. */
function largest(value) {
  if (value instanceof Uint8Array) return value.length;
  return typeof value === 'object' && value !== null ? Math.max(0, ...Object.values(value).map(largest)) : 0;
}

function write(operation, done) {
  // What can be checked is checked before it has a number: what is too large would only leave a gap.
  if (largest(operation) > maxValueBytes || frame([{ kind: 'request', operation }]).length + 256 > maxFrameBytes) {
    const message = 'larger than a value or a frame may be';
    const error = { code: 'LimitExceeded', message, retryable: false, outcome: 'definite' };
    return done({ answer: { kind: 'error', error } });
  }
  queue.push({ operation, done });
  pump();
}

function sendWatch(id) {
  if (!inside) return;
  const { path, op } = watches.get(id);
  const from = op === null ? { kind: 'now' } : { kind: 'after', op };
  const wish = { path, subtree: false, from, values: true, oneshot: false, slow: 'reset' };
  send([{ kind: 'watch', id, namespaceId, ...wish, consistency: { kind: 'linearizable' } }]);
}

setInterval(() => {
  const now = Date.now();
  // An answer may be lost between nodes although this connection lives.
  for (const [id, { sends, sentAt }] of open)
    if (now - sentAt > resendMs * Math.min(16, 2 ** (sends - 1))) sendAgain(id);
}, 250).unref();
setInterval(() => {
  if (session !== 0 && inside) send([{ kind: 'keepAlive', id: ++lastId, namespaceId, session, heard: 0 }]);
}, keepAliveMs).unref();

const linearizable = { kind: 'linearizable' };
const commands = {
  enter(command, done) {
    ({ urls, namespace } = command);
    connect();
    ask({ kind: 'read', consistency: linearizable, operation: { kind: 'exists', path: '/' } }, done);
  },
  write: ({ operation }, done) => write(operation, done),
  /** All at once; answered when all are. */
  writes({ operations }, done) {
    const replies = [];
    let left = operations.length;
    operations.forEach((operation, i) =>
      write(operation, (reply) => {
        replies[i] = reply;
        if (--left === 0) done(replies);
      }),
    );
  },
  read: ({ operation }, done) => ask({ kind: 'read', consistency: linearizable, operation }, done),
  watch({ path }, done) {
    const id = ++lastId;
    watches.set(id, { path, op: null, events: [] });
    sendWatch(id);
    done({ watch: id });
  },
  events: ({ watch }, done) => done(watches.get(watch)),
};

let unfinished = 0;
let ended = false;
const leave = () => ended && unfinished === 0 && process.exit(0);

createInterface({ input: process.stdin })
  .on('line', (line) => {
    const { do: name, bytes, ...command } = JSON.parse(line);
    if (bytes !== undefined) command.operation[bytes.field] = Buffer.from(bytes.base64, 'base64');
    unfinished++;
    const answer = (reply) => {
      process.stdout.write(`${JSON.stringify(reply)}\n`);
      unfinished--;
      leave();
    };
    if (Object.hasOwn(commands, name)) commands[name](command, answer);
    else answer({ error: `unknown command ${name}; there are ${Object.keys(commands).join(', ')}` });
  })
  .on('close', () => {
    ended = true;
    leave();
  });
