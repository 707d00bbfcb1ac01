/** The line editor with a real terminal's screen: what is typed, and what is shown. */

import { describe, expect, it } from 'vitest';
import headless from '@xterm/headless';
import { LineEditor, LineHistory } from '../../core/shell/index.ts';
import type { EditorEffect } from '../../core/shell/index.ts';
import type { Candidate } from '../../core/shell/complete.ts';

const keys = {
  left: '\u001b[D',
  right: '\u001b[C',
  up: '\u001b[A',
  down: '\u001b[B',
  wordLeft: '\u001bb',
  ctrlRight: '\u001b[1;5C',
  enter: '\r',
  backspace: '\u007f',
} as const;

function ctrl(letter: string): string {
  return String.fromCharCode(letter.charCodeAt(0) & 31);
}

/** A user at a terminal. Every line that is entered is answered with `ran LINE`. */
class Seat {
  readonly terminal: InstanceType<typeof headless.Terminal>;
  readonly editor: LineEditor;
  readonly history = new LineHistory();
  readonly lines: string[] = [];
  readonly events: string[] = [];
  /** The candidates that Tab finds. */
  candidates: readonly Candidate[] = [];
  completeFrom = 0;
  /** True: lines are answered at once. False: `finish` answers them. */
  prompt = true;

  constructor(columns = 40, earlier: readonly string[] = []) {
    this.terminal = new headless.Terminal({ cols: columns, rows: 12, allowProposedApi: true });
    for (const line of earlier) this.history.add(line);
    this.editor = new LineEditor({ prompt: 'haret> ', columns, history: this.history });
  }

  static async at(columns = 40, earlier: readonly string[] = []): Promise<Seat> {
    const seat = new Seat(columns, earlier);
    await seat.perform(seat.editor.resume());
    return seat;
  }

  async type(...data: readonly string[]): Promise<void> {
    for (const one of data) await this.perform(this.editor.feed(one));
  }

  async finish(): Promise<void> {
    await this.perform(this.editor.resume());
  }

  async resize(columns: number): Promise<void> {
    this.terminal.resize(columns, 12);
    await this.perform(this.editor.resize(columns));
  }

  async perform(effects: readonly EditorEffect[]): Promise<void> {
    for (const effect of effects) {
      if (effect.kind === 'write') await this.write(effect.text);
      else if (effect.kind === 'line') {
        this.lines.push(effect.line);
        this.history.add(effect.line);
        await this.write(`ran ${effect.line}\r\n`);
        if (this.prompt) await this.finish();
      } else if (effect.kind === 'complete') {
        const completion = { from: this.completeFrom, to: effect.cursor, candidates: this.candidates };
        await this.perform(this.editor.completed(effect.ticket, completion));
      } else this.events.push(effect.kind);
    }
  }

  write(text: string): Promise<void> {
    return new Promise((resolve) => this.terminal.write(text, resolve));
  }

  /** The rows that are not empty. */
  get screen(): readonly string[] {
    const buffer = this.terminal.buffer.active;
    const rows = Array.from({ length: buffer.length }, (_, row) =>
      (buffer.getLine(row)?.translateToString(true) ?? '').trimEnd(),
    );
    while (rows.length > 0 && rows.at(-1) === '') rows.pop();
    return rows;
  }

  /** Row and column of the cursor. */
  get cursor(): readonly [number, number] {
    const buffer = this.terminal.buffer.active;
    return [buffer.baseY + buffer.cursorY, buffer.cursorX];
  }
}

describe('typing a line', () => {
  it('shows it after the prompt and hands it over', async () => {
    const seat = await Seat.at();
    await seat.type('ls /a');
    expect(seat.screen).toEqual(['haret> ls /a']);
    await seat.type(keys.enter);
    expect(seat.lines).toEqual(['ls /a']);
    expect(seat.screen).toEqual(['haret> ls /a', 'ran ls /a', 'haret>']);
  });

  it('edits in the middle', async () => {
    const seat = await Seat.at();
    await seat.type('ls /ac', keys.left, 'b', keys.left, keys.left, keys.backspace);
    expect(seat.screen).toEqual(['haret> ls abc']);
    expect(seat.cursor).toEqual([0, 10]);
    await seat.type(ctrl('a'), 'x', ctrl('e'), 'y', keys.left, '\u001b[3~');
    expect(seat.screen).toEqual(['haret> xls abc']);
  });

  it('jumps and kills by words, and yanks', async () => {
    const seat = await Seat.at();
    await seat.type('blob put /some/path value', keys.wordLeft, keys.wordLeft);
    expect(seat.cursor).toEqual([0, 22]);
    await seat.type(keys.ctrlRight);
    expect(seat.cursor).toEqual([0, 26]);
    await seat.type(ctrl('w'));
    expect(seat.screen).toEqual(['haret> blob put  value']);
    await seat.type(ctrl('k'), ctrl('u'));
    expect(seat.screen).toEqual(['haret>']);
    await seat.type(ctrl('y'));
    expect(seat.editor.line).toBe('blob put /some/path value');
    await seat.type(ctrl('u'), 'one', ctrl('u'), ctrl('y'), '\u001by');
    expect(seat.editor.line).toBe('blob put /some/path value');
  });

  it('transposes and takes back', async () => {
    const seat = await Seat.at();
    await seat.type('sl', ctrl('t'));
    expect(seat.editor.line).toBe('ls');
    await seat.type(ctrl('_'), ctrl('_'));
    expect(seat.editor.line).toBe('');
  });

  it('survives keys that it does not know, and sequences that come in pieces', async () => {
    const seat = await Seat.at();
    await seat.type('ab', '\u001b', '[', 'D', 'x', '\u001b[15~', '\u001bOP', '\u0000');
    expect(seat.editor.line).toBe('axb');
  });
});

describe('long lines and wide characters', () => {
  it('wrap and can be edited on every row', async () => {
    const seat = await Seat.at(20);
    await seat.type('0123456789abcdefghijklmnopqrstuvwxyz');
    expect(seat.screen).toEqual(['haret> 0123456789abc', 'defghijklmnopqrstuvw', 'xyz']);
    await seat.type(ctrl('a'));
    expect(seat.cursor).toEqual([0, 7]);
    await seat.type('!');
    expect(seat.screen).toEqual(['haret> !0123456789ab', 'cdefghijklmnopqrstuv', 'wxyz']);
    await seat.type(ctrl('k'));
    expect(seat.screen).toEqual(['haret> !']);
  });

  it('leave the cursor on a new row when a row is exactly full', async () => {
    const seat = await Seat.at(20);
    await seat.type('0123456789abc');
    expect(seat.cursor).toEqual([1, 0]);
    await seat.type('d');
    expect(seat.screen).toEqual(['haret> 0123456789abc', 'd']);
    await seat.type(keys.backspace, keys.backspace, keys.enter);
    expect(seat.screen).toEqual(['haret> 0123456789ab', 'ran 0123456789ab', 'haret>']);
    await seat.type('0123456789abc', keys.enter);
    expect(seat.screen.slice(2)).toEqual(['haret> 0123456789abc', 'ran 0123456789abc', 'haret>']);
  });

  it('count two columns for wide characters, and move over them at once', async () => {
    const seat = await Seat.at(20);
    await seat.type('漢字かな');
    expect(seat.cursor).toEqual([0, 15]);
    await seat.type(keys.left, keys.left, 'x');
    expect(seat.screen).toEqual(['haret> 漢字xかな']);
    expect(seat.cursor).toEqual([0, 12]);
    await seat.type(ctrl('e'), '漢字', '漢');
    expect(seat.screen).toEqual(['haret> 漢字xかな漢字', '漢']);
    expect(seat.cursor).toEqual([1, 2]);
    await seat.type(keys.backspace);
    expect(seat.editor.line).toBe('漢字xかな漢字');
  });

  it('keep marks with the letter that they belong to', async () => {
    const seat = await Seat.at();
    await seat.type('ae\u0301b', keys.left, keys.left, keys.backspace);
    expect(seat.editor.line).toBe('e\u0301b');
    await seat.type('\u001b[3~');
    expect(seat.editor.line).toBe('b');
  });

  it('follow the terminal when its width changes', async () => {
    const seat = await Seat.at(40);
    await seat.type('ls', keys.enter, '0123456789abcdefghijklmnopqrstuvwxyz');
    await seat.resize(20);
    await seat.type('!');
    const above = ['haret> ls', 'ran ls'];
    expect(seat.screen).toEqual([...above, 'haret> 0123456789abc', 'defghijklmnopqrstuvw', 'xyz!']);
    await seat.resize(60);
    await seat.type('?');
    expect(seat.screen).toEqual([...above, 'haret> 0123456789abcdefghijklmnopqrstuvwxyz!?']);
  });
});

describe('the history', () => {
  it('is browsed, and keeps the line that was being typed', async () => {
    const seat = await Seat.at(40, ['first', 'second']);
    await seat.type('new', keys.up);
    expect(seat.screen).toEqual(['haret> second']);
    await seat.type('!', keys.up);
    expect(seat.screen).toEqual(['haret> first']);
    await seat.type(keys.down);
    expect(seat.screen).toEqual(['haret> second!']);
    await seat.type(keys.down);
    expect(seat.screen).toEqual(['haret> new']);
    await seat.type(keys.up, keys.enter, keys.up);
    expect(seat.lines).toEqual(['second!']);
    expect(seat.editor.line).toBe('second!');
  });

  it('is searched by Ctrl-R', async () => {
    const seat = await Seat.at(60, ['blob put /a 1', 'ls /a', 'blob get /a', 'whoami']);
    await seat.type(ctrl('r'), 'blob');
    expect(seat.screen).toEqual(["(reverse-i-search)`blob': blob get /a"]);
    await seat.type(ctrl('r'));
    expect(seat.screen).toEqual(["(reverse-i-search)`blob': blob put /a 1"]);
    await seat.type(ctrl('r'));
    expect(seat.screen).toEqual(["(failed reverse-i-search)`blob': blob put /a 1"]);
    await seat.type(keys.enter);
    expect(seat.lines).toEqual(['blob put /a 1']);
  });

  it('is left with Ctrl-G and the line as it was, or with another key and the line that was found', async () => {
    const seat = await Seat.at(60, ['blob put /a 1']);
    await seat.type('draft', ctrl('r'), 'put', ctrl('g'));
    expect(seat.screen).toEqual(['haret> draft']);
    await seat.type(ctrl('r'), 'put', ctrl('e'), '2');
    expect(seat.screen).toEqual(['haret> blob put /a 12']);
  });
});

describe('Tab', () => {
  const candidate = (insert: string, final = true): Candidate => ({ insert, shown: insert, final });

  it('inserts the only candidate', async () => {
    const seat = await Seat.at();
    seat.candidates = [candidate('blob')];
    await seat.type('bl\t', 'get');
    expect(seat.editor.line).toBe('blob get');
    seat.completeFrom = 5;
    seat.candidates = [candidate('/dir/', false)];
    await seat.type(ctrl('w'), '/\t', 'x');
    expect(seat.editor.line).toBe('blob /dir/x');
  });

  it('inserts the common part of the candidates, and lists them when that adds nothing', async () => {
    const seat = await Seat.at();
    seat.candidates = [candidate('/alpha'), candidate('/alphabet'), candidate('/alpine')];
    await seat.type('/a\t');
    expect(seat.screen).toEqual(['haret> /alp']);
    await seat.type('\t');
    expect(seat.screen).toEqual(['haret> /alp', '/alpha     /alphabet  /alpine', 'haret> /alp']);
    await seat.type('h');
    expect(seat.screen.at(-1)).toBe('haret> /alph');
  });

  it('comes before keys that are typed while it searches, and is dropped by Ctrl-C', () => {
    const editor = new LineEditor({ prompt: '> ', columns: 40, history: new LineHistory() });
    editor.resume();
    const ask = (data: string): number => {
      const asked = editor.feed(data).find((effect) => effect.kind === 'complete');
      return asked?.kind === 'complete' ? asked.ticket : 0;
    };
    const completion = { from: 0, to: 2, candidates: [candidate('blob')] };
    const first = ask('bl\tget');
    editor.completed(first, completion);
    expect(editor.line).toBe('blob get');
    const second = ask(`${ctrl('u')}bl\tget`);
    editor.feed(`${ctrl('c')}ls`);
    editor.completed(second, completion);
    expect(editor.line).toBe('ls');
  });
});

describe('control keys', () => {
  it('Ctrl-C drops the line', async () => {
    const seat = await Seat.at();
    await seat.type('half', ctrl('c'), 'ls', keys.enter);
    expect(seat.lines).toEqual(['ls']);
    expect(seat.screen.slice(0, 2)).toEqual(['haret> half^C', 'haret> ls']);
  });

  it('Ctrl-D deletes, and on an empty line ends', async () => {
    const seat = await Seat.at();
    await seat.type('ab', keys.left, ctrl('d'));
    expect(seat.editor.line).toBe('a');
    expect(seat.events).toEqual([]);
    await seat.type(keys.backspace, ctrl('d'));
    expect(seat.events).toEqual(['end']);
  });

  it('Ctrl-L clears the screen and keeps the line', async () => {
    const seat = await Seat.at();
    await seat.type('ls', keys.enter, 'half', ctrl('l'));
    expect(seat.screen).toEqual(['haret> half']);
  });
});

describe('while a line runs', () => {
  it('holds back typed keys, and lets Ctrl-C through', async () => {
    const seat = await Seat.at();
    seat.prompt = false;
    await seat.type('slow', keys.enter, 'next', keys.enter);
    expect(seat.lines).toEqual(['slow']);
    await seat.finish();
    expect(seat.lines).toEqual(['slow', 'next']);
    await seat.type('dropped', ctrl('c'));
    expect(seat.events).toEqual(['interrupt']);
    await seat.finish();
    expect(seat.editor.line).toBe('');
  });

  it('shows other output above the prompt', async () => {
    const seat = await Seat.at();
    await seat.type('half');
    await seat.perform(seat.editor.interject('changed: /a\r\n'));
    expect(seat.screen).toEqual(['changed: /a', 'haret> half']);
  });
});

describe('a paste', () => {
  it('of several lines runs them one after the other and leaves the last to be edited', async () => {
    const seat = await Seat.at();
    await seat.type('create blob /a\rblob put /a x\r\nblob get');
    expect(seat.lines).toEqual(['create blob /a', 'blob put /a x']);
    expect(seat.editor.line).toBe('blob get');
    expect(seat.screen).toEqual([
      'haret> create blob /a',
      'ran create blob /a',
      'haret> blob put /a x',
      'ran blob put /a x',
      'haret> blob get',
    ]);
  });

  it('that the terminal marks completes nothing and obeys no control characters', async () => {
    const seat = await Seat.at();
    await seat.type('\u001b[200~a\tb\u0003\u001b[Ac\rd', 'e\u001b[2', '01~f');
    expect(seat.lines).toEqual(['a b[Ac']);
    expect(seat.editor.line).toBe('def');
    expect(seat.events).toEqual([]);
  });
});
