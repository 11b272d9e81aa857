import type { TableMapping } from '@bunnydb/contracts';
import { MirrorError } from '@bunnydb/failure';
import { type QualifiedName, formatQualifiedName, quoteQualifiedName } from '@bunnydb/pg-model';
import { sqlstateOf } from '@bunnydb/pg-client';
import type pg from 'pg';
import type { CopyRange } from '../core/copy-range.js';

/**
 * The copy's bookkeeping in the destination: a row of `_bunny.table_state` per table, one of `_bunny.copy_range` per finished range.
 *
 * A table is `pending` until this mirror has put anything into it. Becoming `copying` is what gives the mirror the right to empty the table
 * later, so it is committed before the first row is written, and only for a table that was empty.
 */
export interface LedgerEntry extends CopyTarget {
  readonly mirrorId: string;
  /** The epoch that the session took the position with; an older session may write nothing any more. */
  readonly epoch: string;
}

/** A table to be copied, and what for. */
export interface CopyTarget {
  /** Where the rows go: the destination table, or its shadow. */
  readonly mapping: TableMapping;
  readonly purpose: CopyPurpose;
}

/**
 * `mirror`: before anything is streamed; `lane`: a table that joins later; `resync`: in place of what is there; `shadow`: into a table
 * that takes the place of what is there.
 */
export type CopyPurpose = keyof typeof STATES;

/** A table's state while it is copied, and when it is. */
const STATES = {
  mirror: { during: 'copying', after: 'running' },
  lane: { during: 'copying', after: 'catching_up' },
  resync: { during: 'resyncing', after: 'catching_up' },
  shadow: { during: 'resyncing', after: 'resyncing' },
} as const;

/** The state that a table has when its copy is done. */
export function stateAfter(purpose: CopyPurpose): (typeof STATES)[CopyPurpose]['after'] {
  return STATES[purpose].after;
}

/** The state that a table has while it is copied. */
export function stateDuring(purpose: CopyPurpose): (typeof STATES)[CopyPurpose]['during'] {
  return STATES[purpose].during;
}

/** Which of the mirror's tables are still to be copied. */
export async function selectTablesToCopy(
  client: pg.Client,
  mirrorId: string,
  tables: readonly TableMapping[],
): Promise<readonly TableMapping[]> {
  const { rows } = await client.query<{ schema: string; table: string; done: boolean }>(
    `select source_schema as schema, source_table as table,
            copy_lsn is not null and state not in ('pending', 'copying', 'resyncing') as done
       from _bunny.table_state where mirror_id = $1`,
    [mirrorId],
  );
  const states = new Map(rows.map((row) => [formatQualifiedName(row), row.done]));
  return tables.filter((table) => {
    const done = states.get(formatQualifiedName(table.source));
    if (done === undefined) throw new Error('a table of the mirror has no row in table_state');
    return !done;
  });
}

/**
 * Makes a table ready to be filled from nothing, in one transaction: refuses one with rows that the mirror did not write, empties one
 * that an earlier attempt began or that is copied again, and marks it as being copied.
 */
export async function beginTable(
  client: pg.Client,
  { mirrorId, epoch, mapping, purpose }: LedgerEntry,
  isPartitioned: boolean,
): Promise<void> {
  const key = tableKey(mirrorId, mapping.source);
  await client.query('begin');
  const { rows } = await client.query<{ state: string }>(
    `select case when state in ('held', 'error') then coalesce(wish ->> 'goes_on_as', 'pending') else state end as state
       from _bunny.table_state
      where mirror_id = $1 and source_schema = $2 and source_table = $3 for update`,
    key,
  );
  if (rows[0]?.state === 'pending') await requireEmpty(client, mapping.destination, isPartitioned);
  else await emptyTable(client, mapping.destination, isPartitioned);
  await client.query(
    `delete from _bunny.copy_range
      where mirror_id = $1 and source_schema = $2 and source_table = $3`,
    key,
  );
  await client.query(
    `update _bunny.table_state
        set state = $4, copy_lsn = null, rows_copied = 0, reason = null, updated_at = now()
      where mirror_id = $1 and source_schema = $2 and source_table = $3`,
    [...key, stateDuring(purpose)],
  );
  await requireEpoch(client, mirrorId, epoch);
  await client.query('commit');
}

export interface FinishedRange {
  readonly range: CopyRange;
  readonly lsn: string;
  readonly rows: number;
  readonly bytes: number;
}

/** Notes a range in the transaction that holds its rows. */
export async function insertRange(
  client: pg.Client,
  { mirrorId, epoch, mapping }: LedgerEntry,
  { range, lsn, rows, bytes }: FinishedRange,
): Promise<void> {
  await client.query(
    `insert into _bunny.copy_range
       (mirror_id, source_schema, source_table, range_no, copy_lsn, first_block, end_block, rows, bytes)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
    [
      ...tableKey(mirrorId, mapping.source),
      range.rangeNo,
      lsn,
      range.firstBlock,
      range.endBlock,
      rows,
      bytes,
    ],
  );
  await requireEpoch(client, mirrorId, epoch);
}

/** Marks a table as copied up to `lsn`, durably; returns its row count. */
export async function finishTable(
  client: pg.Client,
  { mirrorId, epoch, mapping, purpose }: LedgerEntry,
  lsn: string,
): Promise<number> {
  await client.query('begin');
  // The ranges may have committed without waiting for the disk; this commit waits, and covers theirs.
  await client.query('set local synchronous_commit = on');
  const { rows } = await client.query<{ rows_copied: number }>(
    `update _bunny.table_state
        set state = $6, copy_lsn = $4::pg_lsn, reason = null, last_synced_at = now(), updated_at = now(),
            rows_copied = (select coalesce(sum(r.rows), 0) from _bunny.copy_range r
                            where r.mirror_id = $1 and r.source_schema = $2 and r.source_table = $3)
      where mirror_id = $1 and source_schema = $2 and source_table = $3 and state = $5
      returning rows_copied::float8`,
    [
      ...tableKey(mirrorId, mapping.source),
      // What a shadow holds is nothing that the table holds.
      purpose === 'shadow' ? null : lsn,
      stateDuring(purpose),
      stateAfter(purpose),
    ],
  );
  if (rows.length !== 1) throw new MirrorError('unexpected', 'the table left the copy meanwhile');
  await requireEpoch(client, mirrorId, epoch);
  await client.query('commit');
  return rows[0]?.rows_copied ?? 0;
}

/**
 * The last statement of every transaction here: fails when another session has taken the mirror over. The row is locked until the commit that follows
 * at once, so a session that takes over finds all that we committed, and we commit nothing after it. Not asked earlier: a copy that hangs must not
 * keep the other one from taking over.
 */
export async function requireEpoch(
  client: pg.Client,
  mirrorId: string,
  epoch: string,
): Promise<void> {
  const { rowCount } = await client.query(
    'select from _bunny.position where mirror_id = $1 and epoch = $2 for share',
    [mirrorId, epoch],
  );
  if (rowCount !== 1) {
    throw new MirrorError('position_fenced', 'another session has taken the mirror over');
  }
}

async function requireEmpty(
  client: pg.Client,
  table: QualifiedName,
  isPartitioned: boolean,
): Promise<void> {
  const { rows } = await client.query<{ holds_rows: boolean }>(
    `select exists (select from ${onlyClause(isPartitioned)}${quoteQualifiedName(table)}) as holds_rows`,
  );
  if (rows[0]?.holds_rows) {
    throw new MirrorError(
      'table_not_empty',
      'the destination table holds rows that this mirror did not write',
      {
        detail: {
          destination_table: formatQualifiedName(table),
          fix: `truncate ${quoteQualifiedName(table)}`,
        },
      },
    );
  }
}

async function emptyTable(
  client: pg.Client,
  table: QualifiedName,
  isPartitioned: boolean,
): Promise<void> {
  const name = `${onlyClause(isPartitioned)}${quoteQualifiedName(table)}`;
  await client.query('savepoint before_truncate');
  try {
    await client.query(`truncate ${name}`);
  } catch (error) {
    // A foreign key points here from a table that is not emptied as well: TRUNCATE refuses, deleting with replica's rules does not.
    if (sqlstateOf(error) !== FEATURE_NOT_SUPPORTED) throw error;
    await client.query('rollback to savepoint before_truncate');
    await client.query(`delete from ${name}`);
  }
}

/** ONLY leaves inheriting tables alone, but a partitioned table has its rows in its partitions. */
function onlyClause(isPartitioned: boolean): string {
  return isPartitioned ? '' : 'only ';
}

function tableKey(mirrorId: string, source: QualifiedName): [string, string, string] {
  return [mirrorId, source.schema, source.table];
}

const FEATURE_NOT_SUPPORTED = '0A000';
