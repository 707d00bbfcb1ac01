/** Prometheus' text format 0.0.4, and the samples that only the process knows. */

import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { IntervalHistogram } from 'node:perf_hooks';
import type { MetricSample } from '../core/cluster/base/host.ts';
import { descriptorLimit, openDescriptors } from './descriptors.ts';

export const prometheusType = 'text/plain; version=0.0.4; charset=utf-8';

/**
 * One `# HELP` and one `# TYPE` for each name, then its samples. Names come in the order in which they first came up.
 */
export function prometheusText(samples: readonly MetricSample[]): string {
  const byName = new Map<string, MetricSample[]>();
  for (const sample of samples) {
    const same = byName.get(sample.name);
    if (same === undefined) byName.set(sample.name, [sample]);
    else same.push(sample);
  }
  let text = '';
  for (const [name, same] of byName) {
    const first = same[0]!;
    text += `# HELP ${name} ${first.help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}\n# TYPE ${name} ${first.type}\n`;
    for (const sample of same) text += `${name}${labelsText(sample.labels)} ${numberText(sample.value)}\n`;
  }
  return text;
}

function labelsText(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(
    ([name, value]) => `${name}="${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`,
  );
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function numberText(value: number): string {
  if (value === Infinity) return '+Inf';
  return value === -Infinity ? '-Inf' : String(value);
}

const rollMs = 60_000;

/** Memory, processor time and the delay of the event loop, since the last reset a minute or more ago. */
export class ProcessMetrics {
  readonly #startedAt = Date.now() / 1000;
  readonly #delay: IntervalHistogram = monitorEventLoopDelay({ resolution: 20 });
  #rolledAt = performance.now();

  start(): void {
    this.#delay.enable();
  }

  stop(): void {
    this.#delay.disable();
  }

  samples(): readonly MetricSample[] {
    const gauge = (name: string, help: string, value: number, labels: MetricSample['labels'] = {}): MetricSample => ({
      name,
      help,
      type: 'gauge',
      labels,
      value,
    });
    const memory = process.memoryUsage();
    const cpu = process.cpuUsage();
    const delayHelp = 'How late the event loop was, since the last reset a minute or more ago.';
    const delay = (quantile: string, nanoseconds: number): MetricSample =>
      gauge('haret_event_loop_delay_seconds', delayHelp, nanoseconds / 1e9, { quantile });
    const samples: MetricSample[] = [
      gauge('process_resident_memory_bytes', 'Resident memory.', memory.rss),
      gauge(
        'process_start_time_seconds',
        'When the process started, in seconds since the Unix epoch.',
        this.#startedAt,
      ),
      {
        name: 'process_cpu_seconds_total',
        help: 'Processor time, user and system.',
        type: 'counter',
        labels: {},
        value: (cpu.user + cpu.system) / 1e6,
      },
      gauge('haret_heap_used_bytes', 'The JavaScript heap in use, by live and dead objects.', memory.heapUsed),
      gauge('haret_heap_total_bytes', 'The size of the JavaScript heap.', memory.heapTotal),
      gauge('haret_external_memory_bytes', 'Memory of buffers outside the heap.', memory.external),
      delay('0.5', this.#delay.percentile(50)),
      delay('0.99', this.#delay.percentile(99)),
      delay('1', this.#delay.max),
    ];
    const [open, limit] = [openDescriptors(), descriptorLimit()];
    if (open !== null) samples.push(gauge('process_open_fds', 'Open files, sockets included.', open));
    if (limit !== Infinity) samples.push(gauge('process_max_fds', 'How many files may be open.', limit));
    const now = performance.now();
    if (now - this.#rolledAt > rollMs) {
      this.#delay.reset();
      this.#rolledAt = now;
    }
    return samples;
  }
}
