import type { TextFile } from '../source-tree.js';
import type { Finding } from './finding.js';

/** Spelled with character classes so that this file does not match itself. */
const MACHINE_PATTERNS: readonly RegExp[] = [
  /(?<![\w.}/*-])\/(?:wor[k]|tm[p]|hom[e]|roo[t]|User[s])\/[\w.{$-]/,
  /\b[A-Z]:\\\\?User[s]\b/,
];

/** Nothing in the repository names a machine that somebody worked on, or the registry that it used. */
export function checkMachinePaths(files: readonly TextFile[]): Finding[] {
  return files.flatMap((file) =>
    file.text.split('\n').flatMap((text, index) => {
      const message = machinePath(text) ?? tiedRegistry(file.path, text);
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

function tiedRegistry(path: string, text: string): string | undefined {
  if (!path.endsWith('package-lock.json')) return undefined;
  return /"resolved": "https?:/.test(text)
    ? 'a package is tied to a registry; install with --omit-lockfile-registry-resolved'
    : undefined;
}
