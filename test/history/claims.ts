/**
 * What answers say about their positions in the log: each op belongs to one write, a call that was asked after an
 * answer has a later position, and the calls that one client asked in order have positions in this order.
 */

import type { Anomaly } from './anomaly.ts';
import { lineOf } from './anomaly.ts';
import type { Call } from './format.ts';
import { isRead } from './model.ts';

interface Placed {
  readonly call: Call;
  readonly op: number;
  readonly answeredAt: number;
  readonly read: boolean;
}

export function checkClaims(calls: readonly Call[]): Anomaly[] {
  const placed: Placed[] = [];
  for (const call of calls) {
    const { answer, operation, linearizable } = call;
    if (answer === null || answer.op === null || answer.outcome === 'unknown' || answer.outcome === 'definite')
      continue;
    const read = isRead(operation);
    if (read && !linearizable) continue;
    placed.push({ call, op: answer.op, answeredAt: answer.at, read });
  }
  return [...eachOpOnce(placed), ...inRealTime(placed), ...inAskedOrder(placed)];
}

function eachOpOnce(placed: readonly Placed[]): Anomaly[] {
  const owners = new Map<number, Placed>();
  const anomalies: Anomaly[] = [];
  for (const one of placed) {
    if (one.read) continue;
    const owner = owners.get(one.op);
    if (owner === undefined) owners.set(one.op, one);
    else
      anomalies.push({
        what: `two writes were told that they are op ${one.op}`,
        lines: [lineOf(owner.call), lineOf(one.call)],
      });
  }
  return anomalies;
}

/** A client that got an answer with an op has seen the log up to there. A later call is not older. */
function inRealTime(placed: readonly Placed[]): Anomaly[] {
  const answered = [...placed].sort((a, b) => a.answeredAt - b.answeredAt);
  const asked = [...placed].sort((a, b) => a.call.at - b.call.at);
  const anomalies: Anomaly[] = [];
  let newest: Placed | null = null;
  let next = 0;
  for (const one of asked) {
    while (next < answered.length && answered[next]!.answeredAt < one.call.at) {
      const told = answered[next++]!;
      if (newest === null || told.op > newest.op) newest = told;
    }
    if (newest === null) continue;
    const behind = one.read ? one.op < newest.op : one.op <= newest.op;
    if (!behind) continue;
    anomalies.push({
      what: `${one.read ? 'a read saw op' : 'a write became op'} ${one.op} after op ${newest.op} had been told`,
      lines: [lineOf(newest.call), lineOf(one.call)],
    });
  }
  return anomalies;
}

function inAskedOrder(placed: readonly Placed[]): Anomaly[] {
  const last = new Map<string, Placed>();
  const anomalies: Anomaly[] = [];
  for (const one of placed) {
    if (one.read) continue;
    const before = last.get(one.call.client);
    if (before !== undefined && one.op < before.op)
      anomalies.push({
        what: `what ${one.call.client} asked first happened last`,
        lines: [lineOf(before.call), lineOf(one.call)],
      });
    else last.set(one.call.client, one);
  }
  return anomalies;
}
