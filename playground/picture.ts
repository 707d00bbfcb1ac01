/**
 * The picture of the cluster: nodes that a user can crash with a click, the links between them, and the messages in
 * flight. Nodes and links are buttons, for the keyboard and screen readers. Moving things are drawn on a canvas below
 * them.
 */

import type { Flight, Frame, MessageKind, NodePicture } from './cluster/frame.ts';

interface Point {
  readonly x: number;
  readonly y: number;
}

/** What a click does, as a `sim` command. Null for a real cluster, where nothing can be broken. */
export type Break = ((line: string) => void) | null;

const you = 'you';
const maxFlying = 3000;
/**
 * When no frame comes, the picture continues by itself for this long. It does not when time runs too fast for the eye.
 */
const maxSmoothMs = 60;
const maxSmoothPace = 4;

/** How each kind is drawn: its radius in pixels, and its name. */
export const messageLooks: Readonly<Record<MessageKind, { readonly radius: number; readonly name: string }>> = {
  client: { radius: 5, name: 'request, reply' },
  prepare: { radius: 5, name: 'prepare' },
  prepareOk: { radius: 4, name: 'ack' },
  viewChange: { radius: 5, name: 'view change' },
  transfer: { radius: 5, name: 'transfer' },
  read: { radius: 3, name: 'read' },
  heartbeat: { radius: 2, name: 'heartbeat' },
};

export class Picture {
  readonly #element: HTMLElement;
  readonly #canvas: HTMLCanvasElement;
  readonly #nodes = new Map<string, NodeButton>();
  readonly #links = new Map<string, HTMLButtonElement>();
  readonly #you: HTMLElement;
  #break: Break = null;
  #flying: Flight[] = [];
  #nowUs = 0;
  /** The real time at which `#nowUs` was set. */
  #toldMs = 0;
  #pace = 0;
  #clients: readonly string[] = [];
  #cut = new Set<string>();
  #down = new Set<string>();
  #shape = '';
  #places = new Map<string, Point>();
  #colours = new Map<string, string>();
  #width = 0;
  #height = 0;

  constructor(element: HTMLElement, canvas: HTMLCanvasElement) {
    this.#element = element;
    this.#canvas = canvas;
    this.#you = document.createElement('div');
    this.#you.className = 'you';
    this.#you.textContent = you;
    element.append(this.#you);
    new ResizeObserver(() => this.#lay()).observe(element);
  }

  /** Begins again. */
  clear(breaks: Break): void {
    this.#break = breaks;
    for (const { button } of this.#nodes.values()) button.remove();
    for (const button of this.#links.values()) button.remove();
    this.#nodes.clear();
    this.#links.clear();
    this.#flying = [];
    this.#shape = '';
  }

  /** The style sheet has the colours. They change with the theme. */
  readColours(): void {
    const style = getComputedStyle(this.#element);
    const names = [...Object.keys(messageLooks), 'link', 'cut'];
    this.#colours = new Map(names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
  }

  update(frame: Frame): void {
    const shape = frame.nodes.map((node) => node.name).join(' ');
    if (shape !== this.#shape) {
      this.#shape = shape;
      this.#build(frame.nodes);
    }
    this.#nowUs = frame.nowUs;
    this.#toldMs = performance.now();
    this.#pace = frame.pace;
    this.#clients = frame.clients;
    const others = frame.otherClients;
    const who = others === 0 ? you : `${you} and ${others} more`;
    if (this.#you.textContent !== who) this.#you.textContent = who;
    this.#cut = new Set(frame.cuts.map(({ from, to }) => `${from}>${to}`));
    this.#down = new Set(frame.nodes.filter((node) => node.state === 'down').map((node) => node.name));
    this.#flying.push(...frame.flights);
    this.drawn.flights += frame.flights.length;
    if (this.#flying.length > maxFlying) this.#flying.splice(0, this.#flying.length - maxFlying);
    for (const node of frame.nodes) this.#nodes.get(node.name)?.show(node);
    for (const [pair, button] of this.#links) this.#showLink(pair, button);
  }

  #build(nodes: readonly NodePicture[]): void {
    for (const { button } of this.#nodes.values()) button.remove();
    for (const button of this.#links.values()) button.remove();
    this.#nodes.clear();
    this.#links.clear();
    this.#element.classList.toggle('many', nodes.length > 3);
    const breaks = this.#break;
    if (breaks !== null) {
      nodes.forEach((a, index) => {
        for (const b of nodes.slice(index + 1)) {
          const button = document.createElement('button');
          button.type = 'button';
          button.className = 'link';
          const pair = `${a.name}>${b.name}`;
          button.onclick = () => breaks(`sim ${this.#isCut(a.name, b.name) ? 'mend' : 'cut'} ${a.name} ${b.name}`);
          this.#links.set(pair, button);
          this.#element.append(button);
        }
      });
    }
    for (const node of nodes) {
      const made = new NodeButton(node.name, breaks);
      this.#nodes.set(node.name, made);
      this.#element.append(made.button);
    }
    this.#lay();
  }

  #isCut(a: string, b: string): boolean {
    return this.#cut.has(`${a}>${b}`) || this.#cut.has(`${b}>${a}`);
  }

  #showLink(pair: string, button: HTMLButtonElement): void {
    const [a = '', b = ''] = pair.split('>');
    const cut = this.#isCut(a, b);
    const label = cut ? `Mend the link between ${a} and ${b}` : `Cut the link between ${a} and ${b}`;
    if (button.getAttribute('aria-label') === label) return;
    button.setAttribute('aria-label', label);
    button.title = label;
    button.classList.toggle('cut', cut);
  }

  /**
   * Puts the nodes on a circle, with the first one at the top. The terminal is in the middle, so that its line to any
   * node crosses no other line.
   */
  #lay(): void {
    const { clientWidth: width, clientHeight: height } = this.#element;
    const ratio = window.devicePixelRatio;
    this.#width = width;
    this.#height = height;
    this.#canvas.width = Math.round(width * ratio);
    this.#canvas.height = Math.round(height * ratio);
    const names = [...this.#nodes.keys()];
    const [card] = this.#nodes.values();
    const cardWidth = card?.button.offsetWidth ?? 150;
    const cardHeight = card?.button.offsetHeight ?? 84;
    const centre = { x: width / 2, y: height / 2 };
    const reach = { x: Math.min(width / 2 - cardWidth / 2 - 4, 340), y: centre.y - cardHeight / 2 - 4 };
    this.#places = new Map();
    names.forEach((name, index) => {
      const angle = (index / names.length) * 2 * Math.PI - Math.PI / 2;
      this.#places.set(name, { x: centre.x + reach.x * Math.cos(angle), y: centre.y + reach.y * Math.sin(angle) });
    });
    // A triangle is high in its circle, so we lower it to the middle.
    const low = Math.max(...[...this.#places.values()].map((place) => place.y));
    const lower = names.length === 0 ? 0 : (centre.y + reach.y - low) / 2;
    for (const [name, place] of this.#places) this.#places.set(name, { x: place.x, y: place.y + lower });
    this.#places.set(you, { x: centre.x, y: centre.y + lower });
    for (const [name, { button }] of this.#nodes) put(button, this.#places.get(name)!);
    put(this.#you, this.#places.get(you)!);
    for (const [pair, button] of this.#links) {
      const [a = '', b = ''] = pair.split('>');
      const [one, other] = [this.#places.get(a)!, this.#places.get(b)!];
      put(button, { x: (one.x + other.x) / 2, y: (one.y + other.y) / 2 });
    }
  }

  /** How much was drawn since the page began, for measurements. */
  readonly drawn = { frames: 0, flights: 0 };

  draw(): void {
    this.drawn.frames++;
    const context = this.#canvas.getContext('2d');
    if (context === null) return;
    if (this.#colours.size === 0) this.readColours();
    const ratio = window.devicePixelRatio;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, this.#width, this.#height);
    this.#drawLinks(context);
    this.#drawFlights(context);
  }

  #drawLinks(context: CanvasRenderingContext2D): void {
    const names = [...this.#nodes.keys()];
    names.forEach((a, index) => {
      for (const b of names.slice(index + 1)) {
        const oneWay = this.#cut.has(`${a}>${b}`) !== this.#cut.has(`${b}>${a}`);
        const cut = this.#isCut(a, b);
        this.#line(context, a, b, cut ? 'cut' : 'link', cut ? (oneWay ? [8, 4] : [2, 7]) : []);
      }
    });
    for (const node of this.#clients) this.#line(context, you, node, 'link', []);
  }

  #line(context: CanvasRenderingContext2D, a: string, b: string, colour: string, dash: number[]): void {
    const [from, to] = [this.#places.get(a), this.#places.get(b)];
    if (from === undefined || to === undefined) return;
    context.strokeStyle = this.#colours.get(colour) ?? 'grey';
    context.lineWidth = colour === 'cut' ? 2 : 1;
    context.setLineDash(dash);
    context.beginPath();
    context.moveTo(from.x, from.y);
    context.lineTo(to.x, to.y);
    context.stroke();
    context.setLineDash([]);
  }

  /** Time goes on between two frames, so that moving things move as often as the screen is drawn. */
  #now(): number {
    if (this.#pace > maxSmoothPace) return this.#nowUs;
    const sinceMs = Math.min(maxSmoothMs, performance.now() - this.#toldMs);
    return this.#nowUs + sinceMs * 1000 * this.#pace;
  }

  #drawFlights(context: CanvasRenderingContext2D): void {
    const now = this.#now();
    this.#flying = this.#flying.filter((flight) => flight.arrivesUs > now && flight.sentUs <= now + 1_000_000);
    for (const flight of this.#flying) {
      if (flight.sentUs > now) continue;
      const [from, to] = [this.#places.get(flight.from), this.#places.get(flight.to)];
      if (from === undefined || to === undefined || this.#down.has(flight.from)) continue;
      const share = (now - flight.sentUs) / Math.max(1, flight.arrivesUs - flight.sentUs);
      // A lost message gets a third of the way.
      const along = flight.lost ? share / 3 : share;
      context.globalAlpha = flight.lost ? 1 - share : 1;
      context.fillStyle = this.#colours.get(flight.kind) ?? 'grey';
      context.beginPath();
      const { radius } = messageLooks[flight.kind];
      context.arc(from.x + (to.x - from.x) * along, from.y + (to.y - from.y) * along, radius, 0, 2 * Math.PI);
      context.fill();
    }
    context.globalAlpha = 1;
  }
}

function put(element: HTMLElement, { x, y }: Point): void {
  element.style.translate = `calc(${Math.round(x)}px - 50%) calc(${Math.round(y)}px - 50%)`;
}

/** One node: its name, its role, and its position in the log. */
class NodeButton {
  readonly button: HTMLButtonElement;
  readonly #name: HTMLElement;
  readonly #role: HTMLElement;
  readonly #facts: HTMLElement;
  #state: NodePicture['state'] = 'unseen';
  #shown = '';

  constructor(node: string, breaks: Break) {
    this.button = document.createElement('button');
    this.button.type = 'button';
    this.button.className = 'node';
    this.button.dataset['node'] = node;
    this.button.disabled = breaks === null;
    this.#name = document.createElement('b');
    this.#role = document.createElement('span');
    this.#facts = document.createElement('small');
    this.button.append(this.#name, this.#role, this.#facts);
    this.button.onclick = () => {
      const command = this.#state === 'down' ? 'restart' : this.#state === 'paused' ? 'resume' : 'crash';
      breaks?.(`sim ${command} ${node}`);
    };
  }

  show(node: NodePicture): void {
    this.#state = node.state;
    const role = roleOf(node);
    const slow = node.slowDiskMs > 0 ? '  slow disk' : '';
    const { replica } = node;
    const facts = replica === null ? '' : `view ${replica.view}  op ${replica.head}  commit ${replica.commit}${slow}`;
    const key = `${role} ${facts}`;
    if (key === this.#shown) return;
    this.#shown = key;
    const name = replica?.name ?? node.name;
    this.#name.textContent = name;
    this.#role.textContent = role;
    this.#facts.textContent = facts;
    this.button.className = `node ${role.replace(' ', '-')}`;
    const does = this.#state === 'down' ? 'Start it' : this.#state === 'paused' ? 'Let it go on' : 'Crash it';
    this.button.title = this.button.disabled ? node.name : `${node.name}: ${does.toLowerCase()}`;
  }
}

function roleOf({ state, replica }: NodePicture): string {
  if (state === 'down') return 'down';
  if (state === 'paused') return 'paused';
  if (state === 'unseen') return replica?.isPrimary === true ? 'primary' : 'unseen';
  if (replica === null) return 'starting';
  if (replica.status === 'viewChange') return 'view change';
  if (replica.status !== 'normal') return replica.status;
  if (replica.isPrimary) return 'primary';
  // It was deposed, or has not heard of another replica yet.
  return replica.primary === null ? 'no primary' : 'backup';
}
