// A client of haret in some 160 lines of plain WebSockets and JSON, as docs/wire.md describes it: what one in another language takes. It is driven by
// lines of JSON on its standard input, each answered by a line, so that test/integration/wire.test.ts can hold any client to the protocol.
import { createInterface } from 'node:readline';
import { WebSocket } from 'ws';

const subprotocol = 'haret.v1.superjson';
let urls = [];
let namespace = '';
let namespaceId = 0;
let socket = null;
let lastId = 0;
/** Questions by their id: `message` is sent again over each new connection, until `done` has its answer. */
const open = new Map();
/** The session, the number of its next write, and the numbers that have no answer yet. */
let session = 0;
let next = 1;
const unanswered = new Set();
/** Watches by id, with the last op that each was told. */
const watches = new Map();

function send(messages) {
  if (socket?.readyState !== WebSocket.OPEN) return;
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
  socket.send(JSON.stringify(Object.keys(values).length === 0 ? { json } : { json, meta: { values, v: 1 } }));
}

function read(frame) {
  const { json, meta } = JSON.parse(frame);
  for (const path of Object.keys(meta?.values ?? {})) {
    const steps = path.split('.');
    const name = steps.pop();
    const holder = steps.reduce((value, step) => value[step], json);
    holder[name] = Buffer.from(holder[name], 'base64');
  }
  return json;
}

function connect(at = 0) {
  socket = new WebSocket(`ws://${urls[at % urls.length]}`, [subprotocol], { perMessageDeflate: false });
  socket.on('open', () => send([{ kind: 'hello', protocol: 1, client: 'thin/1' }]));
  socket.on('message', (data) => read(data.toString()).forEach(told));
  socket.on('error', () => undefined);
  // Another node is as good: nodes forward what they cannot do themselves.
  socket.on('close', () => setTimeout(() => connect(at + 1), 50));
}

function told(message) {
  const question = open.get(message.id);
  switch (message.kind) {
    case 'welcome':
      send([{ kind: 'enter', id: ++lastId, namespace }]);
      return;
    case 'entered':
      namespaceId = message.namespaceId;
      if (session === 0) ask({ kind: 'register', client: 'thin/1' }, ({ answer }) => (session = answer.session));
      // The same questions again, under the same numbers: what was done is not done twice.
      send([...open].map(([id, { message }]) => current(id, message)));
      for (const id of watches.keys()) sendWatch(id);
      return;
    case 'reply':
      open.delete(message.id);
      question?.done(message.reply);
      return;
    case 'error':
      if (watches.has(message.id)) return void setTimeout(() => sendWatch(message.id), 50);
      if (question === undefined) return;
      // Not now: later. What may have happened is safe to repeat, because it has a number.
      if (message.error.retryable) return void setTimeout(() => send([current(message.id, question.message)]), 50);
      open.delete(message.id);
      question.done({ answer: { kind: 'error', error: message.error } });
      return;
    case 'event':
      watches.get(message.id).op = message.event.op;
      watches.get(message.id).events.push(message.event);
      return;
    case 'progress':
    case 'watching':
      watches.get(message.id).op ??= message.op;
      if (message.kind === 'progress') watches.get(message.id).op = message.op;
      return;
    case 'who':
      send([{ kind: 'keepAlive', id: ++lastId, namespaceId, session: message.session }]);
  }
}

/** As it is to be sent now: with the namespace as it was entered, and the session's lowest unanswered number. */
function current(id, message) {
  const now = { ...message, id, namespaceId };
  if (message.kind === 'request') Object.assign(now, { session, answered: Math.min(next, ...unanswered) });
  return now;
}

function ask(message, done) {
  const id = ++lastId;
  open.set(id, { message, done });
  send([current(id, message)]);
}

function write(operation, done) {
  if (session === 0) return void setTimeout(() => write(operation, done), 10);
  const request = next++;
  unanswered.add(request);
  ask({ kind: 'request', request, operation }, (reply) => {
    unanswered.delete(request);
    done(reply);
  });
}

function sendWatch(id) {
  const { path, op } = watches.get(id);
  const from = op === null ? { kind: 'now' } : { kind: 'after', op };
  const wish = { path, subtree: false, from, values: true, oneshot: false, slow: 'reset' };
  send([{ kind: 'watch', id, namespaceId, ...wish, consistency: { kind: 'linearizable' } }]);
}

const linearizable = { kind: 'linearizable' };
const commands = {
  enter(command, done) {
    ({ urls, namespace } = command);
    connect();
    ask({ kind: 'read', consistency: linearizable, operation: { kind: 'exists', path: '/' } }, done);
  },
  write: ({ operation }, done) => write(operation, done),
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
    const answer = (told) => {
      process.stdout.write(`${JSON.stringify(told)}\n`);
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
