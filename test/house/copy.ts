/** A copy of the sources with another type of leaf: its own files, and one line in each registry. */

import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import ts from 'typescript';

const here = import.meta.dirname;
const root = resolve(here, '../..');

/** An addition to a file: lines, each after an existing one. */
export interface Addition {
  readonly file: string;
  readonly lines: readonly (readonly [after: string, line: string])[];
}

const registry = (file: string, name: string, from: string, after: string, afterImport: string): Addition => ({
  file,
  lines: [
    [afterImport, `import { ${name} } from './${from}.ts';`],
    [after, `  max: ${name},`],
  ],
});

/** What makes handles of it: a method of a class. */
const method = (file: string, after: string, imported: string, afterImport: string, path: string): Addition => ({
  file,
  lines: [
    [afterImport, imported],
    [after, `  max(path: string): Max {\n    return new Max(this.executor, ${path});\n  }\n`],
  ],
});

const exported = (file: string, name: string, after: string): Addition => ({
  file,
  lines: [[after, `export { ${name} } from './kinds/index.ts';`]],
});

/** The registries in which a type of leaf has a line. */
export const registries: readonly Addition[] = [
  { file: 'core/tree/names.ts', lines: [["  'election',", "  'max',"]] },
  { file: 'core/tree/names.ts', lines: [["  'changed',", "  'raised',"]] },
  { file: 'core/tree/reading.ts', lines: [["  'upsert',", "  'maxRaise',"]] },
  registry(
    'core/tree/operations/index.ts',
    'maxForms',
    'max',
    '  counter: counterForms,',
    "import type { Forms } from './form.ts';",
  ),
  registry(
    'core/tree/node.ts',
    'MaxNode',
    'nodes/max',
    '  counter: CounterNode,',
    "import type { LeafClass } from './nodes/head.ts';",
  ),
  registry(
    'core/tree/kinds/leaves.ts',
    'maxRules',
    'max',
    '  counter: counterRules,',
    "import { counterRules } from './counter.ts';",
  ),
  registry(
    'core/shell/commands/leaves.ts',
    'maxFamily',
    'max',
    '  counter: counterFamily,',
    "import { counterFamily } from './counter.ts';",
  ),
  registry(
    'core/sim/uses/index.ts',
    'maxUses',
    'max',
    '  counter: counterUses,',
    "import { counterUses } from './counter.ts';",
  ),
  { file: 'playground/tree-view.ts', lines: [['  counter: null,', '  max: null,']] },
  {
    file: 'browser-client/kinds/index.ts',
    lines: [
      ["import { Directory, directory } from './directory.ts';", "import { Max, max } from './max.ts';"],
      ['  counter: Counter,', '  max: Max,'],
    ],
  },
  { file: 'browser-client/kinds/index.ts', lines: [['  counter,', '  max,']] },
  {
    file: 'browser-client/kinds/index.ts',
    lines: [["export type { CoreCounter, CounterOps } from './counter.ts';", "export { Max, max } from './max.ts';"]],
  },
  { file: 'browser-client/kinds/directory.ts', lines: [["  counter: 'number',", "  max: 'number',"]] },
  method(
    'browser-client/kinds/directory.ts',
    'export class Directory extends CoreDirectory implements HandleMakers {',
    "import { Max } from './max.ts';",
    "import type { HandleMakers } from './index.ts';",
    'join(this.path, path)',
  ),
  method(
    'browser-client/full.ts',
    'export class Namespace extends CoreNamespace implements HandleMakers {',
    "import { Max } from './kinds/index.ts';",
    "import type { HandleMakers } from './kinds/index.ts';",
    'path',
  ),
  exported('browser-client/core.ts', 'max', "export type { HasLive } from './live.ts';"),
  exported('browser-client/index.ts', 'Max', "export { HaretError } from '../core/base/errors.ts';"),
];

/** Half of an addition. It would be accepted and then stop every replica, or never take effect. */
export interface Mistake {
  readonly what: string;
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

export const mistakes: readonly Mistake[] = [
  {
    what: 'a write that is in the schema and nowhere else',
    file: 'core/tree/operations/blob.ts',
    find: '  writes: {\n    blobPut,',
    replace: '  writes: {\n    blobAppend: [12, { path: pathSchema, value: valueSchema }],\n    blobPut,',
  },
  {
    what: 'a read that is in the schema and nowhere else',
    file: 'core/tree/operations/blob.ts',
    find: '    blobSize: [37, { path: pathSchema }],',
    replace: '    blobSize: [37, { path: pathSchema }],\n    blobHash: [54, { path: pathSchema }],',
  },
  {
    what: 'a guard that is in the schema and nowhere else',
    file: 'core/tree/operations/max.ts',
    find: '  guards: {},',
    replace: '  guards: { above: [90, { path: pathSchema, than: int }] },',
  },
  {
    what: 'a write that says it is a read',
    file: 'core/tree/operations/max.ts',
    find: '  writes: { maxRaise },\n  upserts: { maxRaise },\n  reads: {',
    replace: '  writes: {},\n  upserts: {},\n  reads: {\n    maxRaise,',
  },
  {
    what: 'a write without a rule',
    file: 'core/tree/kinds/max.ts',
    find: '    maxRaise: { grows: false, refuse: onlyPath, apply: raise },',
    replace: '',
  },
  {
    what: 'a write that does not say what it is on a full disk',
    file: 'core/tree/kinds/max.ts',
    find: 'grows: false, ',
    replace: '',
  },
  {
    what: 'a kind of change that has no name',
    file: 'core/tree/kinds/max.ts',
    find: "'raised', after",
    replace: "'lowered', after",
  },
  {
    what: 'an operation without a command',
    file: 'core/shell/commands/max.ts',
    find: '    maxGet: [',
    replace: '    maxgot: [',
  },
  {
    what: 'a write of which nobody says whether simulated users do it',
    file: 'core/sim/uses/max.ts',
    find: "maxRaise: [({ random }) => ({ kind: 'maxRaise', path, to: random.below(1000) })]",
    replace: '',
  },
  {
    what: 'a read of which nobody says whether simulated users do it',
    file: 'core/sim/uses/max.ts',
    find: "maxGet: [() => ({ kind: 'maxGet', path })]",
    replace: '',
  },
  {
    what: 'a leaf that no simulated user watches',
    file: 'core/sim/uses/max.ts',
    find: 'watched: [path]',
    replace: 'watched: []',
  },
  {
    what: 'a number that need not be whole, which the codec of pages does not know',
    file: 'core/tree/operations/max.ts',
    find: 'to: int }',
    replace: 'to: finite }',
  },
  {
    what: 'a handle that nobody can follow',
    file: 'browser-client/kinds/max.ts',
    find: '  live(): Live<number> {\n    return live(this);\n  }\n',
    replace: '',
  },
  {
    what: 'an operation of the SDK that the tree does not have',
    file: 'browser-client/kinds/max.ts',
    find: "kind: 'maxRaise'",
    replace: "kind: 'maxLower'",
  },
  {
    what: 'an error without an exit status',
    file: 'core/base/errors.ts',
    find: '  CounterOverflow: refused,',
    replace: '  CounterOverflow: refused,\n  MaxOverflow: refused,',
  },
];

const ownFiles = readdirSync(join(here, 'max'), { recursive: true, encoding: 'utf8' });

/** A compiler of the copy that keeps everything that did not change. */
export class Copy {
  readonly directory: string;
  readonly #options: ts.CompilerOptions;
  readonly #parsed = new Map<string, { readonly text: string; readonly source: ts.SourceFile }>();
  #program: ts.Program | undefined;

  /** Makes the copy, inside this package so that it finds its libraries. */
  constructor() {
    const directory = join(root, 'test/.output', `house-${process.pid}`);
    this.directory = directory;
    rmSync(directory, { recursive: true, force: true });
    mkdirSync(directory, { recursive: true });
    for (const part of [
      'core',
      'browser-client',
      'playground',
      'test/sdk/exported.ts',
      'test/service/driver.ts',
      'test/shell/run.ts',
      'test/shell/fake-connection.ts',
    ])
      cpSync(join(root, part), join(directory, part), { recursive: true });
    cpSync(join(here, 'max'), directory, { recursive: true });
    cpSync(join(root, 'tsconfig.base.json'), join(directory, 'tsconfig.base.json'));
    for (const addition of registries) this.add(addition);
    const base = ts.readConfigFile(join(root, 'tsconfig.base.json'), (path) => readFileSync(path, 'utf8'));
    const { options } = ts.parseJsonConfigFileContent({ ...base.config, files: [] }, ts.sys, root);
    this.#options = {
      ...options,
      noEmit: true,
      composite: false,
      declaration: false,
      emitDeclarationOnly: false,
      incremental: false,
      // Unused code alone proves nothing.
      noUnusedLocals: false,
      noUnusedParameters: false,
      lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts'],
      types: [],
      paths: { 'isomorphic-ws': [join(directory, 'browser-client/isomorphic-ws.d.ts')] },
    };
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }

  read(file: string): string {
    return readFileSync(join(this.directory, file), 'utf8');
  }

  write(file: string, text: string): void {
    writeFileSync(join(this.directory, file), text);
  }

  add({ file, lines }: Addition): void {
    let text = this.read(file);
    for (const [after, line] of lines) {
      if (text.split(`${after}\n`).length !== 2) throw new Error(`${file} has not one line ${after}`);
      text = text.replace(`${after}\n`, `${after}\n${line}\n`);
    }
    this.write(file, text);
  }

  /** Takes out the lines that {@link add} added. @returns a function that puts them back. */
  without({ file, lines }: Addition): () => void {
    const text = this.read(file);
    let less = text;
    for (const [after, line] of lines) {
      if (!less.includes(`${after}\n${line}\n`)) throw new Error(`${file} has no line ${line}`);
      less = less.replace(`${after}\n${line}\n`, `${after}\n`);
    }
    this.write(file, less);
    return () => this.write(file, text);
  }

  /** @returns a function that undoes it. */
  spoil({ file, find, replace }: Mistake): () => void {
    const text = this.read(file);
    if (text.split(find).length !== 2) throw new Error(`${file} has not once ${find}`);
    this.write(file, text.replace(find, replace));
    return () => this.write(file, text);
  }

  /** The errors of the compiler, a line each. With `first`, only those of the first file that has any. */
  problems(first: boolean): readonly string[] {
    const host = ts.createCompilerHost(this.#options);
    host.getSourceFile = (path, languageVersion) => {
      const text = ts.sys.readFile(path);
      if (text === undefined) return undefined;
      const known = this.#parsed.get(path);
      if (known?.text === text) return known.source;
      const source = ts.createSourceFile(path, text, languageVersion);
      this.#parsed.set(path, { text, source });
      return source;
    };
    const roots = ['core/service/service.ts', 'core/shell/index.ts', 'core/sim/uses/index.ts', 'core/sim/workload.ts']
      .concat(['playground/tree-view.ts', 'browser-client/testing.ts', 'test/sdk/exported.ts'])
      .map((file) => join(this.directory, file));
    const program = ts.createProgram({
      rootNames: roots,
      options: this.#options,
      host,
      ...(this.#program === undefined ? {} : { oldProgram: this.#program }),
    });
    this.#program = program;
    const own = program.getSourceFiles().filter(({ fileName }) => fileName.startsWith(`${this.directory}/`));
    // Files about a type of leaf come first: the registries, and its own files.
    const likely = new Set([...registries, ...mistakes].map(({ file }) => join(this.directory, file)));
    for (const file of ownFiles) likely.add(join(this.directory, file));
    own.sort((a, b) => Number(likely.has(b.fileName)) - Number(likely.has(a.fileName)));
    const found: string[] = [];
    for (const source of own) {
      const wrong = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
      for (const { messageText } of wrong)
        found.push(
          `${source.fileName.slice(this.directory.length + 1)}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`,
        );
      if (first && found.length > 0) break;
    }
    return found;
  }
}
