import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { quoteWord, splitCommands, splitWords } from '../../core/shell/words.ts';

const texts = (line: string): readonly string[] => splitWords(line).map((word) => word.text);
const commands = (line: string): readonly (readonly string[])[] =>
  splitCommands(line).map((words) => words.map((word) => word.text));

describe('words', () => {
  it('split at white space', () => {
    expect(texts('  blob\tput /a  v \r')).toEqual(['blob', 'put', '/a', 'v']);
    expect(texts('')).toEqual([]);
  });

  it('are grouped by quotes only where a word begins', () => {
    expect(texts('blob put /a {"x":1}')).toEqual(['blob', 'put', '/a', '{"x":1}']);
    expect(texts(`put "a b" 'c "d"' e'f`)).toEqual(['put', 'a b', 'c "d"', "e'f"]);
    expect(texts('"" \'\'')).toEqual(['', '']);
    expect(texts('"/a b"/c')).toEqual(['/a b/c']);
  });

  it('know escapes only within double quotes', () => {
    expect(texts('"a\\"b\\\\c\\n\\d"')).toEqual(['a"b\\c\n\\d']);
    expect(texts('"\\u{1b}[2J \\u{1F600} \\u{110000} \\u{}"')).toEqual(['\u001b[2J \u{1f600} \\u{110000} \\u{}']);
    expect(texts("'a\\n'")).toEqual(['a\\n']);
    expect(texts('a\\nb')).toEqual(['a\\nb']);
  });

  it('say when a quote is open, and where they are in the line', () => {
    const [, word] = splitWords('put "a b');
    expect(word).toMatchObject({ text: 'a b', quoted: true, open: true, start: 4, end: 8 });
  });

  it('come back from any text that was quoted', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary-ascii' }), (text) => {
        const words = splitCommands(`x ${quoteWord(text)}`)[0]!;
        expect(words.map((word) => word.text)).toEqual(['x', text]);
      }),
    );
  });
});

describe('commands', () => {
  it('are separated by a semicolon that is a word', () => {
    expect(commands('ls ; ls /a; ; x')).toEqual([['ls'], ['ls', '/a;'], ['x']]);
    expect(commands('put ";" ;')).toEqual([['put', ';']]);
  });

  it('keep the semicolons of a transaction, at the end of a word too', () => {
    expect(commands('txn { if absent /a; do put /a "v;"; else x ; } ; ls;')).toEqual([
      ['txn', '{', 'if', 'absent', '/a', ';', 'do', 'put', '/a', 'v;', ';', 'else', 'x', ';', '}'],
      ['ls;'],
    ]);
    expect(commands('explain txn { do x; do y } ; ls')).toHaveLength(2);
    expect(commands('blob put /a { ; ls')).toHaveLength(2);
  });

  it('do not exist on a line that is a comment', () => {
    expect(commands('# ls')).toEqual([]);
    expect(commands('   #ls ; ls')).toEqual([]);
    expect(commands('put # x')).toEqual([['put', '#', 'x']]);
  });
});
