import type { MirrorSpec } from '@bunnydb/contracts';
import type { QualifiedName } from '@bunnydb/pg-model';
import type pg from 'pg';
import { keyOf } from '../core/relation-facts.js';

/** Which table each was when it was followed last, by its OID: the applier notes the shape. */
export async function readFollowedOids(
  client: pg.Client,
  spec: MirrorSpec,
  tables: readonly QualifiedName[],
): Promise<ReadonlyMap<string, number>> {
  const { rows: there } = await client.query<{ present: boolean }>(
    `select pg_catalog.to_regclass('_bunny.table_state') is not null as present`,
  );
  if (there[0]?.present !== true) return new Map();
  const { rows } = await client.query<{ schema: string; name: string; relation: string }>(
    `select source_schema as schema, source_table as name, relation from _bunny.table_state
       join unnest($2::text[], $3::text[]) as w (schema_name, table_name)
         on w.schema_name = source_schema and w.table_name = source_table
      where mirror_id = $1 and relation is not null`,
    [spec.id, tables.map((table) => table.schema), tables.map((table) => table.table)],
  );
  return new Map(
    rows.flatMap(({ schema, name, relation }) => {
      const oid = oidOf(relation);
      return oid === undefined ? [] : [[keyOf({ schema, table: name }), oid] as const];
    }),
  );
}

/** A signature begins with the table's OID. */
function oidOf(signature: string): number | undefined {
  const oid = /^\[(\d+),/.exec(signature)?.[1];
  return oid === undefined ? undefined : Number(oid);
}
