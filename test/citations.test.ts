/**
 * Citations lead somewhere: sections, scenarios, files and tests that sources and documents name are there, and the tables of messages in
 * docs/protocol.md and docs/architecture.md name the kinds that the sources have.
 */

import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { defaultTiming } from '../core/cluster/base/host.ts';
import { mutants } from './mutants/table.ts';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
/** What a document says of something that is yet to be written. Whatever it stands behind may be missing. */
const toCome = '(to come)';

function below(directory: string, pattern: RegExp): readonly string[] {
  return readdirSync(join(root, directory), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && pattern.test(entry.name))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .filter((file) => !/(^|[\\/])(node_modules|dist|\.output)[\\/]/.test(file))
    .sort();
}

const houses = ['core', 'node-server', 'browser-client', 'playground', 'bench', 'test', 'examples'];
const sources = [...houses.flatMap((house) => below(house, /\.(ts|tsx|js|mjs)$/)), 'build.mjs', 'eslint.config.js'];
const documents = [...below('docs', /\.md$/), 'README.md', 'CHANGELOG.md', 'CONTRIBUTING.md'];

const texts = new Map<string, string>();
function read(file: string): string {
  let text = texts.get(file);
  if (text === undefined) texts.set(file, (text = readFileSync(join(root, file), 'utf8')));
  return text;
}

/** `file:line` of a place in a file. */
function place(file: string, index: number): string {
  return `${file}:${read(file).slice(0, index).split('\n').length}`;
}

// Sections.

/** The numbered sections of a document: its headings `## 4. Name` and `### 4.1 Name`, and list items that begin with `**9.1**`. */
function sectionsOf(document: string): ReadonlySet<string> | null {
  const file = `docs/${document}.md`;
  if (!existsSync(join(root, file))) return null;
  const found = new Set<string>();
  for (const [, heading, item] of read(file).matchAll(/^(?:#{2,4} (\d+(?:\.\d+)?)\.? |- \*\*(\d+\.\d+)\*\* )/gm)) {
    found.add((heading ?? item)!);
  }
  return found;
}

const sections = new Map<string, ReadonlySet<string> | null>();
/** Documents of others, whose sections are not ours to check. */
const foreign = /^(vrr|rfc|\d+)$/;
/** Pages that are not in the house, so that nobody can follow a citation of them. What `design` said is in docs/architecture.md. */
const elsewhere = /^(design|cluster|examples|review)$/;

/**
 * Every section that a text cites and that is not there. The word before the sign is the document. Without one, the citation is of the document
 * that was cited last in this file, or of this document itself.
 */
function deadSections(file: string): readonly string[] {
  const own = /^docs[\\/]([a-z]+)\.md$/.exec(file)?.[1];
  const dead: string[] = [];
  let last = own ?? '';
  // A citation may go on in the next line of a comment.
  const pattern = /(?:([A-Za-z\d]+)(?:\.md)?[`\])*,:]*(?:\s|\n\s*(?:\*|\/\/)\s*)+\(?)?§\s?(\d+(?:\.\d+)?)/g;
  for (const match of read(file).matchAll(pattern)) {
    const [, word = '', section] = match;
    const named = word.toLowerCase();
    if (foreign.test(named)) continue;
    if (existsSync(join(root, `docs/${named}.md`)) || elsewhere.test(named)) last = named;
    else if (own !== undefined) last = own;
    if (!sections.has(last)) sections.set(last, sectionsOf(last));
    if (sections.get(last)?.has(section!) === true) continue;
    dead.push(`${place(file, match.index)}: ${last === '' ? 'no document is named for' : last} §${section}`);
  }
  return dead;
}

// Scenarios.

const protocol = read('docs/protocol.md');
/** What docs/protocol.md says of each scenario, by its number. */
const scenarios = new Map<number, string>();
for (const [, number, text] of protocol.matchAll(/^- \*\*V(\d+)\*\* ([^]*?)(?=^- \*\*V|^#|(?![^]))/gm)) {
  scenarios.set(Number(number), text!.replaceAll(/\s+/g, ' ').trim());
}

function deadScenarios(file: string): readonly string[] {
  const dead: string[] = [];
  for (const match of read(file).matchAll(/(?<![\w.-])V(\d{1,2})(?![\w-])/g)) {
    if (!scenarios.has(Number(match[1]))) dead.push(`${place(file, match.index)}: V${match[1]}`);
  }
  return dead;
}

// Files and tests.

const files =
  /`((?:core|node-server|browser-client|playground|bench|test|docs|examples)\/[\w./-]*|[\w.-]+\.(?:md|toml|json))`/g;

/** What a text goes on to say of a place, to the end of its item, row or paragraph. */
function said(text: string, index: number): string {
  return text
    .slice(index)
    .split(/\n\s*[-|]|\n\n/, 1)[0]!
    .replaceAll(/\s+/g, ' ');
}

/** Paths in back quotes that begin with one of the houses, and links to files, that are not there. */
function deadFiles(file: string): readonly string[] {
  const dead: string[] = [];
  const text = read(file);
  const check = (path: string, from: string, index: number): void => {
    if (existsSync(join(root, from, path)) || said(text, index).includes(toCome)) return;
    // Made when something runs, or an example of what a user writes.
    if (/^(test\/\.output|config\.toml)/.test(path)) return;
    dead.push(`${place(file, index)}: ${path}`);
  };
  for (const match of text.matchAll(files)) {
    if (match[1]!.includes('/')) check(match[1]!, '.', match.index);
  }
  if (!file.endsWith('.md')) return dead;
  for (const match of text.matchAll(/\]\((?![a-z]+:)([^)#\s]+)(?:#[^)]*)?\)/g))
    check(match[1]!, dirname(file), match.index);
  return dead;
}

/** `#heading` links that lead to no heading of the document that they name. */
function deadAnchors(file: string): readonly string[] {
  const dead: string[] = [];
  for (const match of read(file).matchAll(/\]\((?![a-z]+:)([^)#\s]*)#([^)\s]+)\)/g)) {
    const target = match[1] === '' ? file : join(dirname(file), match[1]!);
    if (!existsSync(join(root, target)) || !target.endsWith('.md')) continue;
    const anchors = [...read(target).matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
      heading!
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    );
    if (!anchors.includes(match[2]!)) dead.push(`${place(file, match.index)}: #${match[2]}`);
  }
  return dead;
}

/** A test that a document names as `file`: "title", and the mark behind it when it is to come. */
const namedTest = /`(test\/[\w./-]+\.ts)`:\s+"([^"]+)"(\s+\(to\s+come\))?/g;

function hasTest(path: string, title: string): boolean {
  return existsSync(join(root, path)) && read(path).replaceAll("\\'", "'").includes(title.replaceAll(/\s+/g, ' '));
}

function deadTests(file: string): readonly string[] {
  const dead: string[] = [];
  for (const match of read(file).matchAll(namedTest)) {
    const [, path, title, marked] = match;
    if (marked !== undefined || hasTest(path!, title!)) continue;
    dead.push(`${place(file, match.index)}: ${path}: "${title!.replaceAll(/\s+/g, ' ')}"`);
  }
  return dead;
}

/** Who finds a scenario at random, by the table of mutants; empty while nobody does. */
function findersOf(scenario: number): string {
  const by = mutants
    .filter((mutant) => mutant.scenario === `V${scenario}` && mutant.equivalent === undefined)
    .map((mutant) => (mutant.by === 'exploration' ? 'histories' : mutant.by));
  return [...new Set(by)].sort().join(', ');
}

/** docs/protocol.md without the marks of what has come, and with those who find each scenario as the table of mutants has them. */
function filledIn(): string {
  return protocol
    .replaceAll(namedTest, (whole, path: string, title: string) =>
      hasTest(path, title) ? whole.replace(/\s+\(to\s+come\)$/, '') : whole,
    )
    .replaceAll(
      /(^- \*\*V(\d+)\*\* (?:(?!^- \*\*V)[^])*?^ {2}- Random: )(.*)$/gm,
      (whole, before: string, number: string) => {
        const finders = findersOf(Number(number));
        return finders === '' ? whole : `${before}${finders}`;
      },
    );
}

// Messages.

/** The names of an object's properties, those of objects that it spreads included. */
function namesIn(source: ts.SourceFile, cases: ts.ObjectLiteralExpression): readonly string[] {
  return cases.properties.flatMap((property) => {
    if (!ts.isSpreadAssignment(property)) return [property.name.getText()];
    const names: string[] = [];
    const find = (node: ts.Node): void => {
      if (ts.isVariableDeclaration(node) && node.name.getText() === property.expression.getText()) {
        const made = node.initializer;
        const object = made !== undefined && ts.isAsExpression(made) ? made.expression : made;
        if (object !== undefined && ts.isObjectLiteralExpression(object)) names.push(...namesIn(source, object));
      } else ts.forEachChild(node, find);
    };
    find(source);
    return names;
  });
}

/** The kinds of the union that `variable` is, or that the function of that name gives. */
function kindsOf(file: string, variable: string): readonly string[] {
  const source = ts.createSourceFile(file, read(file), ts.ScriptTarget.ES2023, true);
  const kinds: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isVariableDeclaration(node) && node.name.getText() === variable) {
      const find = (inner: ts.Node): void => {
        if (ts.isCallExpression(inner) && inner.expression.getText() === 'union' && kinds.length === 0) {
          const [cases] = inner.arguments;
          if (cases !== undefined && ts.isObjectLiteralExpression(cases)) {
            kinds.push(...namesIn(source, cases));
          }
        } else ts.forEachChild(inner, find);
      };
      ts.forEachChild(node, find);
    } else ts.forEachChild(node, visit);
  };
  visit(source);
  return kinds;
}

/** The first cells of the table behind `<!-- messages: file -->`; those that are yet to come apart. */
function tableOf(
  document: string,
  file: string,
): { readonly kinds: readonly string[]; readonly coming: readonly string[] } {
  const table = new RegExp(`<!-- messages: ${file} -->\\s+((?:\\|.*\\n)+)`).exec(read(document))?.[1] ?? '';
  const rows = table.split('\n').filter((row) => row.startsWith('| `'));
  const kindOf = (row: string): string => /^\| `(\w+)`/.exec(row)?.[1] ?? row;
  return {
    kinds: rows.filter((row) => !row.includes(toCome)).map(kindOf),
    coming: rows.filter((row) => row.includes(toCome)).map(kindOf),
  };
}

describe('a citation in the sources and documents', () => {
  it('of a section leads to one', () => {
    expect([...sources, ...documents].flatMap(deadSections)).toEqual([]);
  });

  it('of a scenario leads to docs/protocol.md', () => {
    expect([...sources, ...documents].flatMap(deadScenarios)).toEqual([]);
  });

  it('of a file or a document leads to one', () => {
    expect([...sources, ...documents].flatMap(deadFiles)).toEqual([]);
    expect(documents.flatMap(deadAnchors)).toEqual([]);
  });

  it('of a test leads to one', () => {
    expect(documents.flatMap(deadTests)).toEqual([]);
  });
});

describe('the scenarios of docs/protocol.md', () => {
  it('are numbered from V1 without a gap', () => {
    expect([...scenarios.keys()]).toEqual([...scenarios.keys()].map((_, index) => index + 1));
    expect(scenarios.size).toBeGreaterThanOrEqual(38);
  });

  it('each have a story and a random finder, or say that these are to come', () => {
    const silent = [...scenarios].filter(
      ([, text]) =>
        !/ Story[^:]*: (`test\/|\(to come\))/.test(text) ||
        !/ Random: (histories|forgotten|simulator|attendance|handshakes|forwards|lines|lives|watching|chaos|\(to come\))/.test(
          text,
        ),
    );
    expect(silent.map(([number]) => `V${number}`)).toEqual([]);
  });

  // UPDATE_MARKS=1 npx vitest run test/citations.test.ts writes it.
  it('are marked "to come" only when that is true, and name the same finders as the table of mutants', () => {
    if (process.env['UPDATE_MARKS'] === '1') writeFileSync(join(root, 'docs/protocol.md'), filledIn());
    else expect(protocol).toBe(filledIn());
  });

  it('name no finder that the table of mutants does not know, unless that is to come', () => {
    const wrong = [...scenarios].filter(
      ([number, text]) => findersOf(number) === '' && / Random: (.*)$/.exec(text)?.[1]?.endsWith(toCome) !== true,
    );
    expect(wrong.map(([number]) => `V${number}`)).toEqual([]);
  });

  it('name every story whose title begins with their number', () => {
    const told = below('test', /\.test\.ts$/).flatMap((file) =>
      [...read(file).matchAll(/(?:describe|it)\(\s*'V(\d+)\b/g)].map(([, number]) => ({
        file,
        number: Number(number),
      })),
    );
    const missing = told.filter(({ file, number }) => !(scenarios.get(number) ?? '').includes(`\`${file}\``));
    expect(missing.map(({ file, number }) => `V${number} is told in ${file}`)).toEqual([]);
  });
});

describe('the table of messages', () => {
  it.each([
    { document: 'docs/protocol.md', file: 'core/vr/messages.ts', variable: 'makeSchema' },
    { document: 'docs/architecture.md', file: 'core/wire/peer.ts', variable: 'controlSchema' },
  ])('in $document names the kinds of $file', ({ document, file, variable }) => {
    const kinds = kindsOf(file, variable);
    const table = tableOf(document, file);
    expect(kinds.length).toBeGreaterThan(5);
    expect([...table.kinds].sort()).toEqual(kinds.filter((kind) => !table.coming.includes(kind)).sort());
  });
});

describe('docs/protocol.md', () => {
  it('has the default times', () => {
    const rows = [...protocol.matchAll(/^\| `(\w+)_ms` +\| ([\d,]+) +\|/gm)];
    expect(rows.length).toBeGreaterThan(3);
    const told = rows.map(([, key, value]) => [`${key}Ms`, Number(value!.replaceAll(',', ''))]);
    expect(Object.fromEntries(told)).toEqual(
      Object.fromEntries(Object.entries(defaultTiming).filter(([key]) => told.some(([name]) => name === key))),
    );
  });
});

describe('docs/architecture.md', () => {
  it('says what each room may import, as test/rooms.test.ts does', () => {
    const [, held] = /const rooms: [^=]*= \{([^]*?)\n\};/.exec(read('test/rooms.test.ts'))!;
    const rooms = [...held!.matchAll(/^ {2}'?([\w/-]+)'?: \[([^\]]*)\]/gm)].map(([, room, list]) => ({
      room: room!,
      imports: [...list!.matchAll(/'([^']+)'/g)].map(([, name]) => name!),
    }));
    const told = (head: string): unknown => {
      const [, table] = new RegExp(`\\| ${head} [^]*?\n((?:\\|.*\n)+)`).exec(read('docs/architecture.md'))!;
      return [...table!.matchAll(/^\| `([^`]+)` +\| (.*) \|$/gm)].map(([, room, list]) => ({
        room,
        imports: [...list!.matchAll(/`([^`]+)`/g)].map(([, name]) => name),
      }));
    };
    const cluster = 'core/cluster/';
    const inner = rooms.filter(({ room }) => room.startsWith(cluster));
    const outer = rooms.filter((one) => one.room !== 'core/base' && !inner.includes(one));
    expect([outer.length > 10, inner.length > 5]).toEqual([true, true]);
    expect(told('Room')).toEqual(
      outer.map(({ room, imports }) => ({ room, imports: imports.filter((name) => name !== 'core/base') })),
    );
    expect(told('In `core/cluster`')).toEqual(
      inner.map(({ room, imports }) => ({
        room: room.slice(cluster.length),
        imports: imports.filter((name) => name.startsWith(cluster)).map((name) => name.slice(cluster.length)),
      })),
    );
  });
});
