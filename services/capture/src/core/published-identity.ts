import { MirrorError } from '@bunnydb/failure';
import {
  type QualifiedName,
  type ReplicaIdentity,
  formatQualifiedName,
  quoteQualifiedName,
} from '@bunnydb/pg-model';

/** What decides whether the source still takes updates and deletes of a table once it is published; partitions are judged one by one. */
export interface PublishedIdentity {
  readonly table: QualifiedName;
  readonly identity: ReplicaIdentity;
  /** Columns of the identity's index; empty if there is none. */
  readonly identityColumns: readonly string[];
  /** Those of them that the source computes and the publication does not send; with PostgreSQL 18 under an identity of all columns, too. */
  readonly computedColumns: readonly string[];
  /** The publication's column list; null if it sends all columns. */
  readonly columnList: readonly string[] | null;
  /** Columns that its row filter reads. */
  readonly filterColumns: readonly string[];
}

/**
 * Why a table must not be published, or null. PostgreSQL would publish it without a word, and refuse the application's own
 * updates and deletes from then on.
 */
export function refuseIdentity(facts: PublishedIdentity): MirrorError | null {
  const { table, identity, identityColumns, computedColumns, columnList, filterColumns } = facts;
  const alter = `alter table ${quoteQualifiedName(table)} replica identity`;
  const detail = { table: formatQualifiedName(table) };
  const [computed] = computedColumns;
  if (computed !== undefined) {
    const words = 'a column that identifies the rows of its table is computed and not sent';
    return new MirrorError('replica_identity_missing', words, {
      detail: { ...detail, column: computed, fix: `${alter} using index …` },
    });
  }
  if (identity === 'f') {
    if (columnList === null) return null;
    const words = 'a table with replica identity full cannot leave columns out';
    return new MirrorError('invalid_input', words, {
      detail: { ...detail, fix: `${alter} default` },
    });
  }
  const full = { detail: { ...detail, fix: `${alter} full` } };
  if (identityColumns.length === 0) {
    const words = 'a table has no replica identity, so its updates and deletes would be refused';
    return new MirrorError('replica_identity_missing', words, full);
  }
  const missing = identityColumns.find((column) => columnList?.includes(column) === false);
  if (missing !== undefined) {
    const words = 'a column that identifies the rows of its table is excluded';
    return new MirrorError('invalid_input', words, { detail: { ...detail, column: missing } });
  }
  if (filterColumns.every((column) => identityColumns.includes(column))) return null;
  const words = 'a row filter reads columns that the replica identity does not have';
  return new MirrorError('replica_identity_missing', words, full);
}
