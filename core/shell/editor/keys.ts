/**
 * Turns the data of a terminal into keys: control characters, escape sequences that may be split over chunks, and
 * bracketed paste.
 */

export type KeyName =
  | 'enter'
  | 'tab'
  | 'backspace'
  | 'delete'
  | 'left'
  | 'right'
  | 'up'
  | 'down'
  | 'home'
  | 'end'
  | 'wordLeft'
  | 'wordRight'
  | 'killToEnd'
  | 'killToStart'
  | 'killWordBack'
  | 'killWordForward'
  | 'yank'
  | 'yankPop'
  | 'transpose'
  | 'undo'
  | 'search'
  | 'clear'
  | 'interrupt'
  | 'endOfInput'
  | 'abort'
  | 'escape';

export type Key = { readonly kind: 'text'; readonly text: string } | { readonly kind: 'key'; readonly name: KeyName };

const controlKeys: ReadonlyMap<string, KeyName> = new Map([
  ['\u0001', 'home'],
  ['\u0002', 'left'],
  ['\u0003', 'interrupt'],
  ['\u0004', 'endOfInput'],
  ['\u0005', 'end'],
  ['\u0006', 'right'],
  ['\u0007', 'abort'],
  ['\b', 'backspace'],
  ['\t', 'tab'],
  ['\n', 'enter'],
  ['\u000b', 'killToEnd'],
  ['\f', 'clear'],
  ['\r', 'enter'],
  ['\u000e', 'down'],
  ['\u0010', 'up'],
  ['\u0012', 'search'],
  ['\u0014', 'transpose'],
  ['\u0015', 'killToStart'],
  ['\u0017', 'killWordBack'],
  ['\u0019', 'yank'],
  ['\u001f', 'undo'],
  ['\u007f', 'backspace'],
]);

/** The characters that follow ESC when Alt is held. */
const altKeys: ReadonlyMap<string, KeyName> = new Map([
  ['b', 'wordLeft'],
  ['f', 'wordRight'],
  ['d', 'killWordForward'],
  ['y', 'yankPop'],
  ['\u007f', 'killWordBack'],
  ['\b', 'killWordBack'],
]);

/** The characters that follow `ESC [`, without modifiers. */
const sequenceKeys: ReadonlyMap<string, KeyName> = new Map([
  ['A', 'up'],
  ['B', 'down'],
  ['C', 'right'],
  ['D', 'left'],
  ['H', 'home'],
  ['F', 'end'],
  ['1~', 'home'],
  ['7~', 'home'],
  ['4~', 'end'],
  ['8~', 'end'],
  ['3~', 'delete'],
]);

/** As {@link sequenceKeys}, with Alt or Ctrl held. */
const modifiedKeys: ReadonlyMap<string, KeyName> = new Map([
  ['C', 'wordRight'],
  ['D', 'wordLeft'],
  ['3~', 'killWordForward'],
]);

const escape = '\u001b';
const pasteBegin = `${escape}[200~`;
const pasteEnd = `${escape}[201~`;
/** No terminal sends a longer sequence. */
const maxSequence = 32;

export class KeyDecoder {
  /** The beginning of a sequence whose end has not come yet. */
  #held = '';
  #pasting = false;
  #afterReturn = false;

  /** The keys in `data`, in order. An incomplete sequence waits for its rest. */
  decode(data: string): readonly Key[] {
    const keys: Key[] = [];
    const input = this.#held + data;
    this.#held = '';
    let at = 0;
    while (at < input.length) {
      const next = input[at]!;
      if (next !== escape) {
        at += this.#plain(input, at, keys);
        continue;
      }
      this.#afterReturn = false;
      const length = this.#sequence(input, at, keys);
      if (length === 0) {
        this.#held = input.slice(at);
        break;
      }
      at += length;
    }
    return keys;
  }

  /** Reads a control character, or the text up to the next one. Returns its length. */
  #plain(input: string, at: number, keys: Key[]): number {
    const first = input[at]!;
    const isFeedOfReturn = first === '\n' && this.#afterReturn;
    this.#afterReturn = first === '\r';
    if (isFeedOfReturn) return 1;
    if (isControl(first)) {
      const name = controlKeys.get(first);
      // In a paste only ends of lines are keys. A pasted tab is white space, and nothing in a paste may act as a
      // command of the editor.
      if (this.#pasting) {
        if (name === 'enter') keys.push({ kind: 'key', name });
        else if (name === 'tab') keys.push({ kind: 'text', text: ' ' });
      } else if (name !== undefined) keys.push({ kind: 'key', name });
      return 1;
    }
    let end = at + 1;
    while (end < input.length && !isControl(input[end]!)) end++;
    keys.push({ kind: 'text', text: input.slice(at, end) });
    return end - at;
  }

  /** Reads an escape sequence at `at`. Returns its length, or 0 when its end has not come yet. */
  #sequence(input: string, at: number, keys: Key[]): number {
    if (this.#pasting) {
      if (input.startsWith(pasteEnd, at)) {
        this.#pasting = false;
        return pasteEnd.length;
      }
      return pasteEnd.startsWith(input.slice(at)) ? 0 : 1;
    }
    if (input.startsWith(pasteBegin, at)) {
      this.#pasting = true;
      return pasteBegin.length;
    }
    const second = input[at + 1];
    if (second === undefined) return 0;
    if (second === '[' || second === 'O') {
      let end = at + 2;
      while (end < input.length && !isFinal(input[end]!) && end - at < maxSequence) end++;
      if (end >= input.length) return end - at >= maxSequence ? end - at : 0;
      const name = nameOfSequence(input.slice(at + 2, end + 1));
      if (name !== null) keys.push({ kind: 'key', name });
      return end + 1 - at;
    }
    const name = altKeys.get(second);
    if (name !== undefined) {
      keys.push({ kind: 'key', name });
      return 2;
    }
    keys.push({ kind: 'key', name: 'escape' });
    return 1;
  }
}

function isControl(character: string): boolean {
  return character < ' ' || (character >= '\u007f' && character <= '\u009f');
}

function isFinal(character: string): boolean {
  return character >= '@' && character <= '~';
}

function nameOfSequence(body: string): KeyName | null {
  const [, number, modifier, final] = /^(\d*)(?:;(\d+))?(.)$/.exec(body) ?? [];
  if (final === undefined) return null;
  const key = final === '~' ? `${number ?? ''}~` : final;
  const modified = modifier !== undefined && modifier !== '2';
  return (modified ? modifiedKeys.get(key) : undefined) ?? sequenceKeys.get(key) ?? null;
}
