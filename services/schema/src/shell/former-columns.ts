import type { MirrorSpec } from '@bunnydb/contracts';
import type { Messaging } from '@bunnydb/messaging';
import { formatQualifiedName } from '@bunnydb/pg-model';
import type pg from 'pg';
import { askLanes } from './ask-lanes.js';

/**
 * Has tables copied again that are in error since rows which wait in their lane have a column that neither side has any more: it was added and dropped, or renamed, on the source while the table
 * was outside the main lane, and nobody can tell what became of its values. One that the source has still is added by the comparison instead.
 */
export async function recopyFormerColumns(
  messaging: Messaging,
  spec: MirrorSpec,
  source: pg.Client,
  destination: pg.Client,
): Promise<void> {
  const { rows: lacking } = await destination.query<LackingRow>(SELECT_LACKING, [spec.id]);
  if (lacking.length === 0) return;
  const { rows: found } = await source.query<{ columns: readonly string[] }>(SELECT_COLUMNS, [
    lacking.map((row) => row.schema),
    lacking.map((row) => row.table),
  ]);
  const former = lacking.filter(({ columns }, index) => {
    const present = new Set(found[index]?.columns);
    return columns.some((column) => !present.has(column));
  });
  await askLanes(
    messaging,
    spec,
    { action: 'resync', strategy: spec.options.resync_strategy, together: false },
    former.map((row) => formatQualifiedName(row.destination)),
  );
}

interface LackingRow {
  readonly schema: string;
  readonly table: string;
  readonly destination: { readonly schema: string; readonly table: string };
  readonly columns: readonly string[];
}

const SELECT_LACKING = `
  select t.source_schema as schema, t.source_table as table, t.reason #> '{detail,columns}' as columns,
         json_build_object('schema', t.destination_schema, 'table', t.destination_table) as destination
    from _bunny.table_state t
   where t.mirror_id = $1 and t.state = 'error' and t.reason ->> 'kind' = 'schema_mismatch'
     and json_typeof(t.reason #> '{detail,columns}') = 'array'
     and t.wish #>> '{asked,wish,action}' is distinct from 'resync' and t.wish ->> 'resync' is null`;
const SELECT_COLUMNS = `
  select array(select a.attname::text from pg_catalog.pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns
    from unnest($1::text[], $2::text[]) with ordinality as w (schema_name, table_name, n)
    left join (pg_catalog.pg_class c join pg_catalog.pg_namespace s on s.oid = c.relnamespace)
      on s.nspname = w.schema_name and c.relname = w.table_name
   order by w.n`;
