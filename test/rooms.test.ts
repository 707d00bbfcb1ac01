/** The rooms of the house (architecture §1): imports run one way, core knows no runtime, and there are no circles, by parsing every import. */

import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');

/** What each room may import, beside itself. A room that is not named may not be there. */
const rooms: Readonly<Record<string, readonly string[]>> = {
  'core/base': [],
  'core/tree': ['core/base'],
  'core/vr': ['core/base'],
  'core/store': ['core/base', 'core/vr'],
  'core/service': ['core/base', 'core/tree'],
  'core/wire': ['core/base', 'core/vr', 'core/tree', 'core/service'],
  // What puts the rooms of a node together: node.ts, and what reads or feeds all of them.
  'core/cluster': ['core/base', 'core/vr', 'core/store', 'core/tree', 'core/service', 'core/wire'],
  'core/cluster/base': ['core/base', 'core/vr'],
  'core/cluster/catalog': ['core/base', 'core/vr', 'core/service', 'core/wire'],
  'core/cluster/replicas': [
    'core/base',
    'core/vr',
    'core/store',
    'core/tree',
    'core/service',
    'core/wire',
    'core/cluster/base',
    'core/cluster/catalog',
  ],
  'core/cluster/peers': [
    'core/base',
    'core/vr',
    'core/store',
    'core/wire',
    'core/cluster/base',
    'core/cluster/catalog',
  ],
  'core/cluster/routing': [
    'core/base',
    'core/vr',
    'core/service',
    'core/wire',
    'core/cluster/base',
    'core/cluster/replicas',
    'core/cluster/peers',
  ],
  'core/cluster/watching': [
    'core/base',
    'core/tree',
    'core/service',
    'core/wire',
    'core/cluster/replicas',
    'core/cluster/peers',
    'core/cluster/routing',
  ],
  'core/cluster/clients': [
    'core/base',
    'core/service',
    'core/wire',
    'core/cluster/base',
    'core/cluster/catalog',
    'core/cluster/replicas',
    'core/cluster/peers',
    'core/cluster/routing',
    'core/cluster/watching',
  ],
  'core/cluster/admin': [
    'core/base',
    'core/vr',
    'core/service',
    'core/wire',
    'core/cluster/base',
    'core/cluster/catalog',
    'core/cluster/replicas',
    'core/cluster/peers',
    'core/cluster/routing',
  ],
  'core/client': ['core/base', 'core/tree', 'core/service', 'core/wire'],
  'core/shell': ['core/base', 'core/tree', 'core/service', 'core/wire', 'core/client'],
  'core/sim': [
    'core/base',
    'core/vr',
    'core/store',
    'core/tree',
    'core/service',
    'core/wire',
    'core/cluster',
    'core/client',
  ],
  'node-server': ['core', 'browser-client'],
  'browser-client': ['core'],
  playground: ['core', 'browser-client'],
  bench: ['core', 'node-server', 'browser-client'],
};

const packages: Readonly<Record<string, readonly string[]>> = {
  'core/base': ['@noble/hashes'],
  'core/tree': ['sorted-btree'],
  'core/service': ['sorted-btree'],
  'core/wire': ['superjson'],
  'core/shell': ['get-east-asian-width'],
};

interface Import {
  readonly from: string;
  readonly to: string;
  readonly typeOnly: boolean;
  /** A package or a module of the runtime, as it is written. */
  readonly external: boolean;
}

function sources(directory: string): readonly string[] {
  return readdirSync(join(root, directory), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name) && !entry.parentPath.includes('node_modules'))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)));
}

function importsOf(file: string): readonly Import[] {
  const source = ts.createSourceFile(file, readFileSync(join(root, file), 'utf8'), ts.ScriptTarget.ES2023, true);
  const found: Import[] = [];
  const add = (specifier: string, typeOnly: boolean): void => {
    const external = !specifier.startsWith('.');
    found.push({ from: file, to: external ? specifier : join(dirname(file), specifier), typeOnly, external });
  };
  const visit = (node: ts.Node): void => {
    if ((ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) && node.moduleSpecifier !== undefined) {
      const typeOnly = ts.isImportDeclaration(node)
        ? node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword
        : node.isTypeOnly;
      if (ts.isStringLiteral(node.moduleSpecifier)) add(node.moduleSpecifier.text, typeOnly);
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      const [argument] = node.arguments;
      if (argument !== undefined && ts.isStringLiteral(argument)) add(argument.text, false);
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      if (ts.isStringLiteral(node.argument.literal)) add(node.argument.literal.text, true);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

/** The innermost room that a file is in. */
function roomOf(file: string): string | null {
  for (let name = dirname(file); name !== '.'; name = dirname(name)) if (Object.hasOwn(rooms, name)) return name;
  return null;
}

/** The houses of the rooms. Git keeps no empty directory, so one whose rooms are still to come may not be there. */
const houses = ['core', 'node-server', 'browser-client', 'playground', 'bench'].filter((name) =>
  existsSync(join(root, name)),
);
const files = houses.flatMap(sources);
const imports = files.flatMap(importsOf);

function shown({ from, to, typeOnly }: Import): string {
  return `${from} imports ${typeOnly ? 'types of ' : ''}${to}`;
}

function mayImport({ from, to }: Import): boolean {
  const here = roomOf(from);
  const there = roomOf(to);
  if (here === null || there === null) return false;
  const allowed = [here, ...(rooms[here] ?? [])];
  return allowed.some((name) => there === name || there.startsWith(`${name}/`));
}

/** The first circle among `edges`, as the names along it, or null. */
function circle(edges: ReadonlyMap<string, ReadonlySet<string>>): readonly string[] | null {
  const done = new Set<string>();
  const path: string[] = [];
  const walk = (name: string): readonly string[] | null => {
    const at = path.indexOf(name);
    if (at >= 0) return [...path.slice(at), name];
    if (done.has(name)) return null;
    path.push(name);
    for (const next of edges.get(name) ?? []) {
      const found = walk(next);
      if (found !== null) return found;
    }
    path.pop();
    done.add(name);
    return null;
  };
  for (const name of edges.keys()) {
    const found = walk(name);
    if (found !== null) return found;
  }
  return null;
}

/** The sets of more than one name that reach each other along `edges`. */
function knots(edges: ReadonlyMap<string, ReadonlySet<string>>): readonly (readonly string[])[] {
  const reach = (from: string): ReadonlySet<string> => {
    const reached = new Set(edges.get(from) ?? []);
    for (const name of reached) for (const next of edges.get(name) ?? []) reached.add(next);
    return reached;
  };
  const reached = new Map([...edges.keys()].map((name) => [name, reach(name)]));
  const tied = new Set<string>();
  const found: (readonly string[])[] = [];
  for (const [name, names] of reached) {
    if (tied.has(name) || !names.has(name)) continue;
    const knot = [...names].filter((other) => reached.get(other)?.has(name) === true);
    for (const one of knot) tied.add(one);
    found.push(knot.sort());
  }
  return found;
}

function edgesOf(among: readonly Import[], nameOf: (file: string) => string): Map<string, Set<string>> {
  const edges = new Map<string, Set<string>>();
  for (const { from, to } of among) {
    const [source, target] = [nameOf(from), nameOf(to)];
    if (source === target && nameOf !== String) continue;
    const targets = edges.get(source) ?? new Set<string>();
    targets.add(target);
    edges.set(source, targets);
  }
  return edges;
}

describe('the rooms', () => {
  it('hold every source file', () => {
    expect(files.length).toBeGreaterThan(50);
    expect(files.filter((file) => roomOf(file) === null && file !== 'core/globals.d.ts')).toEqual([]);
  });

  it('import one way', () => {
    expect(imports.filter((one) => !one.external && !mayImport(one)).map(shown)).toEqual([]);
  });

  it('have no circles among them, and no file imports itself through others at run time', () => {
    const inside = imports.filter((one) => !one.external);
    expect(
      circle(
        edgesOf(
          inside.filter(({ typeOnly }) => !typeOnly),
          (file) => roomOf(file) ?? file,
        ),
      ),
    ).toBeNull();
    expect(
      circle(
        edgesOf(
          inside.filter(({ typeOnly }) => !typeOnly),
          String,
        ),
      ),
    ).toBeNull();
  });

  it('know nothing in circles, types included: none in core/vr, and pairs at most in the rooms of a node and of a client', () => {
    const inside = imports.filter((one) => !one.external);
    const edges = edgesOf(inside, String);
    const larger = knots(edges).filter((knot) => {
      const most = knot.some((file) => file.startsWith('core/vr/')) ? 1 : 2;
      return knot.length > most && knot.some((file) => /^core\/(vr|cluster|client)\//.test(file));
    });
    expect(larger).toEqual([]);
  });

  it('of core import no runtime and only the packages that their room is allowed', () => {
    const foreign = imports.filter(({ from, to, external }) => {
      if (!external || !from.startsWith('core/')) return false;
      const allowed = packages[roomOf(from) ?? ''] ?? [];
      return !allowed.some((name) => to === name || to.startsWith(`${name}/`));
    });
    expect(foreign.map(shown)).toEqual([]);
  });

  it('keep messages between nodes out of the client', () => {
    const edges = edgesOf(
      imports.filter(({ typeOnly, external }) => !typeOnly && !external),
      String,
    );
    const reached = new Set(files.filter((file) => ['core/client', 'core/shell'].includes(roomOf(file) ?? '')));
    for (const file of reached) for (const next of edges.get(file) ?? []) reached.add(next);
    expect([...reached].filter((file) => file === 'core/wire/peer.ts' || roomOf(file) === 'core/vr')).toEqual([]);
  });

  it('write every import of a source with its extension', () => {
    expect(imports.filter(({ to, external }) => !external && !/\.(tsx?|json)$/.test(to)).map(shown)).toEqual([]);
  });

  it('keep files small enough to hold in the head', () => {
    const long = files.filter((file) => readFileSync(join(root, file), 'utf8').split('\n').length > 501);
    expect(long).toEqual([]);
  });
});
