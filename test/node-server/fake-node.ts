/** A node that echoes, so that its host can be tested without a cluster. */

import type { Interface, Link, LinkHandler } from '../../core/base/ports.ts';
import type { HostedNode, MetricSample, NodeOptions } from '../../core/cluster/base/host.ts';

export class EchoNode implements HostedNode {
  readonly options: NodeOptions;
  readonly accepted: { through: Interface; subprotocol: string }[] = [];
  readonly closed: string[] = [];
  problems: string[] = [];
  waitingFor: string[] = ['test-ns'];
  ticks = 0;
  stops = true;

  constructor(options: NodeOptions) {
    this.options = options;
  }

  start(): void {
    this.waitingFor = [];
  }

  tick(): void {
    this.ticks++;
  }

  accept(through: Interface, subprotocol: string, link: Link): LinkHandler {
    this.accepted.push({ through, subprotocol });
    return {
      onFrame: (frame) => link.send(frame),
      onClose: (code, reason) => this.closed.push(`${code} ${reason}`),
    };
  }

  stop(done: () => void): void {
    if (this.stops) done();
  }

  health(): { ok: boolean; problems: readonly string[] } {
    return { ok: this.problems.length === 0, problems: this.problems };
  }

  ready(namespace?: string): { ok: boolean; waitingFor: readonly string[] } {
    const waitingFor = namespace === undefined ? this.waitingFor : [...this.waitingFor, `a primary of ${namespace}`];
    return { ok: waitingFor.length === 0, waitingFor };
  }

  metrics(): readonly MetricSample[] {
    const sample = { name: 'haret_commit_op', help: 'Highest committed op.', type: 'gauge' as const };
    return [
      { ...sample, labels: { namespace: 'test-ns', odd: 'a "quote"\nand \\' }, value: 7 },
      { ...sample, labels: { namespace: 'other' }, value: 1.5 },
    ];
  }

  view(): ReturnType<HostedNode['view']> {
    return {
      name: this.options.name,
      incarnation: '0'.repeat(32),
      cluster: null,
      state: 'unknown',
      replicas: [],
      connectedPeers: [],
      nodes: [],
      clients: { connections: 0, asked: 0, answered: 0 },
    };
  }

  sessions(): ReturnType<HostedNode['sessions']> {
    return [];
  }
}
