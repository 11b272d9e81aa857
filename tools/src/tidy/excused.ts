import type { Finding } from './finding.js';

/** Check name → paths whose findings of that check are known and tolerated for now. */
export type ExcusedList = Readonly<Record<string, readonly string[]>>;

export interface Judgement {
  readonly remaining: readonly Finding[];
  readonly excused: readonly Finding[];
}

/** Takes the excused findings out; an entry that excuses nothing is itself a finding, so that the list shrinks. */
export function excuse(
  findings: readonly Finding[],
  list: ExcusedList,
  listPath: string,
): Judgement {
  const isExcused = ({ check, path }: Finding): boolean => list[check]?.includes(path) ?? false;
  const stale = entriesOf(list)
    .filter(({ check, path }) => !findings.some((f) => f.check === check && f.path === path))
    .map(({ check, path }) => ({
      check: 'excused-list',
      path: listPath,
      message: `${path} no longer needs to be excused from ${check}: remove the entry`,
    }));
  return {
    remaining: [...findings.filter((finding) => !isExcused(finding)), ...stale],
    excused: findings.filter(isExcused),
  };
}

/** What a newer list holds that the older one did not. */
export function addedEntries(older: ExcusedList, newer: ExcusedList): string[] {
  return entriesOf(newer)
    .filter(({ check, path }) => !older[check]?.includes(path))
    .map(({ check, path }) => `${check}: ${path}`);
}

function entriesOf(list: ExcusedList): { check: string; path: string }[] {
  return Object.entries(list).flatMap(([check, paths]) => paths.map((path) => ({ check, path })));
}
