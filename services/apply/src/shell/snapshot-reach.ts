import { FailureKind, MirrorError } from '@bunnydb/failure';
import { type QualifiedName, formatQualifiedName, quoteQualifiedName } from '@bunnydb/pg-model';
import type pg from 'pg';
import { onSide } from './copy-failure.js';

/**
 * Makes sure that the session's snapshot sees the table's rows, now and until its transaction ends.
 *
 * A command that writes a table anew (`ALTER TABLE … ALTER … TYPE`, `TRUNCATE`) is not MVCC-safe: to an older snapshot the table looks empty, and no change of those rows is
 * ever in the stream. The file that holds the rows is another one then. The name may also stand for another table by now. So the table is locked, as reading it would,
 * and then the catalog as of the snapshot is compared with the catalog as it is.
 *
 * @throws MirrorError `table_rewritten` when a newer snapshot is needed.
 */
export async function requireSameRows(source: pg.Client, relation: QualifiedName): Promise<void> {
  const name = quoteQualifiedName(relation);
  const isSame = await onSide('source', async () => {
    // Unlike LOCK TABLE this asks for no more than the right to read a column.
    await source.query(`select from only ${name} limit 0`);
    const { rows } = await source.query(IS_SAME, [relation.schema, relation.table, name]);
    return rows.length > 0;
  });
  if (isSame) return;
  throw new MirrorError(
    FailureKind.TableRewritten,
    'the source table was written anew after the snapshot of its copy was taken',
    { detail: { relation: formatQualifiedName(relation) } },
  );
}

/** `pg_class` is read as of the snapshot; the functions look at the catalog as it is. A view or foreign table has no file. */
const IS_SAME = `
  select 1 from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
   where n.nspname = $1 and c.relname = $2 and c.oid = pg_catalog.to_regclass($3)
     and nullif(c.relfilenode, 0) is not distinct from pg_catalog.pg_relation_filenode(c.oid)`;
