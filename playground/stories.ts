/**
 * Guided tours. Each is a short script with text, on its own cluster. The user can leave at any point and continue from
 * there. A new story is another entry of {@link stories}.
 */

import { makeButton } from './elements.ts';

export interface StoryStep {
  readonly text: string;
  /** Lines that are typed into the terminal one after the other, when the step begins. */
  readonly types?: readonly string[];
  /** `sim` commands that are run after the typed lines have been sent. */
  readonly breaks?: readonly string[];
  /** The speed in percent of real time. */
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
        text: 'Three replicas hold one namespace. One of them, the primary, decides the order of all writes. Your terminal enters the namespace and moves to the node of the primary.',
        types: ['enter test-ns', 'create counter /visits'],
        speed: 100,
      },
      {
        text: 'Now a write in slow motion. The primary appends it to its log (an open cell below) and sends a prepare to the backups. They write it to disk and acknowledge it. After one acknowledgement, two of three replicas have it. So it is committed (the cell fills), and only then do you get the answer.',
        types: ['counter incr /visits'],
        speed: 25,
      },
      {
        text: 'The primary did not wait for the third replica. A majority is enough. Any two majorities share a replica, so a committed write is never forgotten. Continue here, or take the next story.',
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
        text: 'Now the primary is killed. The others get no more heartbeats. After a while each suspects it and moves to the next view, in which another replica becomes primary. The new one collects the logs of a majority before it begins, so it has everything that was committed.',
        breaks: ['sim crash primary'],
        speed: 100,
      },
      {
        text: 'Your terminal found the new primary by itself. The value is there.',
        types: ['blob get /answer'],
      },
      {
        text: 'The dead node starts again. It reads its log from disk and fetches what it missed. It comes back as a backup, because a view never gets another primary.',
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
        text: 'The network is split. The primary is alone on one side, and your terminal still reaches it. The other side has two of three replicas, which is a majority. After a while they elect a new primary. The old one gets no messages, so it does not know.',
        breaks: ['sim partition primary'],
      },
      {
        text: 'You ask the old primary to read. It has the value, but another client may have overwritten it on the other side. Only a majority could confirm that it is still primary, and no replica answers. The value may be stale, so it does not give it to you and says that it is cut off. Your terminal then leaves it, and gets the answer from the majority: View = 2.',
        types: ['blob get /truth'],
      },
      {
        text: 'The partition heals. The old primary learns of the higher view, becomes a backup and catches up. No client got a stale answer.',
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
        text: 'All three nodes lose their power at once. Data that a disk had not synced may be lost, in part or whole. Every acknowledged write was on two disks.',
        breaks: ['sim power all'],
      },
      {
        text: 'The power is back. Each replica reads its log and drops incomplete entries. If the write reached a majority it is kept; if not, the terminal, which never got an answer, sends it again under the same number. Either way it happens once.',
        breaks: ['sim restart all'],
        speed: 100,
      },
      {
        text: 'The counter says 2. If the terminal had waited longer than ten seconds of its time, the command would have timed out, and the counter could be 1 or 2. It can never be 3.',
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
      { text: 'All disks are fast.', types: ['enter test-ns', 'create queue /jobs'], speed: 100 },
      {
        text: 'The disk of one backup becomes slow: every write takes a second and a half longer.',
        breaks: ['sim disk r3 1500'],
      },
      {
        text: 'Your writes are as fast as before. The other backup acknowledges, two of three hold the entry, and the slow one fills its cells when it can.',
        types: ['queue push /jobs one', 'queue push /jobs two', 'queue push /jobs three'],
        speed: 50,
      },
      { text: 'The disk is fast again, and its strip catches up.', breaks: ['sim disk r3 0'], speed: 100 },
    ],
  },
  {
    id: 'once',
    title: 'A broken connection, and still exactly once',
    seed: 16,
    nodes: 3,
    steps: [
      {
        text: 'A counter. Your terminal has a session. The cluster remembers the numbers and answers of its last requests, in the replicated log itself.',
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
        text: 'If the first request had been executed, the second got its stored answer, and nothing was executed twice. The counter says 1.',
        types: ['counter get /paid'],
        speed: 100,
      },
    ],
  },
];

/** What a story needs from the cluster in the tab. */
export interface Stage {
  begin(seed: number, nodes: number): void;
  type(lines: readonly string[]): void;
  breaks(lines: readonly string[]): void;
  speed(percent: number): void;
}

/** The card that shows a story. */
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
    buttons.append(button('leave and continue', '', () => this.leave()));
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
