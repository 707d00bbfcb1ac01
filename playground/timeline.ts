/** What happened, in words, newest last. With the cluster in the tab, each line leads back to its moment. */

import type { Note } from './cluster/frame.ts';

/** How many lines are kept on the page. Older ones are still in the run. */
const maxLines = 300;
/** The list scrolls with new lines when it is nearer to its end than this. */
const followPixels = 40;
const showEveryMs = 80;
/** Of many commits in a row only the last ones stay, so that other events stay visible. */
const maxCommits = 5;

export class Timeline {
  readonly #list: HTMLElement;
  #jump: ((at: number) => void) | null = null;
  #notes: Note[] = [];
  #unshown: Note[] = [];
  /** How many commits are at the end of the list. */
  #commits = 0;
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(list: HTMLElement) {
    this.#list = list;
  }

  /** Begins again. `jump` goes back to an event. It is null where time only goes forward. */
  begin(notes: readonly Note[], jump: ((at: number) => void) | null): void {
    this.#jump = jump;
    this.#notes = [];
    this.#unshown = [];
    this.#commits = 0;
    this.#list.replaceChildren();
    this.add(notes);
    this.#show();
    this.#list.scrollTop = this.#list.scrollHeight;
  }

  add(notes: readonly Note[]): void {
    if (notes.length === 0) return;
    this.#notes.push(...notes);
    if (this.#notes.length > maxLines) this.#notes = this.#notes.slice(-maxLines);
    this.#unshown.push(...notes.slice(-maxLines));
    this.#timer ??= setTimeout(() => this.#show(), showEveryMs);
  }

  /** Under load every frame has something new. To lay the list out so often would take the time of the picture. */
  #show(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const notes = this.#unshown.slice(-maxLines);
    this.#unshown = [];
    const follows = this.#list.scrollHeight - this.#list.scrollTop - this.#list.clientHeight < followPixels;
    for (const note of notes) this.#append(note);
    while (this.#list.childElementCount > maxLines) this.#list.firstElementChild?.remove();
    if (follows) this.#list.scrollTop = this.#list.scrollHeight;
  }

  #append(note: Note): void {
    this.#list.append(this.#line(note));
    this.#commits = note.kind === 'commit' ? this.#commits + 1 : 0;
    if (this.#commits > maxCommits) this.#list.children[this.#list.childElementCount - 1 - maxCommits]?.remove();
  }

  /** The event of the last moment before `at`, or of the first one after it. */
  moment(at: number, direction: -1 | 1): number | null {
    const moments = this.#notes.map((note) => note.at);
    if (direction < 0) return moments.filter((one) => one < at).at(-1) ?? null;
    return moments.find((one) => one > at) ?? null;
  }

  #line(note: Note): HTMLElement {
    const item = document.createElement('li');
    item.className = note.kind;
    const time = document.createElement('time');
    time.textContent = (note.atMs / 1000).toFixed(1);
    const text = document.createElement(this.#jump === null ? 'span' : 'button');
    text.textContent = note.text;
    if (text instanceof HTMLButtonElement) {
      text.type = 'button';
      text.title = 'Go back to this moment';
      text.onclick = () => this.#jump?.(note.at);
    }
    item.append(time, text);
    return item;
  }
}
