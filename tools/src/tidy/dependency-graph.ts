import type { TextFile } from '../source-tree.js';
import type { Finding } from './finding.js';
import type { ParsedModule } from './parsed-module.js';

/** What the checks read of a `package.json` and the `tsconfig.json` beside it. */
interface Workspace {
  readonly folder: string;
  readonly name: string;
  readonly dependencies: readonly string[];
  readonly devDependencies: readonly string[];
  /** Folders that the tsconfig refers to; undefined when there is no tsconfig. */
  readonly references: readonly string[] | undefined;
}

/** Declared because another package needs them beside it, though nobody imports them. */
const PEERS = new Set([
  '@opentelemetry/api',
  'rxjs',
  'reflect-metadata',
  '@nestjs/platform-express',
  'class-transformer',
]);

/** Serves the tests of every project; a declaration in each would say nothing. */
const TESTKIT = '@bunnydb/testkit';

/** `package.json`, the imports and the tsconfig's references say the same; npm, Node and tsc each believe another one. */
export function checkDependencies(
  files: readonly TextFile[],
  modules: readonly ParsedModule[],
): Finding[] {
  const workspaces = readWorkspaces(files);
  const root = workspaces.find(({ folder }) => folder === '');
  const members = workspaces.filter(({ folder }) => folder !== '');
  return [
    ...members.flatMap((workspace) => {
      const own = modules.filter(({ path }) => path.startsWith(`${workspace.folder}/`));
      return [
        ...undeclaredImports(workspace, own, root?.devDependencies ?? []),
        ...unusedDependencies(workspace, own),
        ...wrongReferences(workspace, members),
      ];
    }),
    ...unlistedMembers(root, members),
  ];
}

function undeclaredImports(
  workspace: Workspace,
  own: readonly ParsedModule[],
  forTests: readonly string[],
): Finding[] {
  const declared = new Set([workspace.name, ...workspace.dependencies]);
  const declaredForTests = new Set([
    ...declared,
    ...workspace.devDependencies,
    ...forTests,
    TESTKIT,
  ]);
  return own.flatMap((module) => {
    const isProgram = module.path.startsWith(`${workspace.folder}/src/`);
    const known = isProgram && !workspace.folder.startsWith('tools') ? declared : declaredForTests;
    return module.imports.flatMap(({ specifier, line, typeOnly }) => {
      const name = packageOf(specifier);
      if (name === undefined || known.has(name)) return [];
      if (typeOnly && forTests.includes(`@types/${name}`)) return [];
      const message = `${name} is imported but not in ${workspace.folder}/package.json`;
      return [{ check: 'dependency', path: module.path, line, message }];
    });
  });
}

function unusedDependencies(workspace: Workspace, own: readonly ParsedModule[]): Finding[] {
  const used = new Set<string>();
  const heads = new Set<string>();
  for (const module of own) {
    for (const { specifier } of module.imports) used.add(packageOf(specifier) ?? '');
    for (const literal of module.literals) used.add(literal);
    for (const head of module.templateHeads) heads.add(head);
  }
  const isUsed = (name: string): boolean =>
    used.has(name.replace(/^@types\//, '')) ||
    // A name that is put together, such as that of one of several versions.
    [...heads].some((head) => head.includes('-') && name.startsWith(head));
  return [...workspace.dependencies, ...workspace.devDependencies]
    .filter((name) => !isUsed(name) && !PEERS.has(name))
    .map((name) => ({
      check: 'dependency',
      path: `${workspace.folder}/package.json`,
      message: `${name} is declared but nothing imports it`,
    }));
}

function wrongReferences(workspace: Workspace, members: readonly Workspace[]): Finding[] {
  if (!workspace.references) return [];
  const wanted = members
    .filter(({ name }) => workspace.dependencies.includes(name))
    .map(({ folder }) => folder);
  const path = `${workspace.folder}/tsconfig.json`;
  return differences(wanted, workspace.references).map((message) => ({
    check: 'dependency',
    path,
    message,
  }));
}

function unlistedMembers(root: Workspace | undefined, members: readonly Workspace[]): Finding[] {
  const wanted = members.filter(({ references }) => references).map(({ folder }) => folder);
  return differences(wanted, root?.references ?? []).map((message) => ({
    check: 'dependency',
    path: 'tsconfig.json',
    message,
  }));
}

function differences(wanted: readonly string[], found: readonly string[]): string[] {
  return [
    ...wanted
      .filter((folder) => !found.includes(folder))
      .map((folder) => `no reference to ${folder}, on which it depends`),
    ...found
      .filter((folder) => !wanted.includes(folder))
      .map((folder) => `a reference to ${folder}, on which it does not depend`),
  ];
}

/** `@scope/name` or `name`; undefined for what is no package. */
export function packageOf(specifier: string): string | undefined {
  if (/^(?:\.|\/|node:)/.test(specifier)) return undefined;
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

function readWorkspaces(files: readonly TextFile[]): Workspace[] {
  const texts = new Map(files.map((file) => [file.path, file.text]));
  return files
    .filter(({ path }) => /(?:^|\/)package\.json$/.test(path))
    .map(({ path, text }) => {
      const folder = path.replace(/\/?package\.json$/, '');
      const manifest = JSON.parse(text) as Manifest;
      return {
        folder,
        name: manifest.name,
        dependencies: Object.keys(manifest.dependencies ?? {}),
        devDependencies: Object.keys(manifest.devDependencies ?? {}),
        references: readReferences(
          folder,
          texts.get(folder ? `${folder}/tsconfig.json` : 'tsconfig.json'),
        ),
      };
    });
}

function readReferences(folder: string, text: string | undefined): string[] | undefined {
  if (text === undefined) return undefined;
  const { references } = JSON.parse(text) as { references?: { path: string }[] };
  const base = new URL(`file:///${folder ? `${folder}/` : ''}`);
  return (references ?? []).map(({ path }) => new URL(path, base).pathname.replace(/^\/|\/$/g, ''));
}

interface Manifest {
  readonly name: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}
