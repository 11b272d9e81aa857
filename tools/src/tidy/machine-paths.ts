import type { TextFile } from '../source-tree.js';
import type { Finding } from './finding.js';

/** Spelled with character classes so that this file does not match itself. */
const MACHINE_PATTERNS: readonly RegExp[] = [
  /(?<![\w.}/*-])\/(?:wor[k]|tm[p]|hom[e]|roo[t]|User[s])\/[\w.{$-]/,
  /\b[A-Z]:\\\\?User[s]\b/,
];

/** Where a lock file may say that a package comes from. */
const REGISTRY = 'https://registry.npmjs.org/';

/** Nothing in the repository names a machine that somebody worked on, or a private registry. */
export function checkMachinePaths(files: readonly TextFile[]): Finding[] {
  return files.flatMap((file) =>
    file.text.split('\n').flatMap((text, index) => {
      const message = machinePath(text) ?? foreignRegistry(file.path, text);
      if (message === undefined) return [];
      return [{ check: 'machine-path', path: file.path, line: index + 1, message }];
    }),
  );
}

function machinePath(text: string): string | undefined {
  return MACHINE_PATTERNS.some((pattern) => pattern.test(text))
    ? 'names a path of one machine'
    : undefined;
}

function foreignRegistry(path: string, text: string): string | undefined {
  if (!path.endsWith('package-lock.json')) return undefined;
  const resolved = /"resolved": "(https?:[^"]+)"/.exec(text)?.[1];
  return resolved === undefined || resolved.startsWith(REGISTRY)
    ? undefined
    : 'a package resolved from a registry that others do not have';
}
