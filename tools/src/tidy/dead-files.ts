import { posix } from 'node:path';
import type { TextFile } from '../source-tree.js';
import type { Finding } from './finding.js';
import { type ParsedModule, isModulePath } from './parsed-module.js';
import { resolveImport } from './resolve-import.js';

/** Files that something outside of the import graph starts or loads. */
const ENTRY_PATHS: readonly RegExp[] = [
  /(?:^|\/)[^/]+\.config\.(?:ts|mjs|js)$/,
  /^(?:libs|services)\/[^/]+\/src\/(?:index|main)\.ts$/,
  /^services\/[^/]+\/migrations\//,
  /^services\/ui\/console\/main\.tsx$/,
  /\.spec\.ts$/,
];

/**
 * Modules that no entry reaches. Entries are the doors of libraries, the mains of services, specs, config files, and
 * whatever a file that is not a module (a `package.json`, a compose file) names by its path.
 */
export function checkDeadFiles(
  files: readonly TextFile[],
  modules: readonly ParsedModule[],
): Finding[] {
  const byPath = new Map(modules.map((module) => [module.path, module]));
  const named = pathsNamedByOtherFiles(files);
  const reached = new Set<string>();
  const queue = modules
    .map(({ path }) => path)
    .filter((path) => ENTRY_PATHS.some((entry) => entry.test(path)) || named.has(path));
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    const module = byPath.get(path);
    if (!module || reached.has(path)) continue;
    reached.add(path);
    for (const { specifier } of module.imports) {
      const target = resolveImport(path, specifier, byPath);
      if (target !== undefined) queue.push(target);
    }
    for (const literal of module.literals) {
      const place = literal.startsWith('.') ? posix.join(posix.dirname(path), literal) : literal;
      queue.push(...sourcesOf(place));
    }
  }
  return modules
    .filter(({ path }) => !reached.has(path))
    .map(({ path }) => ({ check: 'dead-file', path, message: 'nothing reaches this file' }));
}

function pathsNamedByOtherFiles(files: readonly TextFile[]): Set<string> {
  const named = new Set<string>();
  for (const file of files) {
    if (isModulePath(file.path) || file.path.endsWith('.md')) continue;
    for (const match of file.text.matchAll(/[\w.@/-]+\.(?:ts|mjs|js)\b/g)) {
      for (const path of sourcesOf(match[0])) named.add(path);
    }
  }
  return named;
}

/** The source files that a path may mean: itself, or the source of a build output. */
function sourcesOf(path: string): string[] {
  const plain = path.replace(/^\.\//, '');
  return [plain, plain.replace(/(^|\/)dist\//, '$1src/').replace(/\.js$/, '.ts')];
}
