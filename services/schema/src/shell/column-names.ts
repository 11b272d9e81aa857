import type { MirrorSpec } from '@bunnydb/contracts';
import type { QualifiedName } from '@bunnydb/pg-model';
import type pg from 'pg';
import { ColumnNames, type NamedColumn } from '../core/column-names.js';
import { keyOf } from '../core/relation-facts.js';

/** What the mirror's columns were called when their tables were followed last; nothing while the applier has not made its bookkeeping. */
export async function readColumnNames(
  client: pg.Client,
  spec: MirrorSpec,
  tables: readonly QualifiedName[],
): Promise<ColumnNames> {
  if (!(await hasColumnNames(client))) return new ColumnNames(spec.id, new Map());
  const { rows } = await client.query<NameRow>(SELECT_NAMES, [
    spec.id,
    tables.map((table) => table.schema),
    tables.map((table) => table.table),
  ]);
  const byTable = new Map<string, NamedColumn[]>();
  for (const { schema, name: table, number, column, former } of rows) {
    const key = keyOf({ schema, table });
    const named = { number, name: column, formerNames: former };
    const ofTable = byTable.get(key);
    if (ofTable) ofTable.push(named);
    else byTable.set(key, [named]);
  }
  return new ColumnNames(spec.id, byTable);
}

/** Notes the columns of tables that nothing is noted of yet, and which numbers are of no column any more: no row of the stream has one. */
export async function noteFirstColumnNames(
  client: pg.Client,
  spec: MirrorSpec,
  tables: readonly NamedTable[],
): Promise<void> {
  const roots = new Map(tables.map((table) => [keyOf(table.name), table]));
  const noted = spec.tables.map(({ source, destination, exclude_columns: excluded }) => {
    const { columns = [], droppedNumbers = [] } = roots.get(keyOf(source)) ?? {};
    const living = columns.flatMap(({ number, name }) =>
      number === undefined ? [] : [{ number, name }],
    );
    const dropped = droppedNumbers.map((number) => ({ number, name: droppedName(number) }));
    return {
      ...{ source, destination, columns: [...living, ...dropped] },
      absent: [...excluded, ...dropped.map(({ name }) => name)],
    };
  });
  await insertNames(client, spec, noted, OF_NEW_TABLES);
}

/** A table of the source and its columns. */
export interface NamedTable {
  readonly name: QualifiedName;
  readonly columns: readonly { readonly number?: number; readonly name: string }[];
  readonly droppedNumbers?: readonly number[];
}

/** As PostgreSQL calls a column that is dropped. */
function droppedName(number: number): string {
  return `........pg.dropped.${number}........`;
}

export interface NotedTable {
  readonly source: QualifiedName;
  readonly destination: QualifiedName;
  /** Names of these, too, are noted though the destination has no such column. */
  readonly absent: readonly string[];
  readonly columns: readonly { readonly number: number; readonly name: string }[];
}

/** Notes what columns are called, of those that the destination has. A name that was another before is kept as a former one. */
export async function noteColumnNames(
  client: pg.Client,
  spec: MirrorSpec,
  tables: readonly NotedTable[],
): Promise<void> {
  await insertNames(client, spec, tables, ON_CONFLICT_RENAME);
}

async function insertNames(
  client: pg.Client,
  spec: MirrorSpec,
  tables: readonly NotedTable[],
  onConflict: string,
): Promise<void> {
  const rows = tables.flatMap(({ source, destination, absent, columns }) =>
    columns.map((column) => ({
      source_schema: source.schema,
      source_table: source.table,
      destination_schema: destination.schema,
      destination_table: destination.table,
      attribute_number: column.number,
      name: column.name,
      is_absent: absent.includes(column.name),
    })),
  );
  if (rows.length === 0 || !(await hasColumnNames(client))) return;
  await client.query(`${INSERT_NAMES} ${onConflict}`, [spec.id, JSON.stringify(rows)]);
}

/** Forgets what columns of a table were called: it is another table now. */
export async function forgetColumnNames(
  client: pg.Client,
  spec: MirrorSpec,
  { schema, table }: QualifiedName,
): Promise<void> {
  if (!(await hasColumnNames(client))) return;
  await client.query(
    `delete from _bunny.column_name where mirror_id = $1 and source_schema = $2 and source_table = $3`,
    [spec.id, schema, table],
  );
}

async function hasColumnNames(client: pg.Client): Promise<boolean> {
  const { rows } = await client.query<{ present: boolean }>(
    `select pg_catalog.to_regclass('_bunny.column_name') is not null as present`,
  );
  return rows[0]?.present === true;
}

const SELECT_NAMES = `
  select n.source_schema as schema, n.source_table as name, n.attribute_number as number,
         n.name as column, n.former_names as former
    from _bunny.column_name n
    join unnest($2::text[], $3::text[]) as w (schema_name, table_name)
      on w.schema_name = n.source_schema and w.table_name = n.source_table
   where n.mirror_id = $1
   order by n.attribute_number`;

const INSERT_NAMES = `
  insert into _bunny.column_name as known (mirror_id, source_schema, source_table, attribute_number, name)
  select $1, w.source_schema, w.source_table, w.attribute_number, w.name
    from json_to_recordset($2::json) as w (source_schema text, source_table text, destination_schema text,
         destination_table text, attribute_number int, name text, is_absent boolean)
   where w.is_absent or exists (
           select from pg_catalog.pg_attribute a
             join pg_catalog.pg_class c on c.oid = a.attrelid
             join pg_catalog.pg_namespace s on s.oid = c.relnamespace
            where s.nspname = w.destination_schema and c.relname = w.destination_table
              and a.attname = w.name and a.attnum > 0 and not a.attisdropped)`;

/** What is noted of a table later is told by its numbers: a column may have the name of another one. */
const OF_NEW_TABLES = `
     and not exists (select from _bunny.column_name k where k.mirror_id = $1 and k.source_schema = w.source_schema and k.source_table = w.source_table)
  on conflict do nothing`;

const ON_CONFLICT_RENAME = `
  on conflict (mirror_id, source_schema, source_table, attribute_number) do update
     set name = excluded.name,
         former_names = array_append(array_remove(known.former_names, excluded.name), known.name)
   where known.name <> excluded.name`;

interface NameRow {
  readonly schema: string;
  readonly name: string;
  readonly number: number;
  readonly column: string;
  readonly former: readonly string[];
}
