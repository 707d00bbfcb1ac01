/** A client uses another client's session, whose number it knows or guesses. */

import { namespaceName, shown } from '../../stage/stage.ts';
import type { Stage } from '../../stage/stage.ts';
import { ThinConnection, errorOf, guessed, register, request, resume } from '../../stage/tools/thin.ts';
import type { Heard } from '../../stage/tools/thin.ts';
import type { Trial } from '../../stage/trial.ts';

const create = (path: string): object => ({ kind: 'create', path, type: 'counter', value: null });
const add = (path: string, by: number): object => ({ kind: 'counterAdd', path, by });

export const trial = {
  name: 'another-session',
  sentence:
    "A client that knows only the number of another's session can neither take its replies, nor write in its name, nor end it.",
  short: true,
  limitMs: 120_000,
  async play(stage) {
    const cluster = await stage.cluster(1);
    const { api } = cluster.node(0);
    const holder = await ThinConnection.open(stage, api);
    const namespaceId = await holder.enter(namespaceName);
    const credentials = await register(holder, namespaceId);
    const mine = async (number: number, operation: object): Promise<Heard> =>
      holder.ask(request(namespaceId, credentials, number, operation));
    const thief = await ThinConnection.open(stage, api);
    await thief.enter(namespaceName);
    const stolen = guessed(credentials);
    const speaks = async (what: string, message: object): Promise<void> => {
      // A frame that is refused as a whole is a refusal as well. The next attempt has a connection of its own.
      const as = thief.closed ? await ThinConnection.open(stage, api) : thief;
      if (as !== thief) await as.enter(namespaceName);
      resume(as, namespaceId, stolen);
      const heard = await as.ask({ namespaceId, ...message });
      refusedTo(stage, what, heard);
    };

    await mine(1, create('/mine'));
    await mine(2, add('/mine', 7));
    stage.acknowledged = 2;
    stage.step('a stranger asks for the kept reply, writes under the next number, and ends the session');
    await speaks('asked for a kept reply', request(namespaceId, stolen, 2, add('/mine', 7)));
    await speaks('wrote in its name', request(namespaceId, stolen, 3, create('/theirs')));
    await speaks('kept it alive', { kind: 'keepAlive', ...stolen });
    // A session that does not exist is ended in the same way as any other. Its holder finds out whether this one was.
    const ended = await thief.ask({ kind: 'unregister', namespaceId, ...stolen });
    stage.step(`when asked to end the session, the node says: ${shown(JSON.stringify(ended))}`);
    const { session } = credentials;
    await speaks('wrote by its number alone', {
      kind: 'request',
      session,
      request: 3,
      answered: 3,
      operation: create('/theirs'),
    });
    const third = await mine(3, add('/mine', 10));
    const result = third.reply?.answer.result;
    if (result?.kind === 'number' && result.number === 17) stage.acknowledged++;
    else stage.fault(`the holder's own write 3 ended with ${shown(JSON.stringify(third))}`);
    const again = await mine(2, add('/mine', 1000));
    stage.demand(
      again.reply?.answer.result?.number !== 7,
      'a kept reply is given for another operation than the one that it answers',
    );
    const read = await holder.ask({
      kind: 'read',
      namespaceId,
      consistency: { kind: 'linearizable' },
      operation: { kind: 'counterGet', path: '/mine' },
    });
    stage.present = read.reply?.answer.result?.number === 17 ? 3 : 0;
    stage.demand(stage.present === 3, `the counter should stand at 17: ${shown(JSON.stringify(read))}`);
  },
} as const satisfies Trial;

function refusedTo(stage: Stage, what: string, heard: Heard): void {
  const error = errorOf(heard);
  if (error !== null) stage.noteRefusal(`${error.code} (${error.outcome}): ${error.message}`);
  else if (heard.kind !== 'closed') stage.fault(`a stranger ${what}: ${shown(JSON.stringify(heard))}`);
}
