import ts from 'typescript';
import type { TextFile } from '../source-tree.js';

export interface ImportSite {
  readonly specifier: string;
  readonly line: number;
  /** `import type`: gone after compilation. */
  readonly typeOnly: boolean;
}
export interface FunctionSite {
  readonly name: string;
  readonly line: number;
  readonly lines: number;
}
export interface TestSite {
  /** The names of the enclosing `describe`s and of the test, joined by ` > `. */
  readonly title: string;
  readonly line: number;
}

/** What the checks need to know of a TypeScript or JavaScript file. */
export interface ParsedModule {
  readonly path: string;
  readonly lineCount: number;
  readonly imports: readonly ImportSite[];
  readonly exportAllLines: readonly number[];
  readonly defaultExportLines: readonly number[];
  readonly functions: readonly FunctionSite[];
  readonly tests: readonly TestSite[];
  /** Every string literal, for files and packages that are named rather than imported. */
  readonly literals: ReadonlySet<string>;
  /** What stands before the first `${…}` of each template, for names that are put together. */
  readonly templateHeads: ReadonlySet<string>;
}

const MODULE_PATH = /\.(?:ts|tsx|mts|mjs|js)$/;

export function isModulePath(path: string): boolean {
  return MODULE_PATH.test(path) && !path.endsWith('.d.ts');
}

/** Parses one file; syntax only, no types. */
export function parseModule(file: TextFile): ParsedModule {
  const source = ts.createSourceFile(file.path, file.text, ts.ScriptTarget.ES2023, true);
  const found = {
    imports: [] as ImportSite[],
    exportAllLines: [] as number[],
    defaultExportLines: [] as number[],
    functions: [] as FunctionSite[],
    tests: [] as TestSite[],
    literals: new Set<string>(),
    templateHeads: new Set<string>(),
  };
  const lineOf = (position: number): number =>
    source.getLineAndCharacterOfPosition(position).line + 1;

  const visit = (node: ts.Node, titles: readonly string[]): void => {
    const line = lineOf(node.getStart(source));
    if (ts.isStringLiteralLike(node)) found.literals.add(node.text);
    if (ts.isTemplateHead(node) && node.text !== '') found.templateHeads.add(node.text);
    const specifier = importedBy(node);
    if (specifier !== undefined)
      found.imports.push({ specifier, line, typeOnly: isTypeOnly(node) });
    if (ts.isExportDeclaration(node) && isExportAll(node)) found.exportAllLines.push(line);
    if (isDefaultExport(node)) found.defaultExportLines.push(line);
    if (ts.isFunctionLike(node) && 'body' in node && node.body) {
      const lines = lineOf(node.getEnd()) - line + 1;
      found.functions.push({ name: functionName(node), line, lines });
    }
    const call = titledCall(node);
    if (call?.word === 'test') {
      found.tests.push({ title: [...titles, call.title].join(' > '), line });
    }
    const inner = call?.word === 'describe' ? [...titles, call.title] : titles;
    ts.forEachChild(node, (child) => visit(child, inner));
  };
  visit(source, []);
  return { path: file.path, lineCount: countLines(file.text), ...found };
}

function countLines(text: string): number {
  return text.split('\n').length - (text.endsWith('\n') ? 1 : 0);
}

/** The specifier, if the node imports: a declaration, `import()`, an import type, or `new URL('./x', import.meta.url)`. */
function importedBy(node: ts.Node): string | undefined {
  if ((ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) && node.moduleSpecifier) {
    return ts.isStringLiteral(node.moduleSpecifier) ? node.moduleSpecifier.text : undefined;
  }
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
    return literalText(node.arguments[0]);
  }
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
    return literalText(node.argument.literal);
  }
  if (ts.isNewExpression(node) && node.arguments?.[1]?.getText() === 'import.meta.url') {
    const text = literalText(node.arguments[0]);
    return text === undefined || /^[./]/.test(text) ? text : `./${text}`;
  }
  return undefined;
}

function isTypeOnly(node: ts.Node): boolean {
  if (ts.isImportDeclaration(node)) {
    return node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword;
  }
  return ts.isImportTypeNode(node) || (ts.isExportDeclaration(node) && node.isTypeOnly);
}

function literalText(node: ts.Node | undefined): string | undefined {
  return node && ts.isStringLiteralLike(node) ? node.text : undefined;
}

function isExportAll(node: ts.ExportDeclaration): boolean {
  return node.moduleSpecifier !== undefined && node.exportClause === undefined;
}

function isDefaultExport(node: ts.Node): boolean {
  if (ts.isExportAssignment(node)) return true;
  if (ts.isExportSpecifier(node)) return node.name.text === 'default';
  return (
    ts.canHaveModifiers(node) &&
    (ts.getModifiers(node)?.some((m) => m.kind === ts.SyntaxKind.DefaultKeyword) ?? false)
  );
}

function functionName(node: ts.SignatureDeclaration): string {
  if (node.name) return node.name.getText();
  const parent = node.parent;
  const named = ts.isVariableDeclaration(parent) || ts.isPropertyAssignment(parent);
  if (named) return parent.name.getText();
  return ts.isConstructorDeclaration(node) ? 'constructor' : '(anonymous)';
}

/** `test('…')`, `it('…')`, `describe('…')`, with any modifiers between (`test.each(…)('…')`, `describe.sequential('…')`). */
function titledCall(node: ts.Node): { word: 'test' | 'describe'; title: string } | undefined {
  if (!ts.isCallExpression(node)) return undefined;
  const first = node.arguments[0];
  if (!first || !(ts.isStringLiteralLike(first) || ts.isTemplateExpression(first))) {
    return undefined;
  }
  const word = /^(test|it|describe)\b(?!\.(?:extend|scoped)\b)/.exec(
    node.expression.getText(),
  )?.[1];
  if (word === undefined) return undefined;
  const title = ts.isTemplateExpression(first) ? first.getText().slice(1, -1) : first.text;
  return { word: word === 'describe' ? 'describe' : 'test', title };
}
