/** One connection registers session after session. */

import { namespaceName, shown } from '../../stage/stage.ts';
import { ThinConnection, errorOf, register, request } from '../../stage/tools/thin.ts';
import { within } from '../../stage/tools/waiting.ts';
import type { Trial } from '../../stage/trial.ts';

/** More than a namespace holds by default. */
const registers = 20_500;
const wave = 2000;

export const trial = {
  name: 'many-registers',
  sentence: "Twenty thousand registrations over one connection do not push out another connection's session.",
  short: false,
  limitMs: 180_000,
  async play(stage) {
    const cluster = await stage.cluster(1);
    const { api } = cluster.node(0);
    const victim = await ThinConnection.open(stage, api);
    const namespaceId = await victim.enter(namespaceName);
    const credentials = await register(victim, namespaceId);
    await victim.ask(
      request(namespaceId, credentials, 1, { kind: 'create', path: '/n', type: 'counter', value: null }),
    );
    stage.acknowledged = 1;

    const many = await ThinConnection.open(stage, api);
    await many.enter(namespaceName);
    let registered = 0;
    for (let sent = 0; sent < registers && !many.closed; sent += wave) {
      const messages = Array.from({ length: Math.min(wave, registers - sent) }, () => ({
        kind: 'register',
        namespaceId,
        client: 'many',
        secret: null,
      }));
      const heard = await within('registrations', 20_000, Promise.all(many.sendAll(messages)));
      for (const one of heard) {
        const error = errorOf(one);
        if (error === null) registered += one.kind === 'reply' ? 1 : 0;
        else stage.noteRefusal(`${error.code} (${error.outcome}): ${error.message}`);
      }
    }
    stage.step(`${registered} of ${registers} registrations over one connection were done`);
    stage.demand(registered > 0 || stage.refusals.length > 0, 'a registration is done or refused');
    const heard = await victim.ask(request(namespaceId, credentials, 2, { kind: 'counterAdd', path: '/n', by: 1 }));
    const error = errorOf(heard);
    if (heard.reply?.answer.result?.number === 1) {
      stage.acknowledged++;
      stage.present = 2;
    } else
      stage.fault(
        `the session of another connection is gone: ${error?.code ?? heard.kind}: ${shown(error?.message ?? '')}`,
      );
    await stage.judgeProcesses(cluster.nodes);
  },
} as const satisfies Trial;
