/** A program asks for too much at once, of the package in its own process. */

import { namespaceName } from '../../stage/stage.ts';
import { bundleOfTest } from '../../stage/tools/bundles.ts';
import { beside } from '../../stage/tools/programs.ts';
import { Proxy } from '../../stage/tools/proxy.ts';
import { comes, within } from '../../stage/tools/waiting.ts';
import { trialOf } from '../attack.ts';
import type { ClientOptions, ClientReport } from '../tools/client-program.ts';

const calls = 30_000;
const updates = 100;
const watches = 20;
const values = 40;
const clientMiB = 400;
const endsWithinMs = 3000;

export const trial = trialOf({
  name: 'client-burst',
  sentence: `A program makes ${calls} calls and ${updates} updates of one value at once, leaves ${watches} watches unread, and closes when its line is silent: all is done, within bounds, and the program ends.`,
  short: false,
  clue: null,
  async attack({ stage, nodes }) {
    const proxies = await Promise.all(nodes.map(({ api }) => Proxy.before(stage, api)));
    const options: ClientOptions = {
      urls: proxies.map(({ address }) => address),
      namespace: namespaceName,
      calls,
      updates,
      watches,
      values,
    };
    const source = await bundleOfTest('test/abuse/tools/client-program.ts');
    const program = beside(stage, process.execPath, [source, JSON.stringify(options)]);
    const reported = await comes(45_000, () => Promise.resolve(program.lines.length > 0));
    if (!reported) {
      stage.fault(`the program does not come to its end: ${program.stderr}`);
      return;
    }
    const report = JSON.parse(program.lines[0]!) as ClientReport;
    stage.step(
      `${report.done} of ${calls} calls were done in ${report.callsMs.toFixed(0)} ms, refused: ${JSON.stringify(report.refused)}`,
    );
    stage.step(
      `${report.updatesDone} of ${updates} updates took ${report.callbacks} callbacks and ${report.updatesMs.toFixed(0)} ms`,
    );
    stage.step(`the program took ${report.peakMiB.toFixed(0)} MiB with ${watches} unread watches of ${values} MB`);
    stage.demand(report.done === calls, `${calls - report.done} of ${calls} calls were refused`);
    stage.demand(report.updatesDone === updates, `${updates - report.updatesDone} updates failed`);
    stage.demand(
      report.callbacks <= 10 * updates,
      `${updates} updates of one value took ${report.callbacks} callbacks`,
    );
    stage.demand(
      report.peakMiB <= clientMiB,
      `the program took ${report.peakMiB.toFixed(0)} MiB, ${clientMiB} are allowed`,
    );
    for (const proxy of proxies) proxy.cut(() => 'silent');
    const began = performance.now();
    process.kill(program.pid, 'SIGUSR2');
    const ended = await within('the end of the program', 4000, program.ended).catch(() => null);
    const took = performance.now() - began;
    stage.step(
      `on a silent line, the program ${ended === null ? 'does not end' : 'ends'} in ${took.toFixed(0)} ms after close()`,
    );
    stage.demand(ended !== null && took <= endsWithinMs, `a program lives on for ${took.toFixed(0)} ms after close()`);
  },
});
