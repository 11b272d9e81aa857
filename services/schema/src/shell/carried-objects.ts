import type { MirrorSpec } from '@bunnydb/contracts';
import type { QualifiedName } from '@bunnydb/pg-model';
import type pg from 'pg';
import { CARRIED_KINDS, type CarriedBook, type CarriedObject } from '../core/carried-objects.js';

/**
 * What of the destination is noted to have come from the source; nothing while nothing could be noted.
 *
 * @param tables source names; all of the mirror's when left out.
 */
export async function readCarriedObjects(
  client: pg.Client,
  spec: MirrorSpec,
  tables?: readonly QualifiedName[],
): Promise<readonly CarriedObject[]> {
  if (!(await hasCarriedObjects(client))) return [];
  const { rows } =
    tables === undefined
      ? await client.query<CarriedRow>(SELECT_CARRIED, [spec.id])
      : await client.query<CarriedRow>(`${SELECT_CARRIED} ${OF_TABLES}`, [
          spec.id,
          tables.map(({ schema }) => schema),
          tables.map(({ table }) => table),
        ]);
  return rows.flatMap(({ kind, name, fingerprint, ...row }) => {
    const known = CARRIED_KINDS.find((candidate) => candidate === kind);
    if (known === undefined) return [];
    const source = { schema: row.source_schema, table: row.source_table };
    const relation = { schema: row.destination_schema, table: row.destination_table };
    return [{ source, relation, kind: known, name, fingerprint }];
  });
}

/** Notes what a comparison has found, and forgets what is gone. */
export async function noteCarriedObjects(
  client: pg.Client,
  spec: MirrorSpec,
  { changed, gone }: CarriedBook,
): Promise<void> {
  if (changed.length + gone.length === 0 || !(await hasCarriedObjects(client))) return;
  if (gone.length > 0) await client.query(DELETE_CARRIED, [spec.id, rowsOf(gone)]);
  if (changed.length > 0) await client.query(UPSERT_CARRIED, [spec.id, rowsOf(changed)]);
}

/** Forgets what was dropped: what has the name afterwards is the user's own. */
export async function forgetDroppedObjects(
  client: pg.Client,
  spec: MirrorSpec,
  dropped: readonly CarriedObject[],
): Promise<void> {
  if (dropped.length === 0 || !(await hasCarriedObjects(client))) return;
  await client.query(DELETE_CARRIED, [spec.id, rowsOf(dropped)]);
}

/** Forgets what belongs to tables that have left the mirror: the user may do with it as he likes. */
export async function forgetDepartedObjects(client: pg.Client, spec: MirrorSpec): Promise<void> {
  if (!(await hasCarriedObjects(client))) return;
  await client.query(DELETE_DEPARTED, [
    spec.id,
    spec.tables.map((table) => table.source.schema),
    spec.tables.map((table) => table.source.table),
  ]);
}

async function hasCarriedObjects(client: pg.Client): Promise<boolean> {
  const { rows } = await client.query<{ present: boolean }>(
    `select pg_catalog.to_regclass('_bunny.carried_object') is not null as present`,
  );
  return rows[0]?.present === true;
}

function rowsOf(objects: readonly CarriedObject[]): string {
  return JSON.stringify(
    objects.map(({ source, relation, kind, name, fingerprint }): CarriedRow => ({
      source_schema: source.schema,
      source_table: source.table,
      destination_schema: relation.schema,
      destination_table: relation.table,
      kind,
      name,
      fingerprint,
    })),
  );
}

interface CarriedRow {
  readonly source_schema: string;
  readonly source_table: string;
  readonly destination_schema: string;
  readonly destination_table: string;
  readonly kind: string;
  readonly name: string;
  readonly fingerprint: string;
}

const COLUMNS =
  'source_schema, source_table, destination_schema, destination_table, kind, name, fingerprint';
const SELECT_CARRIED = `select ${COLUMNS} from _bunny.carried_object where mirror_id = $1`;
const OF_TABLES =
  'and (source_schema, source_table) in (select * from unnest($2::text[], $3::text[]))';
const ROWS = `
  json_to_recordset($2::json) as w (source_schema text, source_table text, destination_schema text, destination_table text,
    kind text, name text, fingerprint text)`;
const UPSERT_CARRIED = `
  insert into _bunny.carried_object (mirror_id, ${COLUMNS})
  select $1, ${COLUMNS} from ${ROWS}
  on conflict (mirror_id, destination_schema, destination_table, kind, name) do update
    set source_schema = excluded.source_schema, source_table = excluded.source_table, fingerprint = excluded.fingerprint`;
/** Only as it was read: somebody else may have noted it anew. */
const DELETE_CARRIED = `
  delete from _bunny.carried_object as known using ${ROWS}
   where known.mirror_id = $1
     and (known.destination_schema, known.destination_table, known.kind, known.name, known.fingerprint)
         = (w.destination_schema, w.destination_table, w.kind, w.name, w.fingerprint)`;
/** Domains belong to no table. */
const DELETE_DEPARTED = `
  delete from _bunny.carried_object as known
   where known.mirror_id = $1 and known.kind <> 'domain_check'
     and not exists (select from unnest($2::text[], $3::text[]) as w (schema_name, table_name)
                      where (w.schema_name, w.table_name) = (known.source_schema, known.source_table))`;
