/**
 * The simulated network: hosts, links between them, and what goes wrong on the way. Frames between nodes may be lost,
 * doubled, reordered, delayed or held (protocol §1). A client's connection is a stream. It may be late or break, but it
 * never loses or reorders anything.
 */

import type { SeededRandom } from '../base/random.ts';
import type { Frame, Link, LinkHandler, Transport } from '../base/ports.ts';
import * as closeCodes from '../wire/close-codes.ts';
import type { Schedule } from './schedule.ts';

/** Takes a link that another host dialled. Null: no one listens at that address now. */
export type Listen = (address: string, subprotocol: string, link: Link, from: string) => LinkHandler | null;

/** Chances are in 1,000. Delays are whole microseconds. */
export interface NetworkFaults {
  lossPermille: number;
  doublePermille: number;
  /** A held frame arrives late, after frames that were sent later. */
  holdPermille: number;
  minDelayUs: number;
  maxDelayUs: number;
  maxHoldUs: number;
}

export const calmNetwork: NetworkFaults = {
  lossPermille: 0,
  doublePermille: 0,
  holdPermille: 0,
  minDelayUs: 100,
  maxDelayUs: 400,
  maxHoldUs: 0,
};

/** Hears of every frame as it leaves, for a page that draws the network. It must not call back. */
export interface NetworkObserver {
  /** @param arrivesUs null when the frame is lost on the way. */
  frame(from: string, to: string, sentUs: number, arrivesUs: number | null): void;
}

export interface NetworkCounters {
  delivered: number;
  lost: number;
  doubled: number;
  held: number;
}

export class Network {
  faults: NetworkFaults = { ...calmNetwork };
  observer: NetworkObserver | null = null;
  /**
   * Hears what is said on the lossy links, those between nodes. It gets copies of the frames, which it may keep but not
   * change.
   */
  tap: ((from: string, frame: Frame) => void) | null = null;
  readonly counters: NetworkCounters = { delivered: 0, lost: 0, doubled: 0, held: 0 };
  readonly #schedule: Schedule;
  readonly #random: SeededRandom;
  readonly #listen: Listen;
  /** `from>to` pairs over which nothing passes. */
  readonly #cut = new Set<string>();
  readonly #pipes = new Set<Pipe>();
  readonly #paused = new Set<string>();

  constructor(schedule: Schedule, random: SeededRandom, listen: Listen) {
    this.#schedule = schedule;
    this.#random = random;
    this.#listen = listen;
  }

  /** A host's name is `name`; its addresses are `name:port`. */
  transportOf(host: string): Transport {
    return { dial: (address, subprotocol, handler) => this.#dial(host, address, subprotocol, handler) };
  }

  /** Cuts one direction. */
  cut(from: string, to: string): void {
    this.#cut.add(`${from}>${to}`);
  }

  mend(from: string, to: string): void {
    this.#cut.delete(`${from}>${to}`);
  }

  mendAll(): void {
    this.#cut.clear();
  }

  isCut(from: string, to: string): boolean {
    return this.#cut.has(`${from}>${to}`);
  }

  get anyCut(): boolean {
    return this.#cut.size > 0;
  }

  /** A paused host's kernel still takes frames. They wait until the host goes on. */
  pause(host: string): void {
    this.#paused.add(host);
  }

  resume(host: string): void {
    this.#paused.delete(host);
    for (const pipe of this.#pipes) pipe.resumed(host);
  }

  isPaused(host: string): boolean {
    return this.#paused.has(host);
  }

  /** The host's process ended. The other ends of its links hear of it, as its kernel would tell them. */
  kill(host: string): void {
    for (const pipe of this.#pipes) pipe.died(host);
  }

  /** Breaks the connections between two hosts, like a middle box that forgets them. */
  reset(a: string, b: string): void {
    for (const pipe of this.#pipes) if (pipe.joins(a, b)) pipe.break();
  }

  /** The connections of a host die without a word to either end: frames vanish, and no end is told of a close. */
  silence(host: string): void {
    for (const pipe of this.#pipes) if (pipe.from === host || pipe.to === host) pipe.mute = true;
  }

  #dial(from: string, address: string, subprotocol: string, handler: LinkHandler): Link {
    const to = address.slice(0, address.lastIndexOf(':'));
    const pipe = new Pipe(this, this.#schedule, from, to, handler, subprotocol.includes('cluster'));
    this.#pipes.add(pipe);
    this.#schedule.after(this.delayUs(), () => {
      if (pipe.closed) return;
      const there =
        this.isCut(from, to) || this.isCut(to, from) || this.isPaused(to)
          ? null
          : this.#accept(pipe, address, subprotocol);
      if (there === null) pipe.break();
      else pipe.open(there);
    });
    return pipe.near;
  }

  #accept(pipe: Pipe, address: string, subprotocol: string): LinkHandler | null {
    return this.#listen(address, subprotocol, pipe.far, pipe.from);
  }

  // For pipes.

  delayUs(): number {
    const { minDelayUs, maxDelayUs } = this.faults;
    return minDelayUs + this.#random.below(maxDelayUs - minDelayUs + 1);
  }

  holdUs(): number {
    return this.faults.maxHoldUs === 0 ? 0 : this.#random.below(this.faults.maxHoldUs);
  }

  chance(permille: number): boolean {
    return permille > 0 && this.#random.chance(permille, 1000);
  }

  forget(pipe: Pipe): void {
    this.#pipes.delete(pipe);
  }
}

/** A connection between two hosts, both of its ends. */
class Pipe {
  readonly near: Link;
  readonly far: Link;
  readonly from: string;
  readonly to: string;
  closed = false;
  /** A black hole: everything sent over it is lost, even its close. */
  mute = false;
  readonly #network: Network;
  readonly #schedule: Schedule;
  readonly #lossy: boolean;
  #nearHandler: LinkHandler | null;
  #farHandler: LinkHandler | null = null;
  /** When the last frame of a stream arrives. Later frames arrive after it, so streams keep their order. */
  #nearArrivesUs = 0;
  #farArrivesUs = 0;
  /** What arrived while its host was paused. */
  #stalled: (() => void)[] = [];

  constructor(network: Network, schedule: Schedule, from: string, to: string, near: LinkHandler, lossy: boolean) {
    this.#network = network;
    this.#schedule = schedule;
    this.from = from;
    this.to = to;
    this.#nearHandler = near;
    this.#lossy = lossy;
    this.near = this.#end(true);
    this.far = this.#end(false);
  }

  #end(near: boolean): Link {
    return {
      send: (frame) => this.#send(near, frame),
      close: (code, reason) => this.#close(near, code, reason),
      buffered: () => 0,
    };
  }

  joins(a: string, b: string): boolean {
    return (this.from === a && this.to === b) || (this.from === b && this.to === a);
  }

  open(there: LinkHandler): void {
    this.#farHandler = there;
    this.#deliver(true, () => this.#nearHandler?.onOpen?.());
  }

  #send(fromNear: boolean, frame: Frame): void {
    if (this.closed) return;
    const network = this.#network;
    // The sender may reuse its buffer. A real socket would have copied it by now.
    const copy = typeof frame === 'string' ? frame : frame.slice();
    if (!this.#lossy) return this.#transmit(fromNear, copy, 0);
    network.tap?.(fromNear ? this.from : this.to, copy);
    if (network.chance(network.faults.lossPermille)) {
      this.#lost(fromNear);
      return;
    }
    const held = network.chance(network.faults.holdPermille);
    if (held) network.counters.held++;
    this.#transmit(fromNear, copy, held ? network.holdUs() : 0);
    if (network.chance(network.faults.doublePermille)) {
      network.counters.doubled++;
      this.#transmit(fromNear, copy, network.holdUs());
    }
  }

  #lost(fromNear: boolean): void {
    const { counters, observer } = this.#network;
    counters.lost++;
    const [source, target] = fromNear ? [this.from, this.to] : [this.to, this.from];
    observer?.frame(source, target, this.#schedule.nowUs, null);
  }

  #transmit(fromNear: boolean, frame: Frame, extraUs: number): void {
    const network = this.#network;
    const [source, target] = fromNear ? [this.from, this.to] : [this.to, this.from];
    if (this.mute) return this.#lost(fromNear);
    if (network.isCut(source, target)) {
      this.#lost(fromNear);
      // A stream that loses a frame is broken: either the ends find out by their time-outs, or it breaks now.
      if (!this.#lossy) this.break();
      return;
    }
    let delay = network.delayUs() + extraUs;
    if (!this.#lossy || extraUs === 0) {
      const now = this.#schedule.nowUs;
      const last = fromNear ? this.#farArrivesUs : this.#nearArrivesUs;
      const arrives = Math.max(now + delay, last);
      if (fromNear) this.#farArrivesUs = arrives;
      else this.#nearArrivesUs = arrives;
      delay = arrives - now;
    }
    network.observer?.frame(source, target, this.#schedule.nowUs, this.#schedule.nowUs + delay);
    this.#schedule.after(delay, () => {
      network.counters.delivered++;
      this.#deliver(!fromNear, () => (fromNear ? this.#farHandler : this.#nearHandler)?.onFrame(frame));
    });
  }

  #deliver(toNear: boolean, run: () => void): void {
    const host = toNear ? this.from : this.to;
    if (this.#network.isPaused(host)) this.#stalled.push(run);
    else run();
  }

  resumed(host: string): void {
    if (host !== this.from && host !== this.to) return;
    const stalled = this.#stalled;
    this.#stalled = [];
    for (const run of stalled) this.#schedule.after(0, run);
    if (this.closed) this.#forget();
  }

  #close(byNear: boolean, code: number, reason: string): void {
    if (this.closed) return;
    this.closed = true;
    // Who closes hears nothing more: what is still on its way to it arrives nowhere.
    const mine = this.#handOff(byNear);
    const [source, target] = byNear ? [this.from, this.to] : [this.to, this.from];
    this.#schedule.after(0, () => mine?.onClose(code, reason));
    // Over a cut line the close does not arrive. The other end believes in the connection until it asks.
    if (this.mute || this.#network.isCut(source, target)) return this.#forget();
    // What was sent before still arrives. Then the other end hears of the close.
    const arrivesUs = byNear ? this.#farArrivesUs : this.#nearArrivesUs;
    const delay = Math.max(arrivesUs - this.#schedule.nowUs, 0) + this.#network.delayUs();
    this.#schedule.after(delay, () => {
      this.#deliver(!byNear, () => this.#handOff(!byNear)?.onClose(code, reason));
      if (this.#stalled.length === 0) this.#forget();
    });
  }

  /** The handler of one end, for its last call. */
  #handOff(near: boolean): LinkHandler | null {
    const handler = near ? this.#nearHandler : this.#farHandler;
    if (near) this.#nearHandler = null;
    else this.#farHandler = null;
    return handler;
  }

  #forget(): void {
    this.#network.forget(this);
  }

  /** Both ends hear that the connection broke. */
  break(): void {
    if (this.closed) return;
    this.closed = true;
    if (this.mute) return this.#forget();
    const { abnormal } = closeCodes;
    this.#schedule.after(this.#network.delayUs(), () => {
      this.#deliver(true, () => this.#handOff(true)?.onClose(abnormal, 'connection broke'));
      this.#deliver(false, () => this.#handOff(false)?.onClose(abnormal, 'connection broke'));
      if (this.#stalled.length === 0) this.#forget();
    });
  }

  /** The process at one end is gone. Nothing is delivered to it any more. */
  died(host: string): void {
    if (host === this.from) this.#nearHandler = null;
    else if (host === this.to) this.#farHandler = null;
    else return;
    this.break();
  }
}
