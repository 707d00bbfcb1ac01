/**
 * The tables of kinds in docs/wire.md, made from the sources: each kind with its number and its fields in their order. The
 * sources describe each message once; a reader of the page should not have to read them.
 */

import { readFileSync } from 'node:fs';
import ts from 'typescript';

const root = new URL('../../', import.meta.url);

/** What some schemas are called in the page. */
const names: Readonly<Record<string, string>> = {
  bool: 'truth',
  int: 'signed number',
  idField: 'number',
  idSchema: 'id',
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

/** A variable of the sources: the kinds of a union, the fields of a struct, or some words. */
interface Source {
  readonly file: string;
  readonly variables: readonly string[];
}

/** By the name that the page has them under. */
export const tables: Readonly<Record<string, Source>> = {
  'client messages': { file: 'core/wire/api.ts', variables: ['clientVariants'] },
  'node messages': { file: 'core/wire/told.ts', variables: ['toldVariants'] },
  consistency: { file: 'core/wire/api.ts', variables: ['consistencySchema'] },
  beginning: { file: 'core/wire/api.ts', variables: ['watchFromSchema'] },
  operations: { file: 'core/tree/operation.ts', variables: ['simpleVariants', 'allSimple', 'operationSchema'] },
  set: { file: 'core/tree/operation.ts', variables: ['setOperandSchema'] },
  guards: { file: 'core/tree/operation.ts', variables: ['guardSchema'] },
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
  primary: { file: 'core/wire/told.ts', variables: ['primarySchema'] },
  stat: { file: 'core/tree/result.ts', variables: ['statSchema'] },
  child: { file: 'core/tree/result.ts', variables: ['childSchema'] },
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

function typeOf(expression: ts.Expression): string {
  if (ts.isIdentifier(expression)) {
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
      return `${typeOf(first!)} or null`;
    case 'list':
      return `list of ${typeOf(first!)}`;
    case 'embedded':
    case 'union':
      return typeOf(first!);
    case 'oneOf':
      return `one of ${expression.arguments.map((word) => word.getText().replaceAll("'", '')).join(', ')}`;
    default:
      throw new Error(`test/wire/tables.ts has no words for ${expression.getText()}`);
  }
}

function fieldsOf(object: ts.ObjectLiteralExpression): string {
  const fields = object.properties.map((property) => {
    if (!ts.isPropertyAssignment(property)) throw new Error(`no field: ${property.getText()}`);
    return `\`${property.name.getText()}\` ${typeOf(property.initializer)}`;
  });
  return fields.length === 0 ? '-' : fields.join('; ');
}

/** The rows of a table of kinds, in the order of their numbers. */
function rowsOf({ file, variables }: Source): readonly string[] {
  const all = variablesOf(file);
  const rows: { readonly number: number; readonly row: string }[] = [];
  for (const variable of variables) {
    for (const property of objectOf(all.get(variable), variable).properties) {
      // What is spread there is another variable of the list.
      if (!ts.isPropertyAssignment(property)) continue;
      const { initializer } = property;
      if (!ts.isArrayLiteralExpression(initializer)) throw new Error(`no kind: ${property.getText()}`);
      const [number, fields] = initializer.elements;
      const object = objectOf(fields, property.name.getText());
      rows.push({
        number: Number(number!.getText()),
        row: `| ${number!.getText()} | \`${property.name.getText()}\` | ${fieldsOf(object)} |`,
      });
    }
  }
  return rows.sort((a, b) => a.number - b.number).map(({ row }) => row);
}

/** What the page has between the marks of that name. */
export function written(name: string): string {
  const table = tables[name];
  if (table !== undefined) return ['| Number | Kind | Fields |', '| --- | --- | --- |', ...rowsOf(table)].join('\n');
  const struct = structs[name];
  if (struct === undefined) throw new Error(`there is no table ${name}`);
  const [variable] = struct.variables;
  return `**${name}**: ${fieldsOf(objectOf(variablesOf(struct.file).get(variable!), variable!))}.`;
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
