import { type Kysely, type Transaction, sql } from 'kysely';
import { lockForAppend } from '@bunnydb/event-store';
import { type Resealer, resealJson } from '../../core/secret/reseal-json.js';

export interface ResealReport {
  readonly resealed: number;
  /** By table: texts that no key opens. */
  readonly left: Readonly<Record<string, number>>;
}

/** Anywhere in a text of JSON: a text that may be sealed. `resealJson` looks closer. */
const MAYBE_SEALED = '"v1\\.[0-9a-f]{8}\\.';
const PAGE_ROWS = 500;

interface JsonColumn {
  readonly table: string;
  readonly column: string;
}

/**
 * Seals every secret in the catalog with the present key, in one transaction: in the events, in the read models, and in whatever other column of JSON
 * there is. The events keep what they say; it is the one time that what is stored of them changes, since the history must not be readable with
 * the old key for ever. Nobody appends meanwhile.
 *
 * @param isTrial looks only, and changes nothing.
 */
export async function resealCatalog<Tables>(
  catalog: Kysely<Tables>,
  resealer: Resealer,
  isTrial: boolean,
): Promise<ResealReport> {
  return catalog.transaction().execute(async (transaction) => {
    // A long history takes its time.
    await sql`set local statement_timeout = 0`.execute(transaction);
    await lockForAppend(transaction);
    const left: Record<string, number> = {};
    let resealed = 0;
    for (const column of await jsonColumns(transaction)) {
      const report = await resealColumn(transaction, column, resealer, isTrial);
      resealed += report.resealed;
      if (report.left > 0) left[column.table] = (left[column.table] ?? 0) + report.left;
    }
    return { resealed, left };
  });
}

async function jsonColumns<Tables>(transaction: Transaction<Tables>): Promise<JsonColumn[]> {
  const found = await sql<JsonColumn>`
    select c.relname::text as "table", a.attname::text as "column"
    from pg_attribute a
    join pg_class c on c.oid = a.attrelid
    where c.relnamespace = current_schema()::regnamespace and c.relkind = 'r'
      and a.attnum > 0 and not a.attisdropped and a.atttypid = 'jsonb'::regtype
    order by 1, 2`.execute(transaction);
  return found.rows;
}

async function resealColumn<Tables>(
  transaction: Transaction<Tables>,
  { table, column }: JsonColumn,
  resealer: Resealer,
  isTrial: boolean,
): Promise<{ readonly resealed: number; readonly left: number }> {
  const sum = { resealed: 0, left: 0 };
  // A row that is written moves; the places are read once, before any is.
  const places = await sql<{ place: string }>`
    select ctid::text as place from ${sql.table(table)}
    where ${sql.ref(column)}::text ~ ${MAYBE_SEALED} for update`.execute(transaction);
  for (let first = 0; first < places.rows.length; first += PAGE_ROWS) {
    const page = places.rows.slice(first, first + PAGE_ROWS).map((row) => row.place);
    const rows = await sql<{ place: string; json: string }>`
      select ctid::text as place, ${sql.ref(column)}::text as json from ${sql.table(table)}
      where ctid = any(${page}::tid[])`.execute(transaction);
    for (const { place, json } of rows.rows) {
      const fresh = resealJson(json, resealer);
      sum.resealed += fresh.resealed;
      sum.left += fresh.left;
      if (fresh.resealed === 0 || isTrial) continue;
      await sql`
        update ${sql.table(table)} set ${sql.ref(column)} = ${fresh.json}::jsonb
        where ctid = ${place}::tid`.execute(transaction);
    }
  }
  return sum;
}
