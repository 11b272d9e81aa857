import type { SourceIdentity } from '@bunnydb/contracts';

/** Whether what was noted of the one source is true of the other: the same database, not one that was restored under its name. */
export function isSameSource(a: SourceIdentity, b: SourceIdentity): boolean {
  const isSameDatabase =
    a.database_oid === undefined ||
    b.database_oid === undefined ||
    a.database_oid === b.database_oid;
  return a.system_id === b.system_id && a.database === b.database && isSameDatabase;
}
