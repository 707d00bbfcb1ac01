/** What a node measures about itself, as samples that its host prints (architecture §2, `/metrics`). */

import { Service } from '../service/service.ts';
import type { Store } from '../store/store.ts';
import type { AdminCounters } from './admin/admin-connection.ts';
import type { ApiCounters } from './clients/api-connection.ts';
import type { Doors } from './doors.ts';
import type { Traffic } from './clients/traffic.ts';
import type { Groups } from './replicas/groups.ts';
import type { Resources } from './replicas/resources.ts';
import type { MetricSample } from './base/host.ts';
import type { Peers } from './peers/peers.ts';
import type { ReplicaHost } from './replicas/replica-host.ts';
import type { Router } from './routing/router.ts';
import type { Subscriptions } from './watching/subscriptions.ts';

/** How many of a namespace's largest leaves are reported, so that an operator finds what fills it. */
const largestTold = 5;

export interface MetricSources {
  readonly groups: Groups;
  readonly peers: Peers;
  readonly router: Router;
  readonly store: Store;
  readonly resources: Resources;
  readonly watches: Subscriptions;
  readonly api: ApiCounters;
  readonly admin: AdminCounters;
  readonly doors: Doors;
  readonly traffic: Traffic;
}

export function collectMetrics(sources: MetricSources): MetricSample[] {
  const samples: MetricSample[] = [];
  const add = (
    type: MetricSample['type'],
    name: string,
    help: string,
    value: number,
    labels: MetricSample['labels'] = {},
  ): void => void samples.push({ name, help, type, labels, value });

  const { api, admin, peers, router, store, groups, doors } = sources;
  add('gauge', 'haret_api_connections', 'Open connections on the API interface.', doors.open('api'));
  add('gauge', 'haret_watches', 'Watches that are open here, including those of peers.', sources.watches.size);
  add('counter', 'haret_api_requests_total', 'Writes that clients sent on the API interface.', api.requests);
  add('counter', 'haret_api_reads_total', 'Reads that clients sent on the API interface.', api.reads);
  add('counter', 'haret_api_errors_total', 'Requests answered with an error outside the log.', api.errors);
  add('counter', 'haret_api_refused_total', 'API connections closed for what they sent.', api.refused);
  const { traffic } = sources;
  add('gauge', 'haret_api_asked_bytes', 'Bytes of requests that have no answer yet.', traffic.asked);
  add('gauge', 'haret_api_outgoing_bytes', 'Bytes of answers that clients have not read yet.', traffic.outgoing);
  add('gauge', 'haret_api_waiting_reads', 'Reads that wait until their clients read.', traffic.held);
  add('gauge', 'haret_api_paused_connections', 'API connections that are not read from now.', traffic.unread);
  add('gauge', 'haret_admin_connections', 'Open connections on the admin interface.', doors.open('admin'));
  add('counter', 'haret_admin_commands_total', 'Commands asked on the admin interface.', admin.commands);
  const refused = 'Admin commands not done, and connections closed, for what they said.';
  add('counter', 'haret_admin_refused_total', refused, admin.refused);
  add('gauge', 'haret_peers_connected', 'Other nodes that are connected.', peers.connectedNames().length);
  add('counter', 'haret_peer_frames_received_total', 'Frames from other nodes.', peers.counters.framesIn);
  add('counter', 'haret_peer_frames_sent_total', 'Frames to other nodes.', peers.counters.framesOut);
  add('counter', 'haret_peer_received_bytes_total', 'Bytes from other nodes.', peers.counters.bytesIn);
  add('counter', 'haret_peer_sent_bytes_total', 'Bytes to other nodes.', peers.counters.bytesOut);
  add('counter', 'haret_peer_dropped_total', 'Messages not sent to a slow node.', peers.counters.dropped);
  add(
    'counter',
    'haret_peer_refused_total',
    'Cluster connections refused or closed for what they sent.',
    peers.counters.refused,
  );
  const unbelieved = 'Messages of other nodes that were not believed.';
  for (const [reason, count] of peers.unbelieved)
    add('counter', 'haret_peer_unbelieved_total', unbelieved, count, { reason });
  add('counter', 'haret_peer_unbelieved_total', unbelieved, router.hints.unbelieved, {
    reason: 'hints: no replica of the group',
  });
  add('gauge', 'haret_forwarded_outstanding', 'Requests that another node is asked to serve.', router.outstanding);
  const disk = store.stats();
  add('gauge', 'haret_store_segments', 'Files of the log.', disk.segments);
  add('gauge', 'haret_store_segment_bytes', 'Bytes of the files of the log.', disk.segmentBytes);
  add('counter', 'haret_store_batches_total', 'Batches written, each with one sync.', disk.batches);
  add('counter', 'haret_store_written_bytes_total', 'Bytes written to the log.', disk.writtenBytes);
  add('counter', 'haret_store_parts_total', "Replicas' batches written.", disk.parts);
  add('gauge', 'haret_store_queued_parts', "Replicas' batches that wait for the disk.", disk.queuedParts);
  add('gauge', 'haret_store_queued_bytes', 'Bytes that wait for the disk.', disk.queuedBytes);
  add('counter', 'haret_store_copied_entries_total', 'Entries copied out of old files.', disk.copiedEntries);
  add('gauge', 'haret_store_checkpoints_in_progress', 'Checkpoints being written.', disk.checkpointsBeingWritten);
  const waited = sources.resources.stall.waitedMs / 1000;
  add('gauge', 'haret_disk_waited_seconds', 'For how long the disk has not answered.', waited);
  const { freeBytes } = sources.resources.disk;
  if (freeBytes !== null) add('gauge', 'haret_disk_free_bytes', 'Bytes left for the data directory.', freeBytes);
  const { use, refused: refusedForMemory } = sources.resources.memory;
  if (use !== null) {
    add('gauge', 'haret_memory_needed_bytes', 'Bytes of memory that live objects need, estimated.', use.needBytes);
    add('gauge', 'haret_memory_limit_bytes', 'Bytes of memory that live objects may need.', use.limitBytes);
    add('counter', 'haret_memory_refused_total', 'Requests refused with MemoryLow.', refusedForMemory);
  }
  for (const host of groups.all)
    addReplica(add, host, groups.namespaceName(host.namespaceId) ?? String(host.namespaceId));
  return samples;
}

type Add = (
  type: MetricSample['type'],
  name: string,
  help: string,
  value: number,
  labels?: MetricSample['labels'],
) => void;

function addReplica(add: Add, host: ReplicaHost, namespace: string): void {
  const view = host.view();
  const labels = { namespace, replica: host.replicaName };
  add('gauge', 'haret_replica_primary', '1 on the primary.', view.isPrimary ? 1 : 0, labels);
  add('gauge', 'haret_replica_normal', '1 while the status is normal.', view.status === 'normal' ? 1 : 0, labels);
  add('gauge', 'haret_replica_epoch', 'Epoch of the replica.', view.view.epoch, labels);
  add('gauge', 'haret_replica_view', 'View of the replica.', view.view.view, labels);
  add('gauge', 'haret_replica_head', 'Highest op in the log.', view.head, labels);
  add('gauge', 'haret_replica_commit', 'Commit number.', view.commit, labels);
  add('gauge', 'haret_replica_checkpoint', 'Op of the checkpoint.', view.checkpointOp, labels);
  add('gauge', 'haret_replica_pending', 'Requests that wait to be prepared.', view.pending, labels);
  for (const [reason, count] of host.dropped) {
    add('counter', 'haret_replica_dropped_total', 'Messages of other replicas that were dropped.', count, {
      ...labels,
      reason,
    });
  }
  const { machine } = host;
  if (!(machine instanceof Service)) return;
  const stats = machine.stats();
  add('gauge', 'haret_namespace_sessions', 'Live sessions.', stats.sessions, labels);
  add('gauge', 'haret_namespace_keys', 'Nodes of the tree.', stats.keys, labels);
  add('gauge', 'haret_namespace_bytes', 'Bytes of keys and values.', stats.treeBytes, labels);
  for (const [operation, count] of stats.applied) {
    add('counter', 'haret_applied_total', 'Operations applied.', count, { ...labels, operation });
  }
  for (const leaf of machine.largest(largestTold)) {
    add('gauge', 'haret_largest_bytes', 'Bytes of the largest nodes.', leaf.bytes, { ...labels, path: leaf.path });
  }
}
