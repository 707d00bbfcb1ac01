/** The work of both workers: they let a cluster run beside the page, so that the page stays smooth. */

import { Player } from './player.ts';
import type { MakeCluster } from './player.ts';
import type { FromWorker, ToWorker } from './protocol.ts';

const frameMs = 14;

interface WorkerScope {
  postMessage(message: FromWorker): void;
  onmessage: ((event: { readonly data: ToWorker }) => void) | null;
}

/** Runs the clusters that `make` makes, until the worker ends. */
export function runWorker(make: MakeCluster): void {
  const scope = self as unknown as WorkerScope;
  const channel = new MessageChannel();
  let drained: () => void = () => undefined;
  channel.port1.onmessage = () => drained();

  const host = {
    post: (message: FromWorker) => scope.postMessage(message),
    now: () => performance.now(),
    drain: () =>
      new Promise<void>((resolve) => {
        drained = resolve;
        channel.port2.postMessage(null);
      }),
  };
  const player = new Player(host, make);
  scope.onmessage = (event) => player.receive(event.data);

  const run = async (): Promise<void> => {
    const startedMs = performance.now();
    await player.turn();
    setTimeout(() => void run(), Math.max(0, frameMs - (performance.now() - startedMs)));
  };
  void run();
}
