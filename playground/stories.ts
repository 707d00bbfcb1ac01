/**
 * Guided tours: each a short script with text, on a cluster of its own. One can leave at any point and play on from there. A later story
 * is one more entry of {@link stories}.
 */

import { makeButton } from './elements.ts';

export interface StoryStep {
  readonly text: string;
  /** Typed into the terminal one after the other, when the step begins. */
  readonly types?: readonly string[];
  /** Done beside the terminal, after what is typed has been sent off. */
  readonly breaks?: readonly string[];
  /** Percent of the wall's time. */
  readonly speed?: number;
}

export interface Story {
  readonly id: string;
  readonly title: string;
  readonly seed: number;
  readonly nodes: number;
  readonly steps: readonly StoryStep[];
}

export const stories: readonly Story[] = [
  {
    id: 'write',
    title: 'A write is replicated',
    seed: 11,
    nodes: 3,
    steps: [
      {
        text: 'Three replicas hold one namespace. One of them, the primary, decides the order of all writes. Your terminal enters the namespace and is led to the node of the primary.',
        types: ['enter test-ns', 'create counter /visits'],
        speed: 100,
      },
      {
        text: 'A write, slowly. The primary appends it to its log (an open cell below) and sends a prepare to the backups. They write it to disk and acknowledge. With one acknowledgement two of three hold it: it is committed (the cell fills), and only then are you told.',
        types: ['counter incr /visits'],
        speed: 25,
      },
      {
        text: 'The third replica was not waited for. A majority is enough, and any two majorities share a replica: what was committed once is never forgotten. Play on, or take the next story.',
        speed: 100,
      },
    ],
  },
  {
    id: 'failover',
    title: 'The primary dies',
    seed: 12,
    nodes: 3,
    steps: [
      {
        text: 'A value is stored, and the primary knows it is committed.',
        types: ['enter test-ns', 'create blob /answer', 'blob put /answer 42'],
        speed: 100,
      },
      {
        text: 'Now the primary is killed. The others hear no more heartbeats. After a while each suspects it and moves to the next view, where another replica is to be primary. The new one collects the logs of a majority before it begins, so it has everything that was committed.',
        breaks: ['sim crash primary'],
        speed: 100,
      },
      {
        text: 'Your terminal found the new primary by itself. The value is there.',
        types: ['blob get /answer'],
      },
      {
        text: 'The dead node starts again. It reads its log from disk and fetches what it missed. It comes back as a backup: a view has one primary for good.',
        breaks: ['sim restart all'],
      },
    ],
  },
  {
    id: 'partition',
    title: 'A deposed primary must not answer',
    seed: 13,
    nodes: 3,
    steps: [
      {
        text: 'A value is stored: old.',
        types: ['enter test-ns', 'create blob /truth', 'blob put /truth old'],
        speed: 100,
      },
      {
        text: 'The network parts: the primary alone on one side, and your terminal still reaches it. On the other side are two of three, a majority; after a while they elect a new primary without it. The old one hears nobody, and so nothing of that.',
        breaks: ['sim partition primary'],
      },
      {
        text: 'You ask the old primary to read. It has the value right there, but on the other side somebody may have overwritten it by now. Only a majority could tell it that it is still primary, and nobody answers. Rather than tell you what may be stale it says that it is cut off. So your terminal leaves it, and is answered by the majority: View = 2.',
        types: ['blob get /truth'],
      },
      {
        text: 'The partition heals. The old primary hears of the higher view, steps down and catches up. Nobody was told anything stale.',
        breaks: ['sim heal'],
      },
    ],
  },
  {
    id: 'power',
    title: 'All power fails in the middle of a write',
    seed: 14,
    nodes: 3,
    steps: [
      {
        text: 'A counter at 1.',
        types: ['enter test-ns', 'create counter /n', 'counter incr /n'],
        speed: 100,
      },
      {
        text: 'Another increment leaves the terminal. Watch it travel, then cut the power of the whole cluster with the next step.',
        types: ['counter incr /n'],
        speed: 10,
      },
      {
        text: 'The power of all three is gone at once. What a disk had not synced may be lost, in part or whole. What was acknowledged was on two disks.',
        breaks: ['sim power all'],
      },
      {
        text: 'Power is back. Each replica reads its log and throws away what was torn. If the write reached a majority it is kept; if not, the terminal, which never got an answer, sends it again under the same number. Either way it happens once.',
        breaks: ['sim restart all'],
        speed: 100,
      },
      {
        text: 'The counter says 2. Had the terminal given up waiting, after ten seconds of its time, it would have been told that it timed out, and the counter could be 1 or 2; 3 is never possible.',
        types: ['counter get /n'],
      },
    ],
  },
  {
    id: 'disk',
    title: 'A slow disk',
    seed: 15,
    nodes: 3,
    steps: [
      { text: 'Everybody is fast.', types: ['enter test-ns', 'create queue /jobs'], speed: 100 },
      {
        text: 'The disk of one backup becomes slow: every write takes a second and a half longer.',
        breaks: ['sim disk r3 1500'],
      },
      {
        text: 'Your writes are as fast as before. The other backup acknowledges, two of three hold the entry, and the slow one fills its cells when it can.',
        types: ['queue push /jobs one', 'queue push /jobs two', 'queue push /jobs three'],
        speed: 50,
      },
      { text: 'The disk is well again, and the strip catches up.', breaks: ['sim disk r3 0'], speed: 100 },
    ],
  },
  {
    id: 'once',
    title: 'A broken connection, and still exactly once',
    seed: 16,
    nodes: 3,
    steps: [
      {
        text: 'A counter. Your terminal has a session: the cluster remembers the number of its last requests, and their answers, in the replicated log itself.',
        types: ['enter test-ns', 'create counter /paid'],
        speed: 100,
      },
      {
        text: 'A payment is on its way. Break the connection with the next step, before the answer is back.',
        types: ['counter incr /paid'],
        speed: 10,
      },
      {
        text: 'The connection breaks. The terminal cannot know whether the write happened. It connects again and sends the same request under the same number.',
        breaks: ['sim disconnect'],
        speed: 50,
      },
      {
        text: 'If the first one had been executed, the second got its kept answer and nothing was executed twice. The counter says 1.',
        types: ['counter get /paid'],
        speed: 100,
      },
    ],
  },
];

/** What a story asks of the cluster in the tab. */
export interface Stage {
  begin(seed: number, nodes: number): void;
  type(lines: readonly string[]): void;
  breaks(lines: readonly string[]): void;
  speed(percent: number): void;
}

/** The card that tells a story. */
export class StoryTeller {
  readonly #element: HTMLElement;
  readonly #stage: Stage;
  #story: Story | null = null;
  #step = 0;

  constructor(element: HTMLElement, stage: Stage) {
    this.#element = element;
    this.#stage = stage;
  }

  tell(story: Story): void {
    this.#story = story;
    this.#stage.begin(story.seed, story.nodes);
    this.#go(0);
  }

  leave(): void {
    this.#story = null;
    this.#element.hidden = true;
    this.#element.replaceChildren();
    this.#stage.speed(100);
  }

  #go(index: number): void {
    const story = this.#story;
    const step = story?.steps[index];
    if (story === null || step === undefined) return;
    this.#step = index;
    if (step.speed !== undefined) this.#stage.speed(step.speed);
    this.#stage.type(step.types ?? []);
    this.#stage.breaks(step.breaks ?? []);
    const title = document.createElement('h2');
    title.textContent = `${story.title} · ${index + 1} of ${story.steps.length}`;
    const text = document.createElement('p');
    text.textContent = step.text;
    const buttons = document.createElement('div');
    buttons.className = 'buttons';
    const isLast = index === story.steps.length - 1;
    const following = stories[stories.indexOf(story) + 1];
    if (!isLast) buttons.append(button('next', 'primary', () => this.#go(this.#step + 1)));
    else if (following !== undefined)
      buttons.append(button(`next story: ${following.title}`, 'primary', () => this.tell(following)));
    buttons.append(button('leave and play on', '', () => this.leave()));
    this.#element.hidden = false;
    this.#element.replaceChildren(title, text, buttons);
    buttons.querySelector('button')?.focus();
  }
}

function button(text: string, className: string, act: () => void): HTMLButtonElement {
  const made = makeButton(text, act);
  made.className = className;
  return made;
}
