/**
 * The nodes that are left out of the cluster that names them. Under the name of one, another incarnation answers.
 * Another still has its incarnation and has lost its log. What either promised and acknowledged is forgotten, so it
 * never again answers or votes under that name (protocol §2, "Strangers").
 */

import { errorInfo } from '../../base/errors.ts';
import type { ErrorInfo } from '../../base/errors.ts';
import type { Clock, Log } from '../../base/ports.ts';
import type { Store } from '../../store/store.ts';
import type { NodeInfo } from '../../wire/node-info.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { Problems } from '../base/problems.ts';

export type Outside = 'stranger' | 'emptied';

const remedy =
  'put the log back as it was; if it is gone for good and the node did not found the cluster, empty the data directory, give the node another node_name, and join it under that name';

/**
 * What an emptied node says about itself to its operator, its clients and its peers. A client is better off at another
 * node.
 */
function emptiedSelf(node: string, foreign: boolean, replicas: number): ErrorInfo {
  if (!foreign && replicas > 0) {
    const text = `the log of this node no longer says to which cluster the node belongs: every copy of that record is lost. Parts of the log can be read, and ${replicas} replica${replicas > 1 ? 's' : ''} with them. It serves and votes nowhere, and changes nothing in its data directory: keep a copy of it, for it may have what no other node has; put the log back as it was; if that cannot be done and every namespace has a quorum without this node, empty the data directory, give the node another node_name, and join it under that name`;
    return errorInfo('NodeRefused', text, { node, emptied: true });
  }
  if (foreign) {
    const text =
      'the log in the data directory of this node was written by another store: its file "store" belongs to another node, or the segments do. It serves and votes nowhere, and nothing is lost yet: remove nothing, stop the node, and put the right files back';
    return errorInfo('NodeRefused', text, { node, emptied: true });
  }
  const text = `the log of this node is gone from its data directory, and only its identity is left: what it promised and acknowledged is forgotten, so it serves and votes nowhere; ${remedy}`;
  return errorInfo('NodeRefused', text, { node, emptied: true });
}

/**
 * What other nodes say about an emptied node, also as the answer to a command that would take it in again unchanged.
 */
export function emptiedNode(node: string): ErrorInfo {
  const text = `node ${node} is of this cluster and has lost its log: it must not come back under this name, because it has forgotten what it promised and acknowledged; ${remedy}`;
  return errorInfo('NodeRefused', text, { node, emptied: true });
}

/**
 * What a node says, also as the answer to a command, about a program that has a member's address and proves nothing. It
 * only advises the operator to look.
 */
export function unprovenNode(node: string, address: string): ErrorInfo {
  const text = `what answers at ${address} cannot prove the cluster's secret and says that it is node ${node} with an emptied or other data directory: look at that node itself before you do anything; if that is so, its own log and /health say it`;
  return errorInfo('NodeRefused', text, { node });
}

export interface OutsidersParts {
  readonly problems: Problems;
  readonly log: Log;
  readonly clock: Clock;
  /** True when some node is connected to this one. */
  readonly connected: () => boolean;
  /** A claim without proof counts for this long (base/times.ts). */
  readonly hearsayMs: number;
}

export class Outsiders {
  readonly #parts: OutsidersParts;
  readonly #problems: Problems;
  readonly #log: Log;
  /** By name, this node included. */
  readonly #nodes = new Map<string, Outside>();
  /** Set when this node's own store has lost its log. */
  #emptied: ErrorInfo | null = null;
  /** Set when peers know another incarnation of this node (protocol §2, "Strangers"), and until when this counts. */
  #strange: ErrorInfo | null = null;
  #strangeUntilMs = 0;

  constructor(parts: OutsidersParts) {
    this.#parts = parts;
    this.#problems = parts.problems;
    this.#log = parts.log;
  }

  /**
   * Why this node serves no client, or null while it may. A node that some of its peers accept is not a stranger,
   * whatever one of them says.
   */
  refusal(): ErrorInfo | null {
    if (this.#emptied !== null) return this.#emptied;
    if (this.#strange === null || this.#parts.connected()) return null;
    if (this.#parts.clock.now() > this.#strangeUntilMs) this.#strange = null;
    return this.#strange;
  }

  /**
   * A peer knows this node, `self`, with another data directory.
   * @param proven the peer knows the cluster's secret. A peer that does not know it cannot stop this node for good. Its
   * claim counts while it is repeated, and while this node is in no cluster.
   */
  calledStranger(self: string, by: NodeInfo, proven: boolean): void {
    const { clock, hearsayMs } = this.#parts;
    const text = `node ${by.name} knows this node with another data directory: the one it has was emptied or replaced. It serves and votes nowhere; put the old directory back; if it is gone for good and this node did not found the cluster, empty this one, give the node another node_name, and join it`;
    if (this.#strange === null) this.#log.write('error', text);
    this.#strange ??= errorInfo('NodeRefused', text, { node: self });
    this.#strangeUntilMs = proven ? Infinity : clock.now() + hearsayMs;
  }

  /** Called when this node starts on its store. */
  begin(node: string, store: Pick<Store, 'emptied' | 'foreign' | 'incarnation' | 'replicas'>): void {
    const { emptied, foreign, incarnation } = store;
    this.#emptied = emptied ? emptiedSelf(node, foreign, store.replicas().length) : null;
    if (this.#emptied === null) return;
    this.#nodes.set(node, 'emptied');
    this.#log.write('error', this.#emptied.message, { incarnation });
  }

  get emptied(): ErrorInfo | null {
    return this.#emptied;
  }

  of(node: string): Outside | null {
    return this.#nodes.get(node) ?? null;
  }

  /** The node has proven the secret, and has another incarnation under that name. */
  stranger({ name, incarnation }: NodeInfo, found: NodeInfo): void {
    const text = `node ${name} at ${found.clusterAddress} has another data directory than the one the cluster knows: its own was emptied or replaced. It is left out; put the old directory back there; if it is gone for good and that node did not found the cluster, give it another node_name and join it`;
    const facts = { known: incarnation, found: found.incarnation };
    this.#nodes.set(name, 'stranger');
    this.unproven(name, null);
    if (this.#problems.warn(`stranger ${name}`, text)) this.#log.write('error', text, facts);
  }

  /**
   * A program that has proven nothing does not make a node an outsider. We only report that it answers there, as long
   * as it does.
   */
  unproven(node: string, claim: ErrorInfo | null): void {
    if (claim === null || this.#nodes.has(node)) this.#problems.clear(`unproven ${node}`);
    else this.#problems.warn(`unproven ${node}`, claim.message);
  }

  /** True when the program that answered at the node's address could not prove itself at the last dial. */
  isUnproven(node: string): boolean {
    return this.#problems.has(`unproven ${node}`);
  }

  /**
   * Another node was joined at its address, as its operator was told to do. The attendance reports which voters its
   * groups lack.
   */
  replaced(node: string): void {
    this.#problems.clear(`stranger ${node}`);
    this.#problems.clear(`unproven ${node}`);
  }

  lostItsLog({ name, incarnation }: NodeInfo): void {
    const text = emptiedNode(name).message;
    this.#nodes.set(name, 'emptied');
    this.unproven(name, null);
    if (this.#problems.warn(`stranger ${name}`, text)) this.#log.write('error', text, { incarnation });
  }

  /** The node is connected with the incarnation that the cluster knows. */
  back(node: string): void {
    this.#nodes.delete(node);
    this.#problems.clear(`stranger ${node}`);
    this.unproven(node, null);
  }
}

/** True when the catalog names this node with this incarnation. */
export function isNamed(catalog: Catalog | null, { name, incarnation }: NodeInfo): boolean {
  const known = catalog?.node(name);
  return known?.ejected === false && known.incarnation === incarnation;
}
