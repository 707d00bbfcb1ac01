/** The bar that plays, stops and turns back the time of the cluster in the tab. */

import type { Playback } from './cluster/frame.ts';
import { makeButton } from './elements.ts';
import { stories } from './stories.ts';
import type { Story } from './stories.ts';

export interface PlaybackActions {
  play(): void;
  pause(): void;
  /** Goes to the moment before, or to the next one. */
  moment(direction: -1 | 1): void;
  /** Runs one event. */
  step(): void;
  jump(at: number): void;
  speed(percent: number): void;
  /** Begins again. Null keeps the present value. */
  anew(seed: number | null, nodes: number | null): void;
  story(story: Story): void;
}

const speeds = [1, 5, 10, 25, 50, 100, 400, 2000, 100_000];

export class PlaybackBar {
  readonly #play: HTMLButtonElement;
  readonly #scrubber: HTMLInputElement;
  readonly #clock: HTMLElement;
  readonly #speed: HTMLSelectElement;
  readonly #nodes: HTMLSelectElement;
  #playing = false;
  #dragging = false;

  constructor(element: HTMLElement, actions: PlaybackActions) {
    this.#play = button('play', 'Stop or go on', () => (this.#playing ? actions.pause() : actions.play()));
    this.#play.id = 'play';
    const back = button('back', 'To the moment before', () => actions.moment(-1));
    const step = button('step', 'One event on', () => actions.step());
    step.className = 'rare';
    const forward = button('forward', 'To the next moment', () => actions.moment(1));
    this.#scrubber = document.createElement('input');
    this.#scrubber.type = 'range';
    this.#scrubber.min = '0';
    this.#scrubber.setAttribute('aria-label', 'Time');
    this.#scrubber.onpointerdown = () => (this.#dragging = true);
    this.#scrubber.oninput = () => (this.#dragging = true);
    this.#scrubber.onchange = () => {
      this.#dragging = false;
      actions.jump(Number(this.#scrubber.value));
    };
    this.#clock = document.createElement('span');
    this.#clock.className = 'clock';
    this.#speed = select(
      'Speed',
      speeds.map((speed) => [String(speed), speed === 100_000 ? 'full speed' : `${speed} %`]),
    );
    this.#speed.onchange = () => actions.speed(Number(this.#speed.value));
    this.#nodes = select('Nodes', [
      ['3', '3 nodes'],
      ['5', '5 nodes'],
    ]);
    this.#nodes.onchange = () => actions.anew(null, Number(this.#nodes.value));
    const anew = button('new seed', 'A new cluster, from another seed', () =>
      actions.anew(crypto.getRandomValues(new Uint16Array(1))[0]!, null),
    );
    anew.className = 'rare';
    const tours = select('Stories', [
      ['', 'stories'],
      ...stories.map((story): readonly [string, string] => [story.id, story.title]),
    ]);
    tours.id = 'stories';
    tours.onchange = () => {
      const story = stories.find((one) => one.id === tours.value);
      tours.value = '';
      if (story !== undefined) actions.story(story);
    };
    element.replaceChildren(
      back,
      this.#play,
      step,
      forward,
      this.#scrubber,
      this.#clock,
      this.#speed,
      this.#nodes,
      anew,
      tours,
    );
  }

  show(playback: Playback, nowUs: number, nodes: number): void {
    const { events, end, playing, speedPercent } = playback;
    if (playing !== this.#playing) {
      this.#playing = playing;
      this.#play.textContent = playing ? 'pause' : 'play';
    }
    if (!this.#dragging) {
      this.#scrubber.max = String(end);
      this.#scrubber.value = String(events);
      this.#scrubber.setAttribute('aria-valuetext', `event ${events} of ${end}`);
    }
    this.#clock.textContent = `${(nowUs / 1_000_000).toFixed(1)} s · event ${events}`;
    const speed = String(speedPercent);
    if (this.#speed.value !== speed) {
      if (!speeds.includes(speedPercent)) this.#speed.append(new Option(`${speed} %`, speed));
      this.#speed.value = speed;
    }
    if (this.#nodes.value !== String(nodes)) this.#nodes.value = String(nodes);
  }
}

function button(text: string, title: string, act: () => void): HTMLButtonElement {
  const made = makeButton(text, act);
  made.title = title;
  return made;
}

function select(label: string, options: readonly (readonly [value: string, text: string])[]): HTMLSelectElement {
  const made = document.createElement('select');
  made.setAttribute('aria-label', label);
  for (const [value, text] of options) made.append(new Option(text, value));
  return made;
}
