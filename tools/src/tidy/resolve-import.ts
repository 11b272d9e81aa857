import { posix } from 'node:path';

/**
 * The repository path that an import means, if it is one of ours: a relative path (with the `.js` that stands for
 * `.ts` or `.tsx`), or the door of a library. Undefined for what comes from outside.
 */
export function resolveImport(
  fromPath: string,
  specifier: string,
  known: { has(path: string): boolean },
): string | undefined {
  if (specifier.startsWith('@bunnydb/')) {
    const door = `libs/${specifier.slice('@bunnydb/'.length)}/src/index.ts`;
    return known.has(door) ? door : undefined;
  }
  if (!specifier.startsWith('.')) return undefined;
  const path = posix.join(posix.dirname(fromPath), specifier);
  return [
    path,
    path.replace(/\.js$/, '.ts'),
    path.replace(/\.js$/, '.tsx'),
    path.replace(/\.mjs$/, '.mts'),
  ].find((candidate) => known.has(candidate));
}
