/**
 * The tables of kinds in docs/wire.md, made from the sources: each kind with its number and its fields in their order. The
 * sources describe each message once; a reader of the page should not have to read them.
 */

import { readFileSync } from 'node:fs';
import ts from 'typescript';
import { forms } from '../../core/tree/operations/index.ts';

const root = new URL('../../', import.meta.url);

/** What some schemas are called in the page. */
const names: Readonly<Record<string, string>> = {
  bool: 'truth',
  int: 'signed number',
  finite: 'any number',
  idField: 'number',
  idSchema: 'id',
  clusterIdSchema: 'id',
  incarnationSchema: 'id',
  pathSchema: 'text',
  nameSchema: 'text',
  addressSchema: 'text',
  valueSchema: 'bytes',
  operationBytes: 'bytes',
  secretSchema: 'id',
  pageSchema: 'number',
  consistencySchema: 'consistency',
  watchFromSchema: 'beginning',
  clientIdentitySchema: 'identity',
  nodeTypeSchema: 'type of node',
  nodeStateSchema: 'state of node',
  setOperandSchema: 'set',
  upsertableSchema: 'operation',
  simpleOperationSchema: 'operation',
  guardSchema: 'guard',
  statSchema: 'stat',
  childSchema: 'child',
  knownClaimSchema: 'claim',
  recordSchema: 'record',
  recordsSchema: 'list of record',
  wishSchema: 'wish',
  aliveSchema: 'alive',
  toldClaimSchema: 'told',
  dedupSchema: 'dedup',
  resultSchema: 'result',
  simpleResultSchema: 'result',
  replySchema: 'reply, as bytes',
  watchEventSchema: 'event, as bytes',
  changesSchema: 'list of change',
  errorSchema: 'error',
  primarySchema: 'primary',
  placementSchema: 'placement',
  memberStatusSchema: 'member',
  replicaStatusSchema: 'replica',
  namespaceStatusSchema: 'namespace',
  pairSchema: 'pair',
  adminResultSchema: 'result',
  adminCommandSchema: 'command',
  codeSchema: 'text',
  detailsSchema: 'details of an error',
  answerVariants: 'answer',
};

/** A variable of the sources, or a property of one: the kinds of a union, the fields of a struct, or some words. */
interface Source {
  readonly file: string;
  readonly variables: readonly string[];
  /** What stands elsewhere and belongs to the same table. */
  readonly more?: readonly Source[];
}

/** What each kind of node has of a part of its forms. */
function formsOf(...parts: readonly string[]): readonly Source[] {
  return Object.keys(forms).map((kind) => ({
    file: `core/tree/operations/${kind}.ts`,
    variables: parts.map((part) => `${kind}Forms.${part}`),
  }));
}

/** By the name that the page has them under. */
export const tables: Readonly<Record<string, Source>> = {
  'client messages': { file: 'core/wire/api.ts', variables: ['clientVariants'] },
  'node messages': { file: 'core/wire/server-messages.ts', variables: ['serverVariants'] },
  consistency: { file: 'core/wire/api.ts', variables: ['consistencySchema'] },
  beginning: { file: 'core/wire/api.ts', variables: ['watchFromSchema'] },
  operations: {
    file: 'core/tree/operation.ts',
    variables: ['writeVariants', 'operationSchema'],
    more: formsOf('writes', 'reads'),
  },
  set: { file: 'core/tree/operations/set.ts', variables: ['setOperandSchema'] },
  guards: { file: 'core/tree/operation.ts', variables: [], more: formsOf('guards') },
  answers: { file: 'core/service/reply.ts', variables: ['answerVariants'] },
  results: { file: 'core/tree/result.ts', variables: ['simpleResultVariants', 'resultVariants'] },
  'admin commands': { file: 'core/wire/admin.ts', variables: ['adminCommandSchema'] },
  'admin results': { file: 'core/wire/admin.ts', variables: ['adminResultSchema'] },
  'admin replies': { file: 'core/wire/admin.ts', variables: ['adminReplySchema'] },
};

/** Lists of fields. */
export const structs: Readonly<Record<string, Source>> = {
  reply: { file: 'core/service/reply.ts', variables: ['replySchema'] },
  error: { file: 'core/base/error-schema.ts', variables: ['errorSchema'] },
  primary: { file: 'core/wire/server-messages.ts', variables: ['primarySchema'] },
  stat: { file: 'core/tree/result.ts', variables: ['statSchema'] },
  child: { file: 'core/tree/result.ts', variables: ['childSchema'] },
  claim: { file: 'core/tree/result.ts', variables: ['knownClaimSchema'] },
  wish: { file: 'core/tree/operations/claims.ts', variables: ['wish'] },
  record: { file: 'core/service/told.ts', variables: ['recordSchema'] },
  alive: { file: 'core/service/told.ts', variables: ['aliveSchema'] },
  told: { file: 'core/service/events.ts', variables: ['toldClaimSchema'] },
  dedup: { file: 'core/tree/operations/queue.ts', variables: ['dedup'] },
  event: { file: 'core/service/events.ts', variables: ['watchEventSchema'] },
  change: { file: 'core/service/events.ts', variables: ['changeSchema'] },
  identity: { file: 'core/service/body.ts', variables: ['clientIdentitySchema'] },
  placement: { file: 'core/wire/admin.ts', variables: ['placementSchema'] },
  member: { file: 'core/wire/admin.ts', variables: ['memberStatusSchema'] },
  replica: { file: 'core/wire/admin.ts', variables: ['replicaStatusSchema'] },
  namespace: { file: 'core/wire/admin.ts', variables: ['namespaceStatusSchema'] },
  pair: { file: 'core/wire/admin.ts', variables: ['pairSchema'] },
};

function variablesOf(file: string): ReadonlyMap<string, ts.Expression> {
  const text = readFileSync(new URL(file, root), 'utf8');
  const found = new Map<string, ts.Expression>();
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  for (const statement of source.statements) {
    if (!ts.isVariableStatement(statement)) continue;
    for (const { name, initializer } of statement.declarationList.declarations)
      if (ts.isIdentifier(name) && initializer !== undefined) found.set(name.text, bare(initializer));
  }
  return found;
}

function bare(expression: ts.Expression): ts.Expression {
  return ts.isAsExpression(expression) || ts.isSatisfiesExpression(expression)
    ? bare(expression.expression)
    : expression;
}

/** The object that describes kinds or fields: itself, or what a schema is made of. */
function objectOf(expression: ts.Expression | undefined, name: string): ts.ObjectLiteralExpression {
  const inner = expression !== undefined && ts.isCallExpression(expression) ? expression.arguments[0] : expression;
  if (inner === undefined || !ts.isObjectLiteralExpression(inner)) throw new Error(`${name} is no object`);
  return inner;
}

type Variables = ReadonlyMap<string, ts.Expression>;

/** A variable, or with a dot a property of one; null for a property that is not there. */
function found(all: Variables, path: string): ts.Expression | null {
  const [name = '', part] = path.split('.');
  const whole = all.get(name);
  if (part === undefined) return whole ?? null;
  const property = objectOf(whole, name).properties.find((one) => one.name?.getText() === part);
  return property !== undefined && ts.isPropertyAssignment(property) ? bare(property.initializer) : null;
}

function typeOf(expression: ts.Expression, all: Variables): string {
  if (ts.isIdentifier(expression)) {
    const own = names[expression.text] === undefined ? all.get(expression.text) : undefined;
    if (own !== undefined) return typeOf(own, all);
    const name = names[expression.text];
    if (name === undefined) throw new Error(`test/wire/tables.ts has no words for ${expression.text}`);
    return name;
  }
  if (!ts.isCallExpression(expression)) throw new Error(`no schema: ${expression.getText()}`);
  const [first] = expression.arguments;
  switch (expression.expression.getText()) {
    case 'uint':
      return 'number';
    case 'text':
      return 'text';
    case 'bytes':
      return 'bytes';
    case 'hex':
      return `${first!.getText()} bytes`;
    case 'nullable':
      return `${typeOf(first!, all)} or null`;
    case 'list':
      return `list of ${typeOf(first!, all)}`;
    case 'embedded':
    case 'union':
      return typeOf(first!, all);
    case 'oneOf':
      return `one of ${expression.arguments.map(wordsOf).join(', ')}`;
    default:
      throw new Error(`test/wire/tables.ts has no words for ${expression.getText()}`);
  }
}

/** A word, or all of a list that `core/tree/names.ts` has. */
function wordsOf(word: ts.Expression): string {
  if (!ts.isSpreadElement(word)) return word.getText().replaceAll("'", '');
  const list = variablesOf('core/tree/names.ts').get(word.expression.getText());
  if (list === undefined || !ts.isArrayLiteralExpression(list)) throw new Error(`no words: ${word.getText()}`);
  return list.elements.map(wordsOf).join(', ');
}

function fieldsOf(object: ts.ObjectLiteralExpression, all: Variables): string {
  const fields = object.properties.map((property) => {
    // Fields that several kinds have.
    if (ts.isSpreadAssignment(property)) {
      const name = property.expression.getText();
      return fieldsOf(objectOf(all.get(name), name), all);
    }
    if (!ts.isPropertyAssignment(property)) throw new Error(`no field: ${property.getText()}`);
    return `\`${property.name.getText()}\` ${typeOf(property.initializer, all)}`;
  });
  return fields.length === 0 ? '-' : fields.join('; ');
}

/** The rows of a table of kinds, in the order of their numbers. */
function tableOf(source: Source): readonly string[] {
  return [...numbered(source)].sort((a, b) => a.number - b.number).map(({ row }) => row);
}

function* numbered({
  file,
  variables,
  more = [],
}: Source): Generator<{ readonly number: number; readonly row: string }> {
  const all = variablesOf(file);
  for (const variable of variables) {
    const kinds = found(all, variable);
    if (kinds === null && variable.includes('.')) continue;
    for (const property of objectOf(kinds ?? undefined, variable).properties) {
      // What is spread there stands elsewhere in the list.
      if (ts.isSpreadAssignment(property)) continue;
      const name = property.name.getText();
      const kind = ts.isPropertyAssignment(property) ? property.initializer : all.get(name);
      if (kind === undefined || !ts.isArrayLiteralExpression(kind)) throw new Error(`no kind: ${property.getText()}`);
      const [number, fields] = kind.elements;
      const object = objectOf(fields, name);
      yield {
        number: Number(number!.getText()),
        row: `| ${number!.getText()} | \`${name}\` | ${fieldsOf(object, all)} |`,
      };
    }
  }
  for (const other of more) yield* numbered(other);
}

/** What the page has between the marks of that name. */
export function written(name: string): string {
  const table = tables[name];
  if (table !== undefined) return ['| Number | Kind | Fields |', '| --- | --- | --- |', ...tableOf(table)].join('\n');
  const struct = structs[name];
  if (struct === undefined) throw new Error(`there is no table ${name}`);
  const [variable] = struct.variables;
  const all = variablesOf(struct.file);
  return `**${name}**: ${fieldsOf(objectOf(all.get(variable!), variable!), all)}.`;
}

const marked = /(<!-- made: ([\w ]+) -->\n)([^]*?)(\n<!-- end -->)/g;

/** The names of what a page has between marks. */
export function madeIn(page: string): readonly string[] {
  return [...page.matchAll(marked)].map(([, , name]) => name!);
}

/** The page with what is between its marks made anew. */
export function remade(page: string): string {
  return page.replace(marked, (_all, begin: string, name: string, _old: string, end: string) => {
    return `${begin}\n${written(name)}\n${end}`;
  });
}
