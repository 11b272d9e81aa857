import type { MirrorSpec } from '@bunnydb/contracts';
import { FailureKind } from '@bunnydb/failure';
import { formatQualifiedName, quoteIdentifier, quoteQualifiedName } from '@bunnydb/pg-model';
import type pg from 'pg';
import { changeOf, online } from '../core/structure-change.js';
import { makeChange } from './make-change.js';

/**
 * Validates the foreign keys that a swap made again. They stand in `_bunny.foreign_key`, written by the transaction of the swap, so neither a crash nor a failure
 * forgets them. One that is refused, since rows do not fit, is tried again later and later; one that somebody dropped is forgotten.
 *
 * Call it only while all tables of the mirror are of one moment: before that, a row may point to one that has yet to come.
 *
 * @returns the objects that were validated.
 */
export async function settleForeignKeys(
  client: pg.Client,
  spec: MirrorSpec,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const { rows } = await client.query<KeyRow>(SELECT_DUE_KEYS, [spec.id]);
  const settled: string[] = [];
  for (const row of rows) {
    const table = { schema: row.table_schema, table: row.table_name };
    const object = `${formatQualifiedName(table)}.${row.constraint_name}`;
    if (row.is_validated === false) {
      const validate = `alter table ${quoteQualifiedName(table)} validate constraint ${quoteIdentifier(row.constraint_name)}`;
      const change = changeOf({
        kind: 'validate_foreign_key',
        object,
        table: formatQualifiedName(table),
        statements: [online(validate)],
        locks: 'none that writers wait for',
        reason: 'the key was made again by a swap',
      });
      const outcome = await makeChange(client, change, signal);
      if (outcome.tag !== 'made') {
        const isRefused = outcome.error.kind === FailureKind.ConstraintViolated;
        await client.query(isRefused ? PUT_OFF : TRY_SOON, keyOfRow(spec, row));
        continue;
      }
      settled.push(`validate_foreign_key ${object}`);
    }
    await client.query(FORGET, keyOfRow(spec, row));
  }
  return settled;
}

function keyOfRow(spec: MirrorSpec, row: KeyRow): string[] {
  return [spec.id, row.table_schema, row.table_name, row.constraint_name];
}

/** `is_validated` is null for a key that is gone. */
interface KeyRow {
  readonly table_schema: string;
  readonly table_name: string;
  readonly constraint_name: string;
  readonly is_validated: boolean | null;
}

const SELECT_DUE_KEYS = `
  select r.table_schema, r.table_name, r.constraint_name, k.convalidated as is_validated
    from _bunny.foreign_key r
    left join pg_catalog.pg_namespace n on n.nspname = r.table_schema
    left join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = r.table_name
    left join pg_catalog.pg_constraint k on k.conrelid = c.oid and k.conname = r.constraint_name and k.contype = 'f'
   where r.mirror_id = $1 and r.next_try_at <= pg_catalog.now()
   order by r.recorded_at, r.table_schema, r.table_name, r.constraint_name`;

const WHICH = `mirror_id = $1 and table_schema = $2 and table_name = $3 and constraint_name = $4`;
const FORGET = `delete from _bunny.foreign_key where ${WHICH}`;
const TRY_SOON = `update _bunny.foreign_key set next_try_at = pg_catalog.now() + interval '30 seconds' where ${WHICH}`;
/** Each try reads the whole table. */
const PUT_OFF = `
  update _bunny.foreign_key
     set attempts = attempts + 1,
         next_try_at = pg_catalog.now() + least(pg_catalog.power(2, least(attempts, 10)) * interval '1 minute', interval '6 hours')
   where ${WHICH}`;
