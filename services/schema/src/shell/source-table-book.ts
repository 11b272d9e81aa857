import type { MirrorSpec } from '@bunnydb/contracts';
import { FailureKind } from '@bunnydb/failure';
import { toMirrorError } from '@bunnydb/pg-client';
import { type QualifiedName, formatQualifiedName } from '@bunnydb/pg-model';
import type pg from 'pg';
import { keyOf } from '../core/relation-facts.js';
import { ensureSchemaBookkeeping } from './schema-bookkeeping.js';

/** What is noted at the destination of one table of the source. */
export interface SourceTableNote {
  readonly noted: number | null;
  readonly followed: number | null;
  readonly isRecopyDue: boolean;
  /** Where its changes go. */
  readonly state: string;
}

/** What is noted of the mirror's tables, by `keyOf`; tables that no applier has registered are missing. */
export async function readSourceTableNotes(
  client: pg.Client,
  spec: MirrorSpec,
): Promise<ReadonlyMap<string, SourceTableNote>> {
  const { rows } = await client.query<QualifiedName & NoteRow>(
    `select t.source_schema as schema, t.source_table as table, t.state, s.oid::float8 as noted,
            (t.relation::json ->> 0)::float8 as followed, coalesce(s.is_recopy_due, false) as is_recopy_due
       from _bunny.table_state t
       left join _bunny.source_table s
         on (s.mirror_id, s.source_schema, s.source_table) = (t.mirror_id, t.source_schema, t.source_table)
      where t.mirror_id = $1`,
    [spec.id],
  );
  return new Map(
    rows.map((row) => [
      keyOf(row),
      {
        noted: row.noted,
        followed: row.followed,
        isRecopyDue: row.is_recopy_due,
        state: row.state,
      },
    ]),
  );
}

/** Notes the numbers of tables. What is due stays due. */
export async function noteSourceTables(
  client: pg.Client,
  spec: MirrorSpec,
  tables: readonly { readonly source: QualifiedName; readonly oid: number }[],
): Promise<void> {
  await client.query(
    `insert into _bunny.source_table (mirror_id, source_schema, source_table, oid)
     select $1, w.schema_name, w.table_name, w.oid from unnest($2::text[], $3::text[], $4::int8[]) as w (schema_name, table_name, oid)
     on conflict (mirror_id, source_schema, source_table) do update set oid = excluded.oid
     where source_table.oid <> excluded.oid`,
    [
      spec.id,
      tables.map(({ source }) => source.schema),
      tables.map(({ source }) => source.table),
      tables.map(({ oid }) => oid),
    ],
  );
}

/** Notes the numbers of tables that are about to be mirrored, where anything can be noted. */
export async function noteFirstNumbers(
  client: pg.Client,
  spec: MirrorSpec,
  tables: readonly { readonly source: QualifiedName; readonly oid: number }[],
): Promise<void> {
  try {
    await ensureSchemaBookkeeping(client);
  } catch (error) {
    const failure = toMirrorError(error, { role: 'destination' });
    if (failure.kind !== FailureKind.PrivilegeMissing) throw failure;
    return;
  }
  await noteSourceTables(client, spec, tables);
  // One that was in the mirror before is given everything again.
  await client.query(
    `delete from _bunny.built_table b using unnest($2::text[], $3::text[]) as w (schema_name, table_name)
      where b.mirror_id = $1 and b.source_schema = w.schema_name and b.source_table = w.table_name`,
    [spec.id, tables.map(({ source }) => source.schema), tables.map(({ source }) => source.table)],
  );
}

/** Notes that tables have to be copied again, by their names at the destination, before something is made that rows of theirs cannot follow. */
export async function noteCopyNeeded(
  client: pg.Client,
  spec: MirrorSpec,
  destinations: readonly string[],
): Promise<void> {
  const tables = spec.tables.filter(({ destination }) =>
    destinations.includes(formatQualifiedName(destination)),
  );
  const { rows } = await client.query<{ present: boolean }>(
    `select pg_catalog.to_regclass('_bunny.table_state') is not null as present`,
  );
  // Where no applier has been, nothing has been copied.
  if (tables.length === 0 || rows[0]?.present !== true) return;
  await ensureSchemaBookkeeping(client, { createsSchema: false });
  await client.query(
    // A number that is no table's has the table taken for one that was made anew, and copied, too.
    `insert into _bunny.source_table (mirror_id, source_schema, source_table, oid, is_recopy_due)
     select $1, w.schema_name, w.table_name, 0, true from unnest($2::text[], $3::text[]) as w (schema_name, table_name)
     on conflict (mirror_id, source_schema, source_table) do update set is_recopy_due = true`,
    [spec.id, tables.map(({ source }) => source.schema), tables.map(({ source }) => source.table)],
  );
}

/** Whether a copy of a table is due that its watch has to ask for; tables that have left the mirror are nobody's. */
export async function isCopyDue(client: pg.Client, spec: MirrorSpec): Promise<boolean> {
  const { rows } = await client.query(
    `select from _bunny.source_table s join _bunny.table_state t using (mirror_id, source_schema, source_table)
      where mirror_id = $1 and s.is_recopy_due limit 1`,
    [spec.id],
  );
  return rows.length > 0;
}

/** Notes whether tables have to be copied again. */
export async function noteRecopyDue(
  client: pg.Client,
  spec: MirrorSpec,
  tables: readonly { readonly source: QualifiedName; readonly oid: number }[],
  isDue: boolean,
): Promise<void> {
  await client.query(
    `insert into _bunny.source_table (mirror_id, source_schema, source_table, oid, is_recopy_due)
     select $1, w.schema_name, w.table_name, w.oid, $5 from unnest($2::text[], $3::text[], $4::int8[]) as w (schema_name, table_name, oid)
     on conflict (mirror_id, source_schema, source_table) do update set oid = excluded.oid, is_recopy_due = excluded.is_recopy_due`,
    [
      spec.id,
      tables.map(({ source }) => source.schema),
      tables.map(({ source }) => source.table),
      tables.map(({ oid }) => oid),
      isDue,
    ],
  );
}

interface NoteRow {
  readonly state: string;
  readonly noted: number | null;
  readonly followed: number | null;
  readonly is_recopy_due: boolean;
}
