import { execFileSync } from 'node:child_process';
import type { Finding } from './finding.js';
import { type ExcusedList, addedEntries } from './excused.js';

/** The excused list may only shrink: compares each version that git knows, and the one on disk, with the one before. */
export function checkExcusedHistory(root: string, path: string, now: ExcusedList): Finding[] {
  const commits = git(root, ['log', '--format=%H', '--', path]).split('\n').filter(Boolean);
  const older = commits.map((commit) => JSON.parse(git(root, ['show', `${commit}:${path}`])));
  const versions: readonly ExcusedList[] = [now, ...older];
  return versions.flatMap((version, index) => {
    const before = versions[index + 1];
    if (!before) return [];
    return addedEntries(before, version).map((entry) => ({
      check: 'excused-list',
      path,
      message: `the list may only shrink, but it gained ${entry}`,
    }));
  });
}

function git(root: string, args: readonly string[]): string {
  return execFileSync('git', args, { cwd: root, encoding: 'utf8' });
}
