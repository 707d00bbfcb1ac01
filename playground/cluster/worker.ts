/** The worker that the cluster in the tab runs in, so that the page stays smooth. */

import { Player } from './player.ts';
import type { FromWorker, ToWorker } from './protocol.ts';

const frameMs = 14;

interface WorkerScope {
  postMessage(message: FromWorker): void;
  onmessage: ((event: { readonly data: ToWorker }) => void) | null;
}

const scope = self as unknown as WorkerScope;
const channel = new MessageChannel();
let drained: () => void = () => undefined;
channel.port1.onmessage = () => drained();

const player = new Player({
  post: (message) => scope.postMessage(message),
  now: () => performance.now(),
  drain: () =>
    new Promise((resolve) => {
      drained = resolve;
      channel.port2.postMessage(null);
    }),
});
scope.onmessage = (event) => player.receive(event.data);

async function run(): Promise<void> {
  const startedMs = performance.now();
  await player.turn();
  setTimeout(() => void run(), Math.max(0, frameMs - (performance.now() - startedMs)));
}
void run();
